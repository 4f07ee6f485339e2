import { NotAuthorized, ValidationError } from '../../../../core/errors.ts'
import type { FunctionList } from '../../sql/function-list.ts'

/** What is found on the way through a statement. */
export interface Findings {
  readonly sql: string
  readonly allowed: FunctionList
  /** By folded name, as first written. */
  readonly tables: Map<string, string>
  readonly functions: Set<string>
  joins: number
  /** How many times longer its calls can make a text. */
  growth: number
  /** How many times more columns its `*` can make of those of a table. */
  stars: number
  /** Calls that make a struct of something that is no constant. */
  structs: number
  /** Folded names of all tables, CTEs and aliases in FROM, and how often each name stands alone as a column. */
  readonly relations: Set<string>
  readonly columns: Map<string, number>
}

/** Where a rule stands: the names of CTEs that are visible there, folded, and how deep it is. */
export interface Place {
  readonly found: Findings
  readonly ctes: ReadonlySet<string>
  readonly depth: number
  /** In how many subqueries of expressions. */
  readonly subqueries: number
}

export type Node = Readonly<Record<string, unknown>>
/** Accepts a value of the syntax tree, or throws. */
export type Rule = (value: unknown, place: Place) => void
export type Shape = Readonly<Record<string, Rule>>

const MAX_DEPTH = 500

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** DuckDB folds ASCII letters only: `toLowerCase` would also make one name of `K` and the Kelvin sign. */
export const fold = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Refused because no rule knows it. `what` is the engine's word, never the caller's. */
export const unknownPart = (what: string): NotAuthorized => new NotAuthorized(`Not authorized to use ${what} in SQL`)

export const invalid = (sentence: string): ValidationError =>
  new ValidationError({ query: [sentence] }, { message: sentence })

/** A name, a flag, a position, or lists of these: it can't hold a part of the statement. */
export const plain: Rule = (value, place) => {
  if (Array.isArray(value)) for (const item of value) plain(item, place)
  else if (isNode(value)) throw unknownPart('this value')
}

export const absent =
  (what: string): Rule =>
  (value) => {
    const empty = value === null || value === '' || value === false || (Array.isArray(value) && value.length === 0)
    if (!empty) throw unknownPart(what)
  }

export const one =
  (what: string, ...values: readonly unknown[]): Rule =>
  (value) => {
    if (!values.includes(value)) throw unknownPart(what)
  }

export const optional =
  (rule: Rule): Rule =>
  (value, place) => {
    if (value !== null) rule(value, place)
  }

export const list =
  (rule: Rule): Rule =>
  (value, place) => {
    if (!Array.isArray(value)) throw unknownPart('this list')
    for (const item of value) rule(item, place)
  }

/** Every key must have its rule: what a newer parser adds is refused until it has one. */
export const shape =
  (rules: Shape): Rule =>
  (value, place) => {
    if (!isNode(value)) throw unknownPart('this value')
    for (const [key, part] of Object.entries(value)) {
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
      if (!rule) throw unknownPart(key)
      rule(part, place)
    }
  }

/** A node of one of these kinds, told by its `class`, or by its `type` where it has none. */
export const kinds =
  (rules: Shape): Rule =>
  (value, place) => {
    const kind = isNode(value) ? String(value.class ?? value.type) : 'this value'
    const rule = Object.hasOwn(rules, kind) ? rules[kind] : undefined
    if (!rule) throw unknownPart(kind)
    if (place.depth > MAX_DEPTH) throw invalid('Query is nested too deeply.')
    rule(value, { ...place, depth: place.depth + 1 })
  }

/** A check of the whole node, then of its parts. */
export const checked =
  (check: (node: Node, place: Place) => void, rule: Rule): Rule =>
  (value, place) => {
    if (isNode(value)) check(value, place)
    rule(value, place)
  }

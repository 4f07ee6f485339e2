import { badValue } from '../../../core/bad-value.ts'
import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import type { Filter } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import type { Values } from '../sql/quote.ts'
import { literals, quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { Dialect } from './dialect.ts'
import { isConversionFailure } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { tableName } from './store.ts'

/** One Frictionless constraint of a column: when a value that is not null breaks it, as SQL about the stage `t`. */
interface Rule {
  column: Column
  constraint: string
  limit: unknown
  broken(dialect: Dialect, values: Values): string
}

type RuleMaker = (column: Column, limit: unknown) => Rule['broken']

const compare =
  (op: 'lt' | 'gt'): RuleMaker =>
  (column, limit) =>
  (dialect, values) =>
    filterCondition({ op, column, value: String(limit) }, dialect, values)

const size =
  (operator: '<' | '>'): RuleMaker =>
  ({ name, type }, limit) =>
  () =>
    `${type.array ? 'len' : 'length'}(t.${quoteIdentifier(name)}) ${operator} ${Number(limit)}`

/** The constraints of a Frictionless field that each value is held against by itself. */
const ruleMakers: Readonly<Record<string, RuleMaker>> = {
  minimum: compare('lt'),
  maximum: compare('gt'),
  minLength: size('<'),
  maxLength: size('>'),
  enum: (column, limit) => (dialect, values) => {
    const allowed: Filter = { op: 'in', column, values: (limit as unknown[]).map((value) => String(value)) }
    return `NOT ${filterCondition(allowed, dialect, values)}`
  },
  pattern:
    ({ name }, limit) =>
    () =>
      `NOT regexp_full_match(t.${quoteIdentifier(name)}::VARCHAR, ${quoteLiteral(String(limit))})`,
}

function rulesOf(columns: readonly Column[]): Rule[] {
  return columns.flatMap((column) =>
    Object.entries(column.field.constraints ?? {}).flatMap(([constraint, limit]) => {
      const make = ruleMakers[constraint]
      return make ? [{ column, constraint, limit, broken: make(column, limit) }] : []
    }),
  )
}

/**
 * Holds every staged value against its column's constraints.
 *
 * @throws ValidationError naming the first row, its column, the constraint and the value.
 */
export async function checkConstraints(session: Session, columns: readonly Column[], dialect: Dialect): Promise<void> {
  const rules = rulesOf(columns)
  if (rules.length === 0) return
  const firsts = rules.map((rule) => `min(t._row) FILTER (${rule.broken(dialect, literals)})`)
  const rows = await session.row(`SELECT ${firsts.join(', ')} FROM temp._typed t`)
  const found = rules.flatMap((rule, index) =>
    typeof rows?.[index] === 'bigint' ? [{ rule, row: Number(rows[index]) }] : [],
  )
  const first = found.sort((a, b) => a.row - b.row)[0]
  if (!first) return
  const { column, constraint, limit } = first.rule
  const [value] =
    (await session.row(`SELECT ${quoteIdentifier(column.name)}::VARCHAR FROM temp._typed WHERE _row = ${first.row}`)) ??
    []
  throw badValue(
    first.row,
    column.name,
    `value "${value}" violates the constraint ${constraint}: ${JSON.stringify(limit)}`,
  )
}

/**
 * Refuses new rows without a value in a required column, and records that set one to null.
 *
 * @param staged - The columns that records carry; `_has_<n>` tells which record carries the n-th, where they differ.
 * @param isNew - SQL about the stage `s`: the record becomes a new row.
 */
export async function checkRequired(
  session: Session,
  table: StoredTable,
  staged: readonly Column[],
  stage: { name: string; isNew: string; flags: boolean },
): Promise<void> {
  const required = table.columns.filter(({ field }) => field.constraints?.required === true)
  if (required.length === 0) return
  const firsts = required.map((column) => {
    const index = staged.indexOf(column)
    if (index < 0) return `min(s._row) FILTER (${stage.isNew})`
    const empty = `s.${quoteIdentifier(column.name)} IS NULL`
    return `min(s._row) FILTER (${empty}${stage.flags ? ` AND (s._has_${index} OR ${stage.isNew})` : ''})`
  })
  const rows = (await session.row(`SELECT ${firsts.join(', ')} FROM ${stage.name} s`)) ?? []
  const found = required.flatMap((column, index) =>
    typeof rows[index] === 'bigint' ? [{ column, row: Number(rows[index]) }] : [],
  )
  const first = found.sort((a, b) => a.row - b.row)[0]
  if (first) throw badValue(first.row, first.column.name, 'null violates the constraint required: true')
}

/**
 * Refuses written rows whose value in a unique column another row has. Asked after the write, inside its transaction.
 *
 * @param written - SQL of the written rows: `_row`, the record's place, and `_final`, the row's `_id`.
 */
export async function checkUnique(session: Session, table: StoredTable, written: string): Promise<void> {
  for (const { name, field } of table.columns) {
    if (field.constraints?.unique !== true) continue
    const row = await duplicateAmong(session, table, [name], written)
    if (row !== undefined) throw badValue(row, name, 'the value violates the constraint unique: true')
  }
}

/** The first written row that shares the values of these columns with another; null equals nothing. */
export async function duplicateAmong(
  session: Session,
  table: StoredTable,
  names: readonly string[],
  written: string,
): Promise<number | undefined> {
  const equal = names.map((name) => `o.${quoteIdentifier(name)} = t.${quoteIdentifier(name)}`)
  const [row] =
    (await session.row(
      `SELECT min(w._row) FROM (${written}) w JOIN ${tableName(table.id)} t ON t._id = w._final ` +
        `JOIN ${tableName(table.id)} o ON o._id <> t._id AND ${equal.join(' AND ')}`,
    )) ?? []
  return row === null || row === undefined ? undefined : Number(row)
}

/** Refuses a pattern that this engine can't match by, when it is declared and not at the first write. */
export async function checkPatterns(session: Session, columns: readonly Column[]): Promise<void> {
  for (const { name, field } of columns) {
    const pattern = field.constraints?.pattern
    if (typeof pattern !== 'string') continue
    try {
      await session.row('SELECT regexp_full_match($1, $2)', ['', pattern])
    } catch (error) {
      if (!isConversionFailure(error) && !/^Invalid Input Error/.test(String((error as Error).message))) throw error
      throw new ValidationError(
        { schema: [`the pattern of field "${name}" can't be checked here: ${JSON.stringify(pattern)}`] },
        { cause: error },
      )
    }
  }
}

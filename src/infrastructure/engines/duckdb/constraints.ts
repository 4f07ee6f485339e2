import { badValue } from '../../../core/bad-value.ts'
import { ConflictError, ValidationError } from '../../../core/errors.ts'
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
  (column, limit) =>
  () =>
    `${lengthOf(column)} ${operator} ${Number(limit)}`

/** Items of a list, members of an object, characters of a text. */
function lengthOf({ name, type }: Column): string {
  const value = `t.${quoteIdentifier(name)}`
  if (type.array) return `len(${value})`
  if (type.type.family !== 'json') return `length(${value}::VARCHAR)`
  return (
    `CASE json_type(${value}) WHEN 'ARRAY' THEN json_array_length(${value}) WHEN 'OBJECT' THEN len(json_keys(${value})) ` +
    `WHEN 'VARCHAR' THEN length(${value} ->> '$') END`
  )
}

/** The constraints of a Frictionless field that each value is held against by itself. */
const ruleMakers: Readonly<Record<string, RuleMaker>> = {
  minimum: compare('lt'),
  maximum: compare('gt'),
  minLength: size('<'),
  maxLength: size('>'),
  enum: (column, limit) => (dialect, values) => {
    const textOf = column.type.type.family === 'json' ? (value: unknown) => JSON.stringify(value) : String
    const allowed: Filter = { op: 'in', column, values: (limit as unknown[]).map(textOf) }
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
      const make = Object.hasOwn(ruleMakers, constraint) ? ruleMakers[constraint] : undefined
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
  const broken = await firstBroken(session, rulesOf(columns), 'temp._typed', '_row', dialect)
  if (broken) throw badValue(broken.row, broken.column, broken.sentence)
}

/** The first row of `source` that breaks a rule: its number in the column `row`, and what is wrong with it. */
async function firstBroken(
  session: Session,
  rules: readonly Rule[],
  source: string,
  row: '_row' | '_id',
  dialect: Dialect,
): Promise<{ row: number; column: string; sentence: string } | undefined> {
  if (rules.length === 0) return undefined
  const firsts = rules.map((rule) => `min(t.${row}) FILTER (${rule.broken(dialect, literals)})`)
  const rows = await session.row(`SELECT ${firsts.join(', ')} FROM ${source} t`)
  const found = rules.flatMap((rule, index) =>
    typeof rows?.[index] === 'bigint' ? [{ rule, row: Number(rows[index]) }] : [],
  )
  const first = found.sort((a, b) => a.row - b.row)[0]
  if (!first) return undefined
  const { column, constraint, limit } = first.rule
  const [value] =
    (await session.row(`SELECT ${quoteIdentifier(column.name)}::VARCHAR FROM ${source} WHERE ${row} = ${first.row}`)) ??
    []
  const shown = value === null ? 'null' : `value "${value}"`
  const sentence = `${shown} violates the constraint ${constraint}: ${JSON.stringify(limit)}`
  return { row: first.row, column: column.name, sentence }
}

const isRequired: RuleMaker =
  ({ name }) =>
  () =>
    `t.${quoteIdentifier(name)} IS NULL`

/**
 * Holds the stored rows against constraints that a new declaration adds or changes. Asked after the columns were
 * altered, inside the transaction.
 *
 * @throws ConflictError naming the first row by its `_id`, and the column.
 */
export async function checkStoredRows(
  session: Session,
  before: StoredTable,
  table: StoredTable,
  dialect: Dialect,
): Promise<void> {
  const stored = new Map(before.columns.map(({ name, field }) => [name, field.constraints ?? {}]))
  const added = table.columns.flatMap((column) => {
    const held = stored.get(column.name) ?? {}
    const limits = Object.entries(column.field.constraints ?? {})
    const constraints = limits.filter(([name, limit]) => JSON.stringify(held[name]) !== JSON.stringify(limit))
    const field = { ...column.field, constraints: Object.fromEntries(constraints) }
    return constraints.length > 0 ? [{ ...column, field }] : []
  })
  const required = added.flatMap((column): Rule[] =>
    column.field.constraints?.required === true
      ? [{ column, constraint: 'required', limit: true, broken: isRequired(column, true) }]
      : [],
  )
  const broken = await firstBroken(session, [...rulesOf(added), ...required], tableName(table.id), '_id', dialect)
  if (broken) throw storedConflict(broken.column, broken.row, broken.sentence)
  const ids = `SELECT _id AS _row, _id AS _final FROM ${tableName(table.id)}`
  for (const { name } of uniqueColumns(added)) {
    const row = await duplicateAmong(session, table, [name], ids)
    if (row !== undefined) throw storedConflict(name, row, 'the value violates the constraint unique: true')
  }
}

function storedConflict(column: string, id: number, sentence: string): ConflictError {
  const where = `column "${column}", row with _id ${id}`
  return new ConflictError(`A stored row does not fit: ${where}: ${sentence}.`, { schema: [`${where}: ${sentence}`] })
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
    const index = staged.findIndex(({ name }) => name === column.name)
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
  for (const { name } of uniqueColumns(table.columns)) {
    const row = await duplicateAmong(session, table, [name], written)
    if (row !== undefined) throw badValue(row, name, 'the value violates the constraint unique: true')
  }
}

function uniqueColumns(columns: readonly Column[]): Column[] {
  return columns.filter(({ field }) => field.constraints?.unique === true)
}

/**
 * The first written row that has the values of these columns after another; null equals nothing.
 *
 * @param written - SQL of the written rows: `_row`, by which they were written, and `_final`, the row's `_id`.
 */
export async function duplicateAmong(
  session: Session,
  table: StoredTable,
  names: readonly string[],
  written: string,
): Promise<number | undefined> {
  const equal = names.map((name) => `o.${quoteIdentifier(name)} = t.${quoteIdentifier(name)}`)
  const [row] =
    (await session.row(
      `WITH w AS (${written}) SELECT min(w._row) FROM w JOIN ${tableName(table.id)} t ON t._id = w._final ` +
        `JOIN ${tableName(table.id)} o ON o._id <> t._id AND ${equal.join(' AND ')} ` +
        'LEFT JOIN w AS earlier ON earlier._final = o._id WHERE earlier._row IS NULL OR earlier._row < w._row',
    )) ?? []
  return row === null || row === undefined ? undefined : Number(row)
}

/** Refuses limits and patterns that this engine can't check by, when they are declared and not at the first write. */
export async function checkRules(session: Session, columns: readonly Column[], dialect: Dialect): Promise<void> {
  for (const { column, constraint, limit, broken } of rulesOf(columns)) {
    const type = dialect.storage(dialect.stored(column))
    const none = `SELECT CAST(NULL AS ${type}) AS ${quoteIdentifier(column.name)}`
    try {
      await session.row(`SELECT ${broken(dialect, literals)} FROM (${none}) t`)
    } catch (error) {
      if (!isConversionFailure(error) && !/^Invalid Input Error/.test(String((error as Error).message))) throw error
      throw new ValidationError(
        {
          schema: [
            `field "${column.name}": the constraint ${constraint}: ${JSON.stringify(limit)} can't be checked here`,
          ],
        },
        { cause: error },
      )
    }
  }
}

import { badValue } from '../../../core/bad-value.ts'
import { ConflictError, ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import type { Filter } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import type { Client } from './client.ts'
import { BigqueryFailure } from './failures.ts'
import { filterDialect, Parameters, readableFilter } from './filter.ts'
import type { LookedAt } from './look.ts'
import { findOwners, keyText, storedOrNull, storedValue } from './look.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, storedColumn, tableOf } from './names.ts'
import type { StagedRecord } from './records.ts'
import { rawText } from './render.ts'
import type { RowChange } from './resolve.ts'
import type { Source } from './source.ts'
import { itemText, itemValue } from './source.ts'
import { withSource } from './stage.ts'
import type { Store } from './store.ts'
import { castType, comparable, orderable } from './types.ts'

/** One Frictionless constraint of a column: when a value that is not null breaks it, as SQL about the row `t`. */
interface Rule {
  column: Column
  constraint: string
  limit: unknown
  broken(values: Parameters): string
}

type RuleMaker = (column: Column, limit: unknown) => Rule['broken']

const cellOf = ({ name }: Column) => `t.${quoteName(storedColumn(name))}`

const condition = (filter: Filter, values: Parameters) => filterCondition(readableFilter(filter), filterDialect, values)

const compare =
  (op: 'lt' | 'gt'): RuleMaker =>
  (column, limit) =>
  (values) =>
    condition({ op, column, value: String(limit) }, values)

const size =
  (operator: '<' | '>'): RuleMaker =>
  (column, limit) =>
  () =>
    `${lengthOf(column)} ${operator} ${Number(limit)}`

/** Items of a list, members of an object, characters of a text. */
function lengthOf(column: Column): string {
  const value = cellOf(column)
  if (column.type.array) return `ARRAY_LENGTH(JSON_QUERY_ARRAY(${value}))`
  if (column.type.type.family !== 'json') return `CHAR_LENGTH(CAST(${value} AS STRING))`
  const json = castType(column.type) === 'JSON' ? value : `PARSE_JSON(${value}, wide_number_mode => 'round')`
  return (
    `CASE JSON_TYPE(${json}) WHEN 'array' THEN ARRAY_LENGTH(JSON_QUERY_ARRAY(${json})) ` +
    `WHEN 'object' THEN IFNULL(ARRAY_LENGTH(JSON_KEYS(${json}, 1)), 0) WHEN 'string' THEN CHAR_LENGTH(JSON_VALUE(${json})) END`
  )
}

const ruleMakers: Readonly<Record<string, RuleMaker>> = {
  minimum: compare('lt'),
  maximum: compare('gt'),
  minLength: size('<'),
  maxLength: size('>'),
  enum: (column, limit) => (values) => {
    const textOf = column.type.type.family === 'json' ? (value: unknown) => JSON.stringify(value) : String
    return `NOT ${condition({ op: 'in', column, values: (limit as unknown[]).map(textOf) }, values)}`
  },
  pattern: (column, limit) => (values) =>
    `NOT REGEXP_CONTAINS(CAST(${cellOf(column)} AS STRING), ${values.add(`^(?:${String(limit)})$`)})`,
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
 * Holds records against their columns' constraints. One statement that scans no table, and none where there is nothing
 * to check.
 *
 * @throws ValidationError naming the first row, its column, the constraint and the value.
 */
export async function checkConstraints(
  store: Store,
  columns: readonly Column[],
  records: readonly StagedRecord[],
  signal?: AbortSignal,
): Promise<void> {
  const ruled = columns.filter((column) => rulesOf([column]).length > 0)
  if (ruled.length === 0 || records.length === 0) return
  const positions = ruled.map((column) => columns.indexOf(column))
  const rows = records.map(({ row, cells }) =>
    JSON.stringify([String(row), ...positions.map((position) => cells[position] ?? null)]),
  )
  await withSource(store, rows, (source) => checkSource(store.client, ruled, source, signal))
}

/** As `checkConstraints`, for rows of a source: `[row, …columns]`. */
async function checkSource(
  client: Client,
  columns: readonly Column[],
  source: Source,
  signal?: AbortSignal,
): Promise<void> {
  const cells = columns.map(
    (column, index) => `${itemValue(index + 1, column)} AS ${quoteName(storedColumn(column.name))}`,
  )
  const staged = `SELECT ${[`CAST(${itemText(0)} AS INT64) AS _id`, ...cells].join(', ')} FROM ${source.from}`
  await checkStaged(client, columns, `(${staged})`, source.params, signal)
}

/**
 * As `checkConstraints`, for rows that stand in the dataset.
 *
 * @param from - SQL of them; `_id` is the number of the record.
 */
export async function checkStaged(
  client: Client,
  columns: readonly Column[],
  from: string,
  params: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const broken = await firstBroken(client, rulesOf(columns), from, params, signal)
  if (broken) throw badValue(broken.row, broken.column, broken.sentence)
}

/** The first row of `from` that breaks a rule, by its number in the column `_id`. */
async function firstBroken(
  client: Client,
  rules: readonly Rule[],
  from: string,
  params: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<{ row: number; column: string; sentence: string } | undefined> {
  if (rules.length === 0) return undefined
  const values = new Parameters()
  const firsts = rules.map((rule) => `MIN(IF(${rule.broken(values)}, t._id, NULL))`)
  const page = await client.query(`SELECT ${firsts.join(', ')} FROM ${from} AS t`, {
    params: { ...params, ...values.all },
    role: 'write',
    signal,
  })
  const found = rules.flatMap((rule, index) => {
    const row = page.rows[0]?.f[index]?.v
    return typeof row === 'string' ? [{ rule, row: Number(row) }] : []
  })
  const first = found.sort((a, b) => a.row - b.row)[0]
  if (!first) return undefined
  const { column, constraint, limit } = first.rule
  const shownColumn = `CAST(${orderable(cellOf(column), column.type)} AS STRING)`
  const shown = await client.query(`SELECT ${shownColumn} FROM ${from} AS t WHERE t._id = ${first.row}`, {
    params,
    role: 'write',
    signal,
  })
  const cell = shown.rows[0]?.f[0]
  const value = cell === undefined ? null : rawText(cell)
  const subject = value === null ? 'null' : `value "${value}"`
  const sentence = `${subject} violates the constraint ${constraint}: ${JSON.stringify(limit)}`
  return { row: first.row, column: column.name, sentence }
}

/**
 * Holds the stored rows against constraints that a new declaration adds or changes.
 *
 * @throws ConflictError naming the first row by its `_id`, and the column.
 */
export async function checkStoredRows(
  client: Client,
  before: StoredTable,
  columns: readonly Column[],
  signal?: AbortSignal,
): Promise<void> {
  const stored = new Map(before.columns.map(({ name, field }) => [name, field.constraints ?? {}]))
  const added = columns.flatMap((column) => {
    const held = stored.get(column.name) ?? {}
    const limits = Object.entries(column.field.constraints ?? {})
    const constraints = limits.filter(([name, limit]) => JSON.stringify(held[name]) !== JSON.stringify(limit))
    const field = { ...column.field, constraints: Object.fromEntries(constraints) }
    return constraints.length > 0 ? [{ ...column, field }] : []
  })
  if (added.length === 0 || before.count === 0) return
  const nulls = added.flatMap((column): Rule[] =>
    column.field.constraints?.required === true
      ? [{ column, constraint: 'required', limit: true, broken: () => `${cellOf(column)} IS NULL` }]
      : [],
  )
  const values = added.map((column) => `${storedOrNull(before, column)} AS ${quoteName(storedColumn(column.name))}`)
  const rows = `(SELECT ${['t._id', ...values].join(', ')} FROM ${quoteName(tableOf(before.id))} AS t)`
  const broken = await firstBroken(client, [...rulesOf(added), ...nulls], rows, {}, signal)
  if (broken) throw storedConflict(broken.column, broken.row, broken.sentence)
  for (const column of uniqueColumns(added)) {
    const row = await firstDuplicate(client, before, [column], signal)
    if (row !== undefined) throw storedConflict(column.name, row, 'the value violates the constraint unique: true')
  }
}

function storedConflict(column: string, id: number, sentence: string): ConflictError {
  const where = `column "${column}", row with _id ${id}`
  return new ConflictError(`A stored row does not fit: ${where}: ${sentence}.`, { schema: [`${where}: ${sentence}`] })
}

/** The `_id` of a stored row whose values in these columns another one has, too; null equals nothing. */
export async function firstDuplicate(
  client: Client,
  table: LookedAt,
  columns: readonly Column[],
  signal?: AbortSignal,
): Promise<number | undefined> {
  const values = columns.flatMap((column) => storedValue(table, column) ?? [])
  // Rows are not alike in a column that they do not have yet.
  if (values.length < columns.length) return undefined
  const keys = columns.map((column, index) => comparable(values[index] as string, column.type))
  const page = await client.query(
    `SELECT MIN(last) FROM (SELECT MAX(t._id) AS last FROM ${quoteName(tableOf(table.id))} AS t WHERE ` +
      `${keys.map((key) => `${key} IS NOT NULL`).join(' AND ')} GROUP BY ${keys.join(', ')} HAVING COUNT(*) > 1)`,
    { role: 'write', signal },
  )
  const found = page.rows[0]?.f[0]?.v
  return typeof found === 'string' ? Number(found) : undefined
}

export function uniqueColumns(columns: readonly Column[]): Column[] {
  return columns.filter(({ field }) => field.constraints?.unique === true)
}

/** Refuses changes whose value in a unique column another row has, among the changes or in the table. */
export async function checkUnique(
  client: Client,
  table: LookedAt & Pick<StoredTable, 'count'>,
  staged: readonly Column[],
  changes: readonly RowChange[],
  signal?: AbortSignal,
): Promise<void> {
  const changed = new Set(changes.map(({ id }) => id))
  for (const column of uniqueColumns(staged)) {
    const position = staged.indexOf(column)
    const holders = new Map<string, string>()
    const refuse = (row: number) => badValue(row, column.name, 'the value violates the constraint unique: true')
    for (const { id, row, cells } of [...changes].sort((a, b) => a.row - b.row)) {
      const key = keyText([cells[position]])
      if (key === undefined) continue
      if (holders.has(key) && holders.get(key) !== id) throw refuse(row)
      holders.set(key, id)
    }
    if (table.count === 0) continue
    const owners = await findOwners(client, table, [column], [...holders.keys()], signal)
    const taken = changes.filter(({ id, cells }) => {
      const owner = owners.get(keyText([cells[position]]) ?? '')
      return (
        owner !== undefined &&
        owner !== id &&
        !(changed.has(owner) && holders.get(keyText([cells[position]]) ?? '') !== owner && hasNewValue(owner))
      )
    })
    const [first] = taken.sort((a, b) => a.row - b.row)
    if (first) throw refuse(first.row)

    /** The owner gives its value up in the same call. */
    function hasNewValue(owner: string): boolean {
      return changes.find(({ id }) => id === owner)?.cells[position] !== undefined
    }
  }
}

/** Refuses limits and patterns that this engine can't check by, when they are declared and not at the first write. */
export async function checkRules(client: Client, columns: readonly Column[], signal?: AbortSignal): Promise<void> {
  for (const { column, constraint, limit, broken } of rulesOf(columns)) {
    const refuse = (cause: unknown) =>
      new ValidationError(
        {
          schema: [
            `field "${column.name}": the constraint ${constraint}: ${JSON.stringify(limit)} can't be checked here`,
          ],
        },
        { cause },
      )
    const values = new Parameters()
    try {
      const sql = broken(values)
      if (constraint !== 'pattern') continue
      const none = `SELECT CAST(NULL AS ${castType(column.type)}) AS ${quoteName(storedColumn(column.name))}`
      await client.query(`SELECT ${sql}, REGEXP_CONTAINS('', @${Object.keys(values.all)[0]}) FROM (${none}) AS t`, {
        params: values.all,
        role: 'write',
        signal,
      })
    } catch (error) {
      const isRefusal =
        error instanceof ValidationError || (error instanceof BigqueryFailure && error.reason.startsWith('invalid'))
      throw isRefusal ? refuse(error) : error
    }
  }
}

import { randomUUID } from 'node:crypto'
import { ServiceUnavailable } from '../../../../core/errors.ts'
import type { Column } from '../../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../../core/table-schema.ts'
import { UnknownOutcome } from '../failures.ts'
import type { StoredTable } from '../metadata.ts'
import { quoteName, storedColumn, tableOf } from '../names.ts'
import { itemText, itemValue } from '../source.ts'
import type { Store } from '../store.ts'
import { castType, comparable, orderable } from '../types.ts'
import type { StagedFile } from './stage-file.ts'
import { FIRST_CELL } from './stage-file.ts'

/**
 * A file's rows as SQL that statements select from: the columns under their stored names, `_id` the number of the row in
 * the file, `_target` the `_id` of the stored row that it changes, `_at` its place among the new rows, from 0.
 */
export interface LoadedRows {
  from: string
  columns: readonly Column[]
  /** The unique key where rows may share it, with each other or with stored ones. */
  key: readonly Column[]
  /** Rows of the file that are new ones, and those that change stored ones. */
  fresh: number
  matched: number
  drop(): Promise<void>
}

/** Every row of the file is a new one. */
export function appended(table: StoredTable, { stage, columns, count }: StagedFile): LoadedRows {
  const cells = columns.map((column, index) => `${itemValue(index + FIRST_CELL, column)} AS ${nameOf(column)}`)
  const numbers = [
    `CAST(${itemText(0)} AS INT64) AS _id`,
    `CAST(${itemText(1)} AS INT64) AS _at`,
    'CAST(NULL AS INT64) AS _target',
  ]
  const from = `(SELECT ${[...numbers, ...cells].join(', ')} FROM ${stage.from})`
  return { from, columns, key: keyColumns(table, columns), fresh: count, matched: 0, drop: async () => {} }
}

/**
 * Finds the stored row of each by its key: of several rows of one key the last is left, in the place of the first. They
 * stand in a table of their own, which expires within a day.
 *
 * @param hasRows - Of the stored table; else all rows are new ones.
 */
export async function merged(
  store: Store,
  table: StoredTable,
  staged: StagedFile,
  hasRows: boolean,
  signal?: AbortSignal,
): Promise<LoadedRows> {
  const { client, logger } = store
  const key = keyColumns(table, staged.columns)
  const name = quoteName(`_stage_${randomUUID().replaceAll('-', '')}`)
  const all = appended(table, staged)
  const isPartial = key.map((column) => `s.${nameOf(column)} IS NULL`).join(' OR ')
  // A row whose key is not complete is like no other.
  const same = `PARTITION BY ${[...key.map((column) => groupingText(`s.${nameOf(column)}`, column)), `IF(${isPartial}, s._id, NULL)`].join(', ')}`
  const cells = all.columns.map((column) => `s.${nameOf(column)}`)
  const last =
    `SELECT s._id, MIN(s._id) OVER (${same}) AS _first, ${cells.join(', ')} FROM ${all.from} AS s WHERE TRUE ` +
    `QUALIFY ROW_NUMBER() OVER (${same} ORDER BY s._id DESC) = 1`
  const found = hasRows
    ? `SELECT l.*, t._id AS _target FROM (${last}) AS l LEFT JOIN ${quoteName(tableOf(table.id))} AS t ON ${equal(key, 'l')}`
    : `SELECT l.*, CAST(NULL AS INT64) AS _target FROM (${last}) AS l`
  const drop = async () => {
    await client.script(`DROP TABLE IF EXISTS ${name}`).catch((error) => {
      logger.warning('a staging table was left behind; it expires within a day', { table: name, error: String(error) })
    })
  }
  try {
    await client.script(
      `CREATE TABLE ${name} OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)) AS ` +
        `SELECT f.*, ROW_NUMBER() OVER (PARTITION BY f._target IS NULL ORDER BY f._first) - 1 AS _at FROM (${found}) AS f`,
      { signal },
    )
    const { rows } = await client.query(`SELECT COUNT(*), COUNT(_target) FROM ${name}`, { role: 'write', signal })
    const [count, matched] = rows[0]?.f.map(({ v }) => Number(v)) ?? []
    return {
      from: name,
      columns: all.columns,
      key: [],
      fresh: (count as number) - (matched as number),
      matched: matched as number,
      drop,
    }
  } catch (error) {
    await drop()
    if (!(error instanceof UnknownOutcome)) throw error
    // The stored rows are not touched yet, whatever became of the script.
    throw new ServiceUnavailable('BigQuery stopped answering while the rows were prepared. Nothing was written.', {
      cause: error,
      retryAfterSeconds: 10,
    })
  }
}

/** Statements that write the rows; new ones get the `_id`s from `nextId` on. */
export function writeStatements(
  table: StoredTable,
  { from, columns, fresh, matched }: LoadedRows,
  nextId: number,
): string[] {
  const target = quoteName(tableOf(table.id))
  const time = `TIMESTAMP '${table.updatedAt}'`
  const names = columns.map(nameOf)
  const stamp = table.hasUpdatedAt ? [UPDATED_AT_COLUMN] : []
  const into = ['_id', ...names, ...stamp]
  const cells = [`${nextId} + _s._at`, ...names.map((name) => `_s.${name}`), ...stamp.map(() => time)]
  const assignments = matched > 0 ? updateAssignments(table, columns, time) : []
  return [
    ...(assignments.length > 0
      ? [`UPDATE ${target} AS _t SET ${assignments.join(', ')} FROM ${from} AS _s WHERE _t._id = _s._target`]
      : []),
    ...(fresh > 0
      ? [
          `INSERT INTO ${target} (${into.join(', ')}) SELECT ${cells.join(', ')} FROM ${from} AS _s WHERE _s._target IS NULL`,
          `ASSERT @@row_count = ${fresh} AS 'datastore:stale'`,
        ]
      : []),
  ]
}

function updateAssignments(table: StoredTable, columns: readonly Column[], time: string): string[] {
  const changed = columns.filter(({ name }) => !table.primaryKey.includes(name))
  if (changed.length === 0) return []
  const differs = changed.map(
    (column) =>
      `${orderable(`_s.${nameOf(column)}`, column.type)} IS DISTINCT FROM ${orderable(`_t.${nameOf(column)}`, column.type)}`,
  )
  return [
    ...changed.map((column) => `${nameOf(column)} = _s.${nameOf(column)}`),
    ...(table.hasUpdatedAt
      ? [`${UPDATED_AT_COLUMN} = IF(${differs.join(' OR ')}, ${time}, _t.${UPDATED_AT_COLUMN})`]
      : []),
  ]
}

/** The unique key; none where the file leaves a part of it out: then it is null. */
function keyColumns({ primaryKey }: StoredTable, columns: readonly Column[]): Column[] {
  const key = primaryKey.flatMap((name) => columns.find((column) => column.name === name) ?? [])
  return key.length === primaryKey.length ? key : []
}

/** SQL that holds for a stored row `t` whose values in these columns are those of the other; null equals nothing. */
export function equal(columns: readonly Column[], other: string): string {
  return columns
    .map((column) => {
      const name = nameOf(column)
      return `${comparable(`t.${name}`, column.type)} = ${comparable(`${other}.${name}`, column.type)}`
    })
    .join(' AND ')
}

/** SQL of a value by which rows can be grouped: floating-point numbers can't. */
export function groupingText(value: string, column: Column): string {
  return castType(column.type) === 'FLOAT64' ? `CAST(${value} AS STRING)` : comparable(value, column.type)
}

export function nameOf({ name }: Column): string {
  return quoteName(storedColumn(name))
}

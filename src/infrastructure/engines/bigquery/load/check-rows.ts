import { badValue } from '../../../../core/bad-value.ts'
import type { Column } from '../../../../core/table-schema.ts'
import type { Client } from '../client.ts'
import { checkStaged, uniqueColumns } from '../constraints.ts'
import type { StoredTable } from '../metadata.ts'
import { quoteName, tableOf } from '../names.ts'
import { duplicateKey } from '../resolve.ts'
import type { LoadedRows } from './loaded-rows.ts'
import { equal, groupingText, nameOf } from './loaded-rows.ts'

/**
 * Holds a file's rows against key and constraints, among each other and, where there are stored rows that stay, against
 * these: at most two statements, and none where there is nothing to check.
 *
 * @throws ValidationError (409) naming the first row that can't be stored.
 */
export async function checkRows(
  client: Client,
  table: StoredTable,
  rows: LoadedRows,
  stays: boolean,
  signal?: AbortSignal,
): Promise<void> {
  await checkStaged(client, rows.columns, rows.from, {}, signal)
  const { key } = rows
  const checks = [
    ...(key.length > 0
      ? [{ sql: duplicates(table, rows, key, stays), refuse: (row: number) => duplicateKey(table.id, row) }]
      : []),
    ...table.columns
      .filter(({ field }) => field.constraints?.required === true)
      .map((column) => ({
        sql: missing(rows, column),
        refuse: (row: number) => badValue(row, column.name, 'null violates the constraint required: true'),
      })),
    ...uniqueColumns(rows.columns).map((column) => ({
      sql: duplicates(table, rows, [column], stays),
      refuse: (row: number) => badValue(row, column.name, 'the value violates the constraint unique: true'),
    })),
  ]
  if (checks.length === 0) return
  const page = await client.query(`SELECT ${checks.map(({ sql }) => `(${sql})`).join(', ')}`, { role: 'write', signal })
  for (const [index, { refuse }] of checks.entries()) {
    const row = page.rows[0]?.f[index]?.v
    if (typeof row === 'string') throw refuse(Number(row))
  }
}

/** SQL of the first row whose values in these columns an earlier one has, or a stored one that the file does not change. */
function duplicates(
  table: StoredTable,
  { from, matched }: LoadedRows,
  columns: readonly Column[],
  stays: boolean,
): string {
  const values = columns.map((column) => groupingText(`s.${nameOf(column)}`, column))
  const isWhole = columns.map((column) => `s.${nameOf(column)} IS NOT NULL`).join(' AND ')
  const among =
    `SELECT s._id AS n FROM ${from} AS s WHERE ${isWhole} ` +
    `QUALIFY ROW_NUMBER() OVER (PARTITION BY ${values.join(', ')} ORDER BY s._id) > 1`
  const changed =
    matched > 0 ? ` WHERE t._id NOT IN (SELECT c._target FROM ${from} AS c WHERE c._target IS NOT NULL)` : ''
  const stored = `SELECT s._id AS n FROM ${from} AS s JOIN ${quoteName(tableOf(table.id))} AS t ON ${equal(columns, 's')}${changed}`
  return `SELECT MIN(n) FROM (${stays ? `${among} UNION ALL ${stored}` : among})`
}

/** SQL of the first row that has no value in a column; where the file does not have the column, of the first new row. */
function missing({ from, columns }: LoadedRows, required: Column): string {
  const isCarried = columns.some(({ name }) => name === required.name)
  const isMissing = isCarried ? `s.${nameOf(required)} IS NULL` : 's._target IS NULL'
  return `SELECT MIN(s._id) FROM ${from} AS s WHERE ${isMissing}`
}

import type { DuckDBBlobValue } from '@duckdb/node-api'
import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { checkRequired, checkUnique } from './constraints.ts'
import type { Dialect } from './dialect.ts'
import type { StoredTable } from './metadata.ts'
import { objectText } from './render.ts'
import { tableName } from './store.ts'

/**
 * Appends the typed stage with `_id`s from `table.nextId` on, in the records' order; answers how many. Keys and
 * constraints that look at more than one value are checked.
 */
export async function appendTyped(session: Session, table: StoredTable, columns: readonly Column[]): Promise<number> {
  await checkDistinctKeys(session, table, carriedKey(table, columns))
  await checkRequired(session, table, columns, { name: 'temp._typed', isNew: 'TRUE', flags: false })
  const count = await insertRows(session, table, columns, `${table.nextId} + s._row`, 'FROM temp._typed s')
  await checkUnique(session, table, `SELECT _row, ${table.nextId} + _row AS _final FROM temp._typed`)
  return count
}

/** Inserts rows of a stage: `id` is the SQL of their `_id`, `from` the rest of the SELECT. */
export async function insertRows(
  session: Session,
  table: StoredTable,
  columns: readonly Column[],
  id: string,
  from: string,
): Promise<number> {
  const names = columns.map(({ name }) => quoteIdentifier(name))
  const into = ['_id', ...names, ...(table.hasUpdatedAt ? [UPDATED_AT_COLUMN] : [])]
  const values = [id, ...names.map((name) => `s.${name}`), ...(table.hasUpdatedAt ? [timestamp(table.updatedAt)] : [])]
  return session.run(`INSERT INTO ${tableName(table.id)} (${into.join(', ')}) SELECT ${values.join(', ')} ${from}`)
}

/** The unique key; none where records leave a part of it out: then it is null, or they carry their `_id`. */
export function carriedKey({ primaryKey }: StoredTable, staged: readonly Column[]): readonly string[] {
  const carried = new Set(staged.map(({ name }) => name))
  return primaryKey.every((name) => carried.has(name)) ? primaryKey : []
}

export function timestamp(time: string): string {
  return `${quoteLiteral(time)}::TIMESTAMPTZ`
}

/**
 * Refuses a record whose key another record of the call, or the table, already has. Null is never equal.
 *
 * @throws ValidationError in CKAN's words, with the record's row (contract §8.1, §8.2).
 */
async function checkDistinctKeys(session: Session, table: StoredTable, key: readonly string[]): Promise<void> {
  if (key.length === 0) return
  const keys = key.map(quoteIdentifier)
  const complete = keys.map((key) => `s.${key} IS NOT NULL`).join(' AND ')
  const equal = keys.map((key) => `t.${key} = s.${key}`).join(' AND ')
  const columns = keys.map((key) => `s.${key}`).join(', ')
  const stored = `SELECT s._row AS row FROM temp._typed s SEMI JOIN ${tableName(table.id)} t ON ${equal}`
  const [found] =
    (await session.row(
      `SELECT 1 FROM (SELECT 1 FROM temp._typed s WHERE ${complete} GROUP BY ${columns} HAVING count(*) > 1 ` +
        `${table.count > 0 ? `UNION ALL ${stored}` : ''}) LIMIT 1`,
    )) ?? []
  if (found === undefined) return
  const [row] =
    (await session.row(
      `SELECT min(row) FROM (SELECT s._row AS row FROM temp._typed s WHERE ${complete} ` +
        `QUALIFY row_number() OVER (PARTITION BY ${columns} ORDER BY s._row) > 1 UNION ALL ${stored})`,
    )) ?? []
  throw duplicateKey(table.id, Number(row))
}

export function duplicateKey(id: string, row: number): ValidationError {
  return new ValidationError({
    records: [`duplicate key value violates unique constraint "${id}_primary_key"`],
    records_row: row,
  })
}

/** Stored rows as JSON objects, in `_id` order, separated by commas. The condition speaks of the table as `t`. */
export async function storedRecords(
  session: Session,
  table: StoredTable,
  dialect: Dialect,
  columns: readonly Column[],
  condition: string,
  limit?: number,
): Promise<Uint8Array> {
  const cells = columns.map((column) => ({
    name: column.name,
    value: `t.${quoteIdentifier(column.name)}`,
    type: dialect.stored(column),
  }))
  const [text] = (await session.row(
    `SELECT encode(string_agg(text, ',' ORDER BY id)) FROM (SELECT t._id AS id, ${objectText(cells, dialect)} AS text ` +
      `FROM ${tableName(table.id)} t WHERE ${condition} ORDER BY t._id ${limit === undefined ? '' : `LIMIT ${limit}`})`,
  )) ?? [null]
  return blobBytes(text)
}

/** The bytes of a BLOB value; none for null. */
export function blobBytes(value: unknown): Uint8Array {
  return value === null || value === undefined ? new Uint8Array() : (value as DuckDBBlobValue).bytes
}

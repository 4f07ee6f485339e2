import type { Column } from '../../../core/table-schema.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { Dialect } from './dialect.ts'
import { tableName } from './store.ts'

/** Columns' names with the types they are stored as. */
export type StorageTypes = ReadonlyMap<string, string>

/** How a table's columns come to be others. */
export interface ColumnChanges {
  dropped?: readonly string[]
  /** At the end, empty. */
  added?: StorageTypes
  retyped?: StorageTypes
}

/** What a dialect stores columns as. */
export function storageTypes(columns: readonly Column[], dialect: Dialect): StorageTypes {
  return new Map(columns.map((column) => [column.name, dialect.storage(dialect.stored(column))]))
}

/** Changes a table's columns inside a transaction that has not written to the table yet. */
export async function changeColumns(session: Session, id: string, changes: ColumnChanges): Promise<void> {
  const { dropped = [], added = new Map(), retyped = new Map() } = changes
  const table = tableName(id)
  for (const name of dropped) await session.run(`ALTER TABLE ${table} DROP COLUMN ${quoteIdentifier(name)}`)
  for (const [name, type] of added)
    await session.run(`ALTER TABLE ${table} ADD COLUMN ${quoteIdentifier(name)} ${type}`)
  await changeTypes(session, id, retyped)
}

/**
 * Changes columns' types inside a transaction that has not written to the table yet.
 *
 * DuckDB 1.5 rewrites the column as the oldest open transaction sees it: beside a download that began before an update,
 * the updated value is lost (duckdb/duckdb#23791). So the values are set aside, and those that came out otherwise are
 * put right. Values that only such a reader sees, or that are deleted, may not fit the new type: they become null.
 */
async function changeTypes(session: Session, id: string, types: StorageTypes): Promise<void> {
  const columns = [...types].map(([name, storage]) => ({ name: quoteIdentifier(name), storage }))
  if (columns.length === 0) return
  const table = tableName(id)
  const names = columns.map(({ name }) => name)
  await session.run(`CREATE OR REPLACE TEMP TABLE _kept AS SELECT _id, ${names.join(', ')} FROM ${table}`)
  for (const { name, storage } of columns) {
    await session.run(`ALTER TABLE ${table} ALTER COLUMN ${name} TYPE ${storage} USING TRY_CAST(${name} AS ${storage})`)
  }
  // After the last ALTER: one that follows an UPDATE fails at the commit.
  const kept = columns.map(({ name, storage }) => `${name} = CAST(k.${name} AS ${storage})`)
  const lost = columns.map(({ name, storage }) => `t.${name} IS DISTINCT FROM CAST(k.${name} AS ${storage})`)
  await session.run(
    `UPDATE ${table} AS t SET ${kept.join(', ')} FROM temp._kept k WHERE t._id = k._id AND (${lost.join(' OR ')})`,
  )
  await session.run('DROP TABLE temp._kept')
}

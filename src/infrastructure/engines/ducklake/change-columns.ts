import type { Session } from '../duckdb/client.ts'
import type { ColumnChanges } from '../duckdb/retype.ts'
import { changeColumns as alterColumns } from '../duckdb/retype.ts'
import { tableName } from '../duckdb/store.ts'
import { quoteIdentifier } from '../sql/quote.ts'

/** Rows of a table that is written anew in about a second, while all other writes wait; a larger one only has columns added in place. */
const REWRITTEN = 1_000_000

/**
 * Changes columns by writing the table anew. DuckLake only widens types, and not all that we widen. A table that it alters gets
 * another place in the catalog for small writes; maintenance then deletes the one before, which processes that know the table as
 * it was still read from: that fails, and in PostgreSQL costs them their instance. And what is dropped stays in its files for good.
 */
export async function changeColumns(session: Session, id: string, changes: ColumnChanges): Promise<void> {
  const { dropped = [], added = new Map<string, string>(), retyped = new Map<string, string>() } = changes
  if (dropped.length + added.size + retyped.size === 0) return
  const table = tableName(id)
  if (dropped.length + retyped.size === 0 && (await countOf(session, table)) > REWRITTEN)
    return alterColumns(session, id, changes)
  const stored = (await session.rows(`SELECT column_name, column_type FROM (DESCRIBE ${table})`))
    .map(([name, type]) => ({ name: String(name), type: retyped.get(String(name)) ?? String(type) }))
    .filter(({ name }) => !dropped.includes(name))
  const kept = stored.map(({ name, type }) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`)
  const columns = [...stored, ...[...added].map(([name, type]) => ({ name, type }))]
  const definitions = columns.map(
    ({ name, type }) => `${quoteIdentifier(name)} ${type}${name === '_id' ? ' NOT NULL' : ''}`,
  )
  await session.run(`CREATE OR REPLACE TEMP TABLE _kept AS SELECT ${kept.join(', ')} FROM ${table}`)
  await session.run(`DROP TABLE ${table}`)
  await session.run(`CREATE TABLE ${table} (${definitions.join(', ')})`)
  await session.run(`INSERT INTO ${table} BY NAME SELECT * FROM temp._kept ORDER BY _id`)
  await session.run('DROP TABLE temp._kept')
}

async function countOf(session: Session, table: string): Promise<number> {
  const [count] = (await session.row(`SELECT count(*) FROM ${table}`)) ?? []
  return Number(count)
}

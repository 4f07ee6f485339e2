import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { CheckReport } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { readTable, type StoredTable } from './metadata.ts'
import { tableName } from './store.ts'

type Problem = CheckReport['problems'][number]

/**
 * Reads every value of every table, and compares what is there with what the metadata says: columns, rows, ids,
 * aliases. One consistent state, however long it takes; behind a table that can't be read, a new one.
 */
export async function checkStore(session: Session): Promise<CheckReport> {
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (;;) {
    try {
      await session.transaction(() => checkUnseen(session, seen, problems), { readOnly: true })
      return { tables: seen.size, problems }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      problems.push({ table: error.table, sentence: error.message })
    }
  }
}

/** A table that can't be read: what else its transaction is asked for is refused. */
class Unreadable extends Error {
  readonly table: string

  constructor(table: string, cause: unknown) {
    super(`it can not be read: ${cause instanceof Error ? cause.message.split('\n')[0] : 'no reason given'}`, { cause })
    this.table = table
  }
}

async function checkUnseen(session: Session, seen: Set<string>, problems: Problem[]): Promise<void> {
  const rows = await session.rows('SELECT resource_id FROM _table_metadata ORDER BY resource_id')
  const ids = rows.map(([id]) => String(id))
  for (const id of ids.filter((known) => !seen.has(known))) {
    seen.add(id)
    const sentences = await checkTable(session, id).catch((error: unknown) => {
      throw new Unreadable(id, error)
    })
    problems.push(...sentences.map((sentence) => ({ table: id, sentence })))
  }
  problems.push(...(await strays(session, new Set(ids))))
}

async function checkTable(session: Session, id: string): Promise<string[]> {
  const table = await readTable(session, id)
  if (table?.id !== id) return ['its metadata can not be read']
  const columns = await session.rows(
    "SELECT column_name FROM duckdb_columns() WHERE database_name = 'datastore' AND schema_name = 'main' AND table_name = $1",
    [id],
  )
  if (columns.length === 0) return ['its data is missing']
  const stored = new Set(columns.map(([name]) => String(name)))
  const missing = [ID_COLUMN, ...table.columns.map(({ name }) => name)].filter((name) => !stored.has(name))
  return [
    ...missing.map((name) => `the column ${JSON.stringify(name)} is missing`),
    ...(await checkRows(session, table)),
  ]
}

async function checkRows(session: Session, { id, count, nextId }: StoredTable): Promise<string[]> {
  const key = quoteIdentifier(ID_COLUMN)
  // The hash takes in every value, and so reads every block.
  const [rows, ids, last] =
    (await session.row(
      `SELECT count(*), count(DISTINCT ${key}), coalesce(max(${key}), 0), bit_xor(hash(t)) FROM ${tableName(id)} AS t`,
    )) ?? []
  const found = Number(rows)
  return [
    ...(found === count ? [] : [`it has ${found} rows, and ${count} by its metadata`]),
    ...(Number(ids) === found ? [] : [`${found - Number(ids)} rows have an _id that others have, too`]),
    ...(Number(last) < nextId ? [] : [`the next _id would be ${nextId}, and ${last} is taken`]),
  ]
}

/** Tables without metadata, and aliases of nothing. */
async function strays(session: Session, ids: ReadonlySet<string>): Promise<Problem[]> {
  const tables = await session.rows(
    "SELECT table_name FROM duckdb_tables() WHERE database_name = 'datastore' AND schema_name = 'main'",
  )
  const unknown = tables.map(([name]) => String(name)).filter((name) => !ids.has(name) && !name.startsWith('_'))
  const aliases = await session.rows('SELECT alias, resource_id FROM _table_aliases')
  return [
    ...unknown.map((name) => ({ table: name, sentence: 'there is no metadata of it' })),
    ...aliases
      .filter(([, id]) => !ids.has(String(id)))
      .map(([alias, id]) => ({ table: String(id), sentence: `the alias ${JSON.stringify(alias)} leads to no table` })),
  ]
}

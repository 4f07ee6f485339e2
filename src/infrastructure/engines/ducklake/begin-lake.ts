import type { Session } from '../duckdb/client.ts'

const ALIASES = 'datastore.main._table_aliases'

/** What a new lake begins with, after its metadata tables. */
export async function beginLake(session: Session): Promise<void> {
  // DuckLake keeps no statistics of a table that never had a row, and asks the catalog for them over and over in each statement:
  // most lakes have no alias, and every new table's name is looked for among them.
  await session.run(`INSERT INTO ${ALIASES} VALUES ('', '')`)
  await session.run(`DELETE FROM ${ALIASES} WHERE alias = ''`)
}

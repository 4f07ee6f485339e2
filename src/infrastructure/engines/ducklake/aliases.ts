import type { Session } from '../duckdb/client.ts'

const ALIASES = 'datastore.main._table_aliases'

/**
 * DuckLake keeps no statistics of a table that never had a row, and asks the catalog for them over and over in each statement: most
 * lakes have no alias, and every new table's name is looked for among them.
 */
export async function beginAliases(session: Session): Promise<void> {
  await session.run(`INSERT INTO ${ALIASES} VALUES ('', '')`)
  await session.run(`DELETE FROM ${ALIASES} WHERE alias = ''`)
}

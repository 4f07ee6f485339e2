import { ConfigurationError } from '../../../core/errors.ts'
import type { Session } from '../duckdb/client.ts'
import { quoteLiteral } from '../sql/quote.ts'

const ALIASES = 'datastore.main._table_aliases'

/**
 * Refuses a place that holds anything for a lake that is still to be made: maintenance deletes what it does not know there, such as
 * another lake's files.
 *
 * @throws ConfigurationError naming one of the files.
 */
export async function checkUnused(session: Session, dataPath: string): Promise<void> {
  const [file] = (await session.row(`SELECT file FROM glob(${quoteLiteral(`${dataPath}**`)}) LIMIT 1`)) ?? []
  if (file === undefined) return
  throw new ConfigurationError([
    `DUCKLAKE_DATA_PATH is ${dataPath}, which is not empty (${file}): a new lake needs a place that no other lake, and nothing else, ` +
      'lies in.',
  ])
}

/** What a new lake begins with, after its metadata tables. */
export async function beginLake(session: Session): Promise<void> {
  // From now on its place is not empty.
  await session.rows(
    "CALL ducklake_flush_inlined_data('datastore', schema_name => 'main', table_name => '_datastore_format')",
  )
  // DuckLake keeps no statistics of a table that never had a row, and asks the catalog for them over and over in each statement:
  // most lakes have no alias, and every new table's name is looked for among them.
  await session.run(`INSERT INTO ${ALIASES} VALUES ('', '')`)
  await session.run(`DELETE FROM ${ALIASES} WHERE alias = ''`)
}

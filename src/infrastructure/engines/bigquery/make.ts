import { ConflictError } from '../../../core/errors.ts'
import { StaleSchema } from '../engine.ts'
import { aliasStatements, atomic, insertMetadata, STATE_ASSIGNMENTS, tableParams } from './apply.ts'
import { takenAlias } from './check-names.ts'
import { tableDefinition } from './definition.ts'
import { isDuplicate, isNotFound, raised } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { STATE_VALUES } from './metadata.ts'
import { LABEL, METADATA, quoteName, stateOf, tableOf } from './names.ts'
import { HELD, lockStatements, runLocked, UNLOCK } from './schema-lock.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'

/**
 * Makes a table in two steps: empty ones, which nobody finds, then rows and metadata in one transaction. What an
 * interrupted one has left is taken over by the next, once it is not locked any more.
 */
export async function makeTable(
  store: Store,
  after: StoredTable,
  rows: readonly string[],
  source: Source,
  signal?: AbortSignal,
): Promise<void> {
  const { id, aliases } = after
  const [table, state] = [quoteName(tableOf(id)), quoteName(stateOf(id))]
  const left = await store.client.tableInfo(tableOf(id), { role: 'write', signal })
  if (left && !Object.hasOwn(left.labels, LABEL)) {
    throw new ConflictError(`The dataset has a table "${id}" that this service did not make.`)
  }
  const isUnknown = `NOT EXISTS (SELECT 1 FROM ${METADATA} WHERE resource_id = @resource_id)`
  const script = [
    `CREATE TABLE IF NOT EXISTS ${state} AS SELECT ${STATE_VALUES};`,
    ...lockStatements(id, isUnknown, 'made').map((statement) => `${statement};`),
    `CREATE ${left ? 'OR REPLACE ' : ''}TABLE ${table} ${tableDefinition(after)};`,
    atomic([
      `UPDATE ${state} SET ${STATE_ASSIGNMENTS}, ${UNLOCK} WHERE ${HELD}`,
      "ASSERT @@row_count = 1 AS 'datastore:made'",
      ...rows,
      insertMetadata(after),
      "ASSERT @@row_count = 1 AS 'datastore:made'",
      ...(aliases.length > 0 ? aliasStatements(after) : []),
    ]),
  ].join('\n')
  const dropLeftovers = `IF EXISTS (SELECT 1 FROM ${state} WHERE ${HELD}) THEN DROP TABLE IF EXISTS ${table}; DROP TABLE IF EXISTS ${state}; END IF;`
  signal?.throwIfAborted()
  try {
    await runLocked(store, after, script, { ...tableParams(after), ...source.params }, { onFailure: dropLeftovers })
  } catch (error) {
    const isElsewhere = raised(error) === 'made' || isDuplicate(error) || /already exists/i.test(String(error))
    // Another process makes it, or drops one of this name.
    if (isElsewhere || isNotFound(error)) throw new StaleSchema(`table ${id} comes or goes`, { cause: error })
    throw takenAlias(error, after)
  }
}

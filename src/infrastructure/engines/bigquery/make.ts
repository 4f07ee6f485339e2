import { ConflictError } from '../../../core/errors.ts'
import { StaleSchema } from '../engine.ts'
import { aliasStatements, atomic, createState, insertMetadata, tableParams } from './apply.ts'
import { takenAlias } from './check-names.ts'
import { tableDefinition } from './definition.ts'
import { isDuplicate, raised, UnknownOutcome } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { LABEL, METADATA, quoteName, stateOf, tableOf } from './names.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'

/**
 * Makes a table in two steps: empty ones, which nobody finds, then rows and metadata in one transaction. What an
 * interrupted one has left is taken over by the next.
 */
export async function make(
  store: Store,
  after: StoredTable,
  rows: readonly string[],
  source: Source,
  signal?: AbortSignal,
): Promise<void> {
  const { client } = store
  const name = tableOf(after.id)
  const left = await client.tableInfo(name, { role: 'write', signal })
  if (left && !Object.hasOwn(left.labels, LABEL)) {
    throw new ConflictError(`The dataset has a table "${after.id}" that this service did not make.`)
  }
  const params = { ...tableParams(after), ...source.params }
  const script = [
    `CREATE ${left ? 'OR REPLACE ' : ''}TABLE ${quoteName(name)} ${tableDefinition(after)};`,
    `${createState(after)};`,
    atomic([
      ...rows,
      insertMetadata(after),
      "ASSERT @@row_count = 1 AS 'datastore:made'",
      ...(after.aliases.length > 0 ? aliasStatements(after) : []),
    ]),
  ].join('\n')
  try {
    await client.script(script, { params, signal })
  } catch (error) {
    // Another process was faster.
    if (isDuplicate(error) || raised(error) === 'made' || /already exists/i.test(String(error)))
      throw new StaleSchema(`table ${after.id} was made meanwhile`, { cause: error })
    if (!(error instanceof UnknownOutcome)) await removeLeftovers(store, after.id)
    throw takenAlias(error, after)
  }
}

async function removeLeftovers({ client, logger }: Store, id: string): Promise<void> {
  const script =
    `IF NOT EXISTS (SELECT 1 FROM ${METADATA} WHERE resource_id = @resource_id) THEN ` +
    `DROP TABLE IF EXISTS ${quoteName(tableOf(id))}; DROP TABLE IF EXISTS ${quoteName(stateOf(id))}; END IF;`
  await client.script(script, { params: { resource_id: id } }).catch((error) => {
    logger.warning('an empty table was left behind; the next create takes it over', {
      resource: id,
      error: String(error),
    })
  })
}

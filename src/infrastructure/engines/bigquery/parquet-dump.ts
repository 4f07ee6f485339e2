import { createHash } from 'node:crypto'
import { NotImplemented } from '../../../core/errors.ts'
import type { Dumped, DumpPlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import { Bucket } from './bucket.ts'
import { googleOptions } from './credentials.ts'
import { Exports } from './export.ts'
import { raised } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import { readFailureOf } from './read.ts'
import { rowsStatement } from './selection.ts'
import type { Store } from './store.ts'

/**
 * The rows of a table as a Parquet file that BigQuery writes into the bucket, once for each version of the table.
 *
 * @throws NotImplemented where there is no bucket.
 */
export async function dumpParquet(store: Store, plan: DumpPlan, signal?: AbortSignal): Promise<Dumped> {
  const { client } = store
  const table = plan.table as StoredTable
  const exports = await exportsOf(store)
  if (!exports) {
    throw new NotImplemented('Parquet needs BIGQUERY_EXPORT_BUCKET to be set on this server. Download csv or ndjson.')
  }
  try {
    const { sql, params, cells } = await rowsStatement(store, plan, signal)
    const names = cells.map(({ name }, index) => `c${index} AS ${quoteName(storedColumn(name))}`)
    const state = `(SELECT revision FROM ${quoteName(stateOf(table.id))})`
    const { revision } = store.tables.get(table.id)?.table ?? table
    const isCurrent = `IF(${state} = ${revision}, TRUE, ERROR('datastore:stale'))`
    const query = `SELECT ${names.join(', ')} FROM (${sql}) WHERE ${isCurrent}`
    const modified = (await client.tableInfo(tableOf(table.id), { role: 'write', signal }))?.lastModifiedTime ?? 0
    const asked = createHash('sha256').update(JSON.stringify(params)).digest('hex').slice(0, 8)
    const dumped = await exports.dump({
      folder: tableOf(table.id),
      version: `${revision}-${modified}-${asked}`,
      format: 'parquet',
      query,
      params,
      file: plan.file,
    })
    return dumped.kind === 'stream' ? { ...dumped, revision } : dumped
  } catch (error) {
    if (raised(error) !== 'stale') throw readFailureOf(store, table.id, error)
    store.tables.delete(table.id)
    throw new StaleSchema(`table ${table.id} has changed`, { cause: error })
  }
}

const opened = new WeakMap<Store, Promise<Exports>>()

/** The bucket's exports, opened on first use; undefined where there is no bucket. */
function exportsOf(store: Store): Promise<Exports> | undefined {
  if (store.config.bigqueryExportBucket === undefined) return undefined
  let exports = opened.get(store)
  if (!exports) {
    exports = openExports(store)
    opened.set(store, exports)
  }
  return exports
}

async function openExports({ client, config }: Store): Promise<Exports> {
  const { bigqueryExportBucket, bigqueryCredentials, storageApiEndpoint, bigqueryExportUrlExpiryHours } = config
  const { Storage } = await import('@google-cloud/storage')
  const options = await googleOptions(client.project, bigqueryCredentials, storageApiEndpoint)
  const storage = new Storage({ ...options, useAuthWithCustomEndpoint: bigqueryCredentials !== undefined } as object)
  return new Exports({
    bucket: new Bucket(storage.bucket(bigqueryExportBucket as string)),
    run: async (sql, params) => void (await client.script(sql, { params })),
    urlHours: bigqueryExportUrlExpiryHours,
  })
}

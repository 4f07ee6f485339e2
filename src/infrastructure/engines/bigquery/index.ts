import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Engine } from '../engine.ts'
import type { EngineContext } from '../registry.ts'
import { WriteQueue } from '../write-queue.ts'
import { adoptTables } from './adopt.ts'
import { Client } from './client.ts'
import { createTable } from './create.ts'
import { deleteFrom } from './delete.ts'
import { describeTable, listTables } from './describe.ts'
import { dumpTable } from './dump.ts'
import { translateFailure } from './failures.ts'
import { functionList } from './gate/functions.ts'
import { inspectStatic } from './gate/index.ts'
import { LoadFiles } from './load/files.ts'
import { loadFile } from './load/index.ts'
import { parquetColumns } from './load/parquet.ts'
import { prepareMetadata } from './metadata-format.ts'
import { tableOf } from './names.ts'
import { searchTable } from './read.ts'
import { runSql } from './sql.ts'
import { dumpSql } from './sql-dump.ts'
import type { Store } from './store.ts'
import { canRunAgain } from './store.ts'
import { TableCache } from './table-cache.ts'
import { unconfigured } from './unconfigured.ts'
import { upsertRecords } from './upsert.ts'

/** Google's pause between two tries of a transaction that met another. */
const FIRST_PAUSE_MS = 100
/** Of two servers that write to one table all the time each loses every other time. */
const ATTEMPTS = 20

/** Tables in a BigQuery dataset. */
export default async function bigquery({ config, logger, sqlFunctions }: EngineContext): Promise<Engine> {
  const functions = functionList(sqlFunctions)
  const { bigqueryProject: project, bigqueryDataset: dataset } = config
  if (project === undefined || dataset === undefined) return unconfigured(config, logger)
  const client = await Client.open(config)
  const queue = new WriteQueue(canRunAgain, { firstPauseMs: FIRST_PAUSE_MS, attempts: ATTEMPTS })
  const files = new LoadFiles()
  const store: Store = { client, queue, tables: new TableCache(), config, logger, functions, files }
  let prepared: Promise<void> | undefined

  /** Makes the metadata tables before the first call; a failure is tried again by the next. */
  const ready = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      prepared ??= prepareMetadata(client).catch((error) => {
        prepared = undefined
        throw error
      })
      await prepared
      return await work()
    } catch (error) {
      const translated = translateFailure(error)
      if (translated instanceof ServiceUnavailable)
        logger.error('BigQuery failed', { error: String(translated === error ? (translated.cause ?? error) : error) })
      throw translated
    }
  }

  return {
    name: 'bigquery',
    location: `${project}.${dataset}`,
    supports: { sqlDownload: true },

    describe: (idOrAlias, { signal } = {}) => ready(() => describeTable(store, idOrAlias, signal)),
    size: (id, { signal } = {}) =>
      ready(async () => {
        const bytes = (await client.tableInfo(tableOf(id), { signal }))?.bytes ?? 0
        return { table: bytes, indexes: 0, total: bytes }
      }),
    list: (page, { signal } = {}) => ready(() => listTables(store, page, signal)),

    create: (plan, { signal } = {}) => ready(() => createTable(store, plan, signal)),
    upsert: (plan, { signal } = {}) => ready(() => upsertRecords(store, plan, signal)),
    delete: (plan, { signal } = {}) => ready(() => deleteFrom(store, plan, signal)),

    receive: (body, { signal } = {}) => files.receive(body, signal),
    parquetColumns: (file) => parquetColumns(file),
    load: (plan, { signal } = {}) => ready(() => loadFile(store, plan, signal)),
    rejectedRows: async (id, file) => (await files.rejectedFiles()).open(id, file),

    search: (plan, { signal } = {}) => ready(() => searchTable(store, plan, signal)),
    dump: (plan, { signal } = {}) => ready(() => dumpTable(store, plan, signal)),

    inspectSql: async (sql) => inspectStatic(sql, functions),
    runSql: (plan, { signal } = {}) => ready(() => runSql(store, plan, signal)),
    dumpSql: (plan, { signal } = {}) => ready(() => dumpSql(store, plan, signal)),

    async *adopt({ dryRun = false, signal } = {}) {
      await ready(async () => undefined)
      yield* adoptTables(store, dryRun, signal)
    },

    async healthcheck({ signal } = {}) {
      for (const role of ['read', 'write'] as const) {
        try {
          await client.checkDataset(role, signal)
        } catch (error) {
          logger.error(`BigQuery does not answer the credential that ${role}s`, { error: String(error) })
          throw translateFailure(error)
        }
      }
    },
    async close() {
      await queue.idle()
      await files.close()
    },
  }
}

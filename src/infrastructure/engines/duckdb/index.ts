import { rm, stat, statfs } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Engine } from '../engine.ts'
import type { EngineContext } from '../registry.ts'
import { WriteQueue } from '../write-queue.ts'
import { Checkpointer } from './checkpointer.ts'
import { Client } from './client.ts'
import { createTable } from './create.ts'
import { deleteFrom } from './delete.ts'
import { dumpTable } from './export.ts'
import { isConflict } from './failures.ts'
import { makeFolder } from './folder.ts'
import { FullTextIndex, INDEXED_ROWS } from './full-text/builder.ts'
import { functionList, inspect } from './gate/index.ts'
import { loadFile } from './load/index.ts'
import { receiveFile } from './load/receive.ts'
import { RejectedFiles } from './load/rejected-files.ts'
import { parquetColumns } from './load/source.ts'
import { prepareMetadata, readLargeTables, readListing, readTable } from './metadata.ts'
import { searchTable } from './read.ts'
import { tableSize } from './size.ts'
import { runSql } from './sql.ts'
import { dumpSql } from './sql-export.ts'
import type { Store } from './store.ts'
import { TableCache } from './table-cache.ts'
import { textSource } from './text-source.ts'
import { addUpdatedAt } from './updated-at.ts'
import { upsertRecords } from './upsert.ts'

/** Free bytes below which nothing is written any more: a full disk can cost the write-ahead log (traps T14). */
const HEADROOM = 64 * 1024 * 1024

/** The embedded engine: one DuckDB file in a folder, one process. */
export default async function duckdb({ config, logger, sqlFunctions }: EngineContext): Promise<Engine> {
  const functions = await functionList(sqlFunctions)
  const path = resolve(config.duckdbPath)
  const client = await Client.open({ path, memoryLimit: config.duckdbMemoryLimit, threads: config.duckdbThreads })
  const queue = new WriteQueue(isConflict)
  const checkpointer = new Checkpointer(client, queue)
  const fullText = new FullTextIndex({
    connect: async () => {
      const { session, release } = await client.patientSession()
      return { connection: session.connection, release }
    },
    busy: () => client.isStepping,
    source: async (id) => {
      const table = store.tables.get(id) ?? (await client.session((session) => readTable(session, id)))
      return table?.id === id ? textSource(store, table) : undefined
    },
    failed: (id, error) => logger.error('full-text index not built', { resource: id, error: String(error) }),
  })
  const keptFolder = (name: string, what: string) =>
    emptyFolder(join(path, name)).catch((error) => {
      logger.warning(`${what} are not kept: their folder can not be made`, { error: String(error.code) })
      return undefined
    })
  const rejected = await keptFolder('rejected', 'rejected rows')
  const rejectedFiles = rejected === undefined ? undefined : new RejectedFiles(rejected)
  const store: Store = {
    client,
    queue,
    tables: new TableCache(),
    msInTimestamp: config.msInTimestamp,
    fullText,
    ...(rejectedFiles && { rejectedFiles }),
    definitionChanged: () => checkpointer.schedule(),
  }
  await client.session(prepareMetadata)
  await client.session(async (session) => {
    await fullText.prepare(session.connection)
    // A stop right after a large load left a table that has none yet.
    for (const id of await readLargeTables(session, INDEXED_ROWS)) fullText.schedule(id)
  })
  if (config.includeUpdatedAt) await addUpdatedAt(store)

  const scratch = await keptFolder('dumps', 'downloads')

  const checkHeadroom = async (bytes = 0) => {
    const { bavail, bsize } = await statfs(path)
    if (bavail * bsize < HEADROOM + bytes)
      throw new ServiceUnavailable('The disk is nearly full: nothing is written until there is room.')
  }

  return {
    name: 'duckdb',
    location: path,
    supports: { sqlDownload: true },
    ...(scratch !== undefined && { scratch }),

    async describe(idOrAlias, { signal } = {}) {
      for (;;) {
        const known = store.tables.get(idOrAlias)
        if (known) return known
        const since = store.tables.now
        const table = await client.session((session) => readTable(session, idOrAlias), signal)
        if (!table || store.tables.remember(table, since)) return table
      }
    },
    size: async (id, { signal } = {}) =>
      tableSize(client, store.tables.get(id), (await stat(join(path, 'datastore.duckdb'))).size, signal),
    list: (page, { signal } = {}) => client.session((session) => readListing(session, page), signal),

    async create(plan, { signal } = {}) {
      await checkHeadroom()
      return createTable(store, plan, signal)
    },
    async upsert(plan, { signal } = {}) {
      await checkHeadroom()
      return upsertRecords(store, plan, signal)
    },
    delete: (plan, { signal } = {}) => deleteFrom(store, plan, signal),

    receive: (body, { signal } = {}) => receiveFile(body, { folder: client.folders.load, checkHeadroom, signal }),
    parquetColumns: (file, { signal } = {}) => parquetColumns(client, file, signal),
    async load(plan, { signal } = {}) {
      await checkHeadroom()
      return loadFile(store, plan, checkHeadroom, signal)
    },
    rejectedRows: async (id, file) => rejectedFiles?.open(id, file),

    search: (plan, { signal } = {}) => searchTable(store, plan, signal),
    dump: (plan, { signal } = {}) => dumpTable(store, plan, signal),

    inspectSql: (sql, { signal } = {}) =>
      client.session((session) => inspect(session.connection, sql, functions), signal),
    runSql: (plan, { signal } = {}) => runSql(store, plan, signal),
    dumpSql: (plan, { signal } = {}) => dumpSql(store, plan, checkHeadroom, signal),

    activity() {
      const { waiting, ...activity } = client.activity
      return { ...activity, waiting: { ...waiting, 'write queue': queue.length } }
    },

    healthcheck: ({ signal } = {}) => client.session(async (session) => void (await session.row('SELECT 1')), signal),
    async close() {
      await queue.idle()
      await fullText.close()
      checkpointer.stop()
      rejectedFiles?.close()
      await client.close()
    },
  }
}

async function emptyFolder(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await makeFolder(folder)
  return folder
}

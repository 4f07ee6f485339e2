import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Config } from '../../../core/config.ts'
import type { CheckReport, Engine } from '../engine.ts'
import { RejectedFiles } from '../files/rejected-files.ts'
import type { EngineContext } from '../registry.ts'
import { WriteQueue } from '../write-queue.ts'
import { backupFile } from './backup.ts'
import { checkStore } from './check.ts'
import { Checkpointer } from './checkpointer.ts'
import { DATA_FILE, openDataFile } from './data-file.ts'
import { engineOn } from './engine-on.ts'
import { isConflict } from './failures.ts'
import { fileStorage } from './file-storage.ts'
import { emptyFolder, headroomOf } from './folder.ts'
import { FullTextIndex, INDEXED_ROWS } from './full-text/builder.ts'
import { functionList } from './gate/index.ts'
import { readLargeTables, readTable } from './metadata.ts'
import { migrationLine, prepareMetadata } from './metadata-format.ts'
import { restoreFile } from './restore.ts'
import { tableSize } from './size.ts'
import type { Store } from './store.ts'
import { TableCache } from './table-cache.ts'
import { textSource } from './text-source.ts'
import { addUpdatedAt } from './updated-at.ts'
import { upsertRecords } from './upsert.ts'

/** The embedded engine: one DuckDB file in a folder, one process. */
export default async function duckdb({ config, logger, sqlFunctions }: EngineContext): Promise<Engine> {
  const functions = await functionList(sqlFunctions)
  const path = resolve(config.duckdbPath)
  const client = await openDataFile({ path, memoryLimit: config.duckdbMemoryLimit, threads: config.duckdbThreads })
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
    writer: client,
    storage: fileStorage,
    queue,
    tables: new TableCache(),
    msInTimestamp: config.msInTimestamp,
    fullText,
    ...(rejectedFiles && { rejectedFiles }),
    definitionChanged: () => checkpointer.schedule(),
  }
  const migration = await client.session((session) => prepareMetadata(session))
  if (migration) logger.info(migrationLine(migration))
  await client.session(async (session) => {
    await fullText.prepare(session.connection)
    // A stop right after a large load left a table that has none yet.
    for (const id of await readLargeTables(session, INDEXED_ROWS)) fullText.schedule(id)
  })
  if (config.includeUpdatedAt) await addUpdatedAt(store)

  const scratch = await keptFolder('dumps', 'downloads')

  const checkHeadroom = headroomOf(path)

  const engine = engineOn(store, {
    name: 'duckdb',
    location: path,
    supports: { sqlDownload: true, backup: true, check: true },
    ...(scratch !== undefined && { scratch }),
    functions,
    checkHeadroom,
    async describe(idOrAlias, { signal } = {}) {
      for (;;) {
        const known = store.tables.get(idOrAlias)
        if (known) return known
        const since = store.tables.now
        const table = await client.session((session) => readTable(session, idOrAlias), signal)
        if (!table || store.tables.remember(table, since)) return table
      }
    },
    size: async (id, signal) =>
      tableSize(client, store.tables.get(id), (await stat(join(path, DATA_FILE))).size, signal),
    upsert: (plan, signal) => upsertRecords(store, plan, signal),
    async close() {
      await queue.idle()
      await fullText.close()
      checkpointer.stop()
      rejectedFiles?.close()
      await client.close()
    },
  })
  return {
    ...engine,
    async backup({ signal } = {}) {
      await checkHeadroom((await stat(join(path, DATA_FILE))).size)
      return backupFile(client, signal)
    },
    async check({ signal } = {}) {
      const { session, release } = await client.patientSession(signal)
      return checkStore(session).finally(release)
    },
  }
}

/** The data folder, which only its owner may enter. */
export const controlFolder = ({ duckdbPath }: Config): string => resolve(duckdbPath)

/** A sentence when no server has made the data file yet: opening the engine would make an empty one. */
export function missingData({ duckdbPath }: Config): string | undefined {
  const path = resolve(duckdbPath)
  return existsSync(join(path, DATA_FILE)) ? undefined : `There is no data in ${path} (DUCKDB_PATH).`
}

export const restore = ({ duckdbPath }: Config, backup: string): Promise<CheckReport> => restoreFile(duckdbPath, backup)

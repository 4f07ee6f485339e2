import { resolve } from 'node:path'
import { reportOutage } from '../../outage.ts'
import type { Client } from '../duckdb/client.ts'
import { engineOn } from '../duckdb/engine-on.ts'
import { startFailure as folderFailure } from '../duckdb/failures.ts'
import { emptyFolder, foldersIn, headroomOf } from '../duckdb/folder.ts'
import { NOTHING_COVERED } from '../duckdb/full-text/postings.ts'
import { functionList } from '../duckdb/gate/index.ts'
import { readTable } from '../duckdb/metadata.ts'
import { migrationLine, prepareMetadata } from '../duckdb/metadata-format.ts'
import type { Store } from '../duckdb/store.ts'
import { addUpdatedAt } from '../duckdb/updated-at.ts'
import type { Engine } from '../engine.ts'
import { RejectedFiles } from '../files/rejected-files.ts'
import type { EngineContext } from '../registry.ts'
import { WriteQueue } from '../write-queue.ts'
import { beginLake, checkUnused } from './begin-lake.ts'
import { catalogOf } from './catalog.ts'
import { dataPathOf } from './data-path.ts'
import { isInterrupted, lakeFailures, startFailure } from './failures.ts'
import { prepareRevisions, readRevisions, readVersion } from './history.ts'
import { openLake } from './lake.ts'
import { currentSnapshot, LakeTransactions, lakeStorage } from './lake-storage.ts'
import { Maintenance, MaintenanceSchedule } from './maintenance.ts'
import { isKept } from './placeholders.ts'
import { claimScratch } from './scratch.ts'
import { lakeSize } from './size.ts'
import { SnapshotCache } from './snapshot-cache.ts'
import { UpsertBatches } from './upsert-batches.ts'
import { watchRead } from './whole-reads.ts'

export const needs = ['ducklakeCatalog', 'ducklakeDataPath'] as const

/** A text index would have to be written by every process under the writers' lock: words are looked for in the rows. */
const noIndex: Store['fullText'] = {
  coverage: async () => NOTHING_COVERED,
  noteChanged: async () => {},
  noteReset: async () => {},
  schedule() {},
}

/** A lake: Parquet files and a catalog that many processes share. */
export default async function ducklake({ config, logger, sqlFunctions }: EngineContext): Promise<Engine> {
  const functions = await functionList(sqlFunctions)
  const catalog = catalogOf(config.ducklakeCatalog as string, config.ducklakeMetadataSchema)
  const data = await dataPathOf(config)
  const own = resolve(config.duckdbPath)
  const scratch = await claimScratch(own).catch((error) => {
    throw folderFailure(error, own)
  })
  const folders = foldersIn(scratch.path)
  for (const folder of Object.values(folders)) await emptyFolder(folder)
  const outage = reportOutage(logger)
  const failed = lakeFailures(outage)
  const lock = await catalog.openLock()
  let instances: readonly Client[] = []
  const tables = new SnapshotCache(() => {
    logger.error('the lake was set back to an earlier state: what was committed since is lost')
    for (const client of instances) client.exchange()
  })
  try {
    const { reader, writer } = await lock.run(async () => {
      const lake = await openLake({ config, catalog, data, folders, failed })
      await lake.writer.session(async (session) => {
        const isNew = (await currentSnapshot(session)) === 0
        if (isNew) await checkUnused(session, data.path)
        const migration = await prepareMetadata(session)
        if (isNew) await beginLake(session)
        if (migration) logger.info(migrationLine(migration))
        await prepareRevisions(session)
      })
      return lake
    })
    instances = [...new Set([reader, writer])]
    const queue = new WriteQueue(isInterrupted)
    const transactions = new LakeTransactions(lock, tables)
    const rejectedFiles = new RejectedFiles(await emptyFolder(`${scratch.path}/rejected`))
    const store: Store = {
      client: reader,
      writer,
      storage: lakeStorage(transactions, catalog.isolated ? undefined : () => watchRead(reader)),
      queue,
      tables,
      msInTimestamp: config.msInTimestamp,
      fullText: noIndex,
      rejectedFiles,
      definitionChanged() {},
    }
    if (config.includeUpdatedAt) await addUpdatedAt(store)
    const maintenance = new Maintenance({ writer, lock, catalog, historyHours: config.ducklakeHistoryHours })
    const schedule = new MaintenanceSchedule(maintenance, config.ducklakeMaintenanceMinutes, logger)
    const batches = new UpsertBatches(store, transactions)
    const engine = engineOn(store, {
      name: 'ducklake',
      location: `${catalog.location}, data in ${data.path}`,
      supports: { sqlDownload: true, maintain: true, history: true },
      scratch: await emptyFolder(`${scratch.path}/dumps`),
      functions,
      checkHeadroom: headroomOf(scratch.path),
      // Each instance reads all definitions anew after a change of one: whoever writes is answered by the one that will have to.
      describe: (idOrAlias, { signal, toWrite } = {}) =>
        (toWrite ? writer : reader).session(async (session) => {
          if (!isKept(idOrAlias)) return undefined
          for (;;) {
            await tables.look(() => currentSnapshot(session))
            outage.end('The lake answers again.')
            const known = tables.get(idOrAlias)
            if (known || tables.isAbsent(idOrAlias)) return known
            const since = tables.now
            const read = () => readTable(session, idOrAlias)
            const table = await (catalog.isolated ? session.transaction(read, { readOnly: true }) : read())
            if (table ? tables.remember(table, since) : tables.rememberAbsent(idOrAlias, since)) return table
          }
        }, signal),
      size: (id, signal) => lakeSize(reader, catalog, id, signal),
      upsert: (plan, signal) => batches.upsert(plan, signal),
      async close() {
        schedule.stop()
        await maintenance.stop()
        await queue.idle()
        rejectedFiles.close()
        // At once: what runs on either keeps both busy.
        const closed = await Promise.allSettled(instances.map((client) => client.close()))
        await lock.close()
        await scratch.release()
        for (const end of closed) if (end.status === 'rejected') throw end.reason
      },
    })
    return {
      ...engine,
      describeVersion: (table, version, { signal } = {}) =>
        reader.session((session) => readVersion(session, catalog, table, version), signal),
      revisions: (table, { limit }, { signal } = {}) =>
        reader.session((session) => readRevisions(session, table, limit), signal),
      maintain: (options) => maintenance.run(options),
      async healthcheck({ signal } = {}) {
        await Promise.all(instances.map((client) => client.session(currentSnapshot, signal)))
      },
    }
  } catch (error) {
    await lock.close()
    await scratch.release()
    throw startFailure(error, { catalog: catalog.location, dataPath: data.path })
  }
}

import { resolve } from 'node:path'
import type { Config } from '../../../core/config.ts'
import type { Logger } from '../../../core/log.ts'
import type { Outage } from '../../outage.ts'
import { startFailure as folderFailure } from '../duckdb/failures.ts'
import { emptyFolder, foldersIn } from '../duckdb/folder.ts'
import { migrationLine, prepareMetadata } from '../duckdb/metadata-format.ts'
import { beginLake } from './begin-lake.ts'
import type { Catalog } from './catalog.ts'
import { catalogOf } from './catalog-of.ts'
import { DataClaim } from './data-claim.ts'
import { type DataPath, dataPathOf } from './data-path.ts'
import { lakeFailures, startFailure } from './failures.ts'
import { prepareRevisions } from './history.ts'
import { type Lake, openLake } from './lake.ts'
import type { Lock } from './lock.ts'
import { claimScratch } from './scratch.ts'
import { SnapshotCache } from './snapshot-cache.ts'
import { currentSnapshot } from './stand.ts'
import { WholeReads } from './whole-reads.ts'

/** What a process holds of a lake from its start to its end. */
export interface StartedLake extends Lake {
  catalog: Catalog
  data: DataPath
  claim: DataClaim
  lock: Lock
  wholeReads: WholeReads | undefined
  tables: SnapshotCache
  /** The process's own folder. */
  scratch: string
  /** Lets go of all of it. */
  release(): Promise<void>
}

/**
 * Opens the lake that the settings name, and makes it the first time.
 *
 * @throws ConfigurationError with one sentence that says why it can't be opened; nothing is held then.
 */
export async function startLake(config: Config, logger: Logger, outage: Outage): Promise<StartedLake> {
  const catalog = catalogOf(config.ducklakeCatalog as string, config.ducklakeMetadataSchema)
  const data = await dataPathOf(config)
  const held: (() => Promise<void>)[] = []
  const release = async () => {
    const failures: unknown[] = []
    for (const letGo of held.splice(0).reverse()) await letGo().catch((error) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
  try {
    const own = resolve(config.duckdbPath)
    const scratch = await claimScratch(own).catch((error) => {
      throw folderFailure(error, own)
    })
    held.push(() => scratch.release())
    const folders = foldersIn(scratch.path)
    for (const folder of Object.values(folders)) await emptyFolder(folder)
    const lock = await catalog.openLock()
    held.push(() => lock.close())

    const wholeReads = catalog.isolated ? undefined : new WholeReads(lock)
    const failed = lakeFailures(outage)

    return await lock.run(async () => {
      const { reader, writer } = await openLake({ config, catalog, data, folders, wholeReads, failed })
      const instances = [...new Set([reader, writer])]
      held.push(async () => {
        // At once: what runs on either keeps both busy.
        const closed = await Promise.allSettled(instances.map((client) => client.close()))
        for (const end of closed) if (end.status === 'rejected') throw end.reason
      })
      const claim = await writer.session(async (session) => {
        const isNew = (await currentSnapshot(session)) === 0
        const claim = new DataClaim(data.path, await catalog.identity(session))
        await claim.take(session, isNew)
        const migration = await prepareMetadata(session)
        if (isNew) await beginLake(session)
        if (migration) logger.info(migrationLine(migration))
        await prepareRevisions(session)
        return claim
      })
      const tables = new SnapshotCache((isCertain) => {
        if (isCertain) logger.error('the lake was set back to an earlier state: what was committed since is lost')
        else
          logger.info(
            "the catalog's database was started anew, and the lake may have been set back: it is opened again",
          )
        for (const client of instances) client.exchange()
      })
      return { reader, writer, wholeReads, catalog, data, claim, lock, tables, scratch: scratch.path, release }
    })
  } catch (error) {
    await release().catch(() => undefined)
    throw startFailure(error, { catalog: catalog.location, dataPath: data.path })
  }
}

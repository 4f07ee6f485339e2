import { type Outage, reportOutage } from '../../outage.ts'
import type { Session } from '../duckdb/client.ts'
import { engineOn } from '../duckdb/engine-on.ts'
import { emptyFolder, headroomOf } from '../duckdb/folder.ts'
import { NOTHING_COVERED } from '../duckdb/full-text/postings.ts'
import { functionList } from '../duckdb/gate/index.ts'
import { readTable } from '../duckdb/metadata.ts'
import type { Store } from '../duckdb/store.ts'
import { addUpdatedAt } from '../duckdb/updated-at.ts'
import type { Engine } from '../engine.ts'
import { RejectedFiles } from '../files/rejected-files.ts'
import type { EngineContext } from '../registry.ts'
import type { FunctionList } from '../sql/function-list.ts'
import { WriteQueue } from '../write-queue.ts'
import { answerInTime } from './answer-in-time.ts'
import { isInterrupted } from './failures.ts'
import { readRevisions, readVersion } from './history.ts'
import { LakeTransactions, lakeStorage, PATIENCE_MS } from './lake-storage.ts'
import { Maintenance, MaintenanceSchedule } from './maintenance.ts'
import { isKept } from './placeholders.ts'
import { lakeSize } from './size.ts'
import { type StartedLake, startLake } from './start.ts'
import { UpsertBatches } from './upsert-batches.ts'

export const needs = ['ducklakeCatalog', 'ducklakeDataPath'] as const

/** How long a request waits to learn what its table is. */
const DESCRIBE_MS = 60_000
const HEALTHCHECK_MS = 15_000

/** A restart of PostgreSQL may come between a write's first reads; what is begun under the lock has pauses of its own. */
const FIRST_PAUSE_MS = 100

/** A text index would have to be written by every process under the writers' lock: words are looked for in the rows. */
const noIndex: Store['fullText'] = {
  coverage: async () => NOTHING_COVERED,
  noteChanged: async () => {},
  noteReset: async () => {},
  schedule() {},
}

/** A lake: Parquet files and a catalog that many processes share. */
export default async function ducklake(context: EngineContext): Promise<Engine> {
  const functions = await functionList(context.sqlFunctions)
  const outage = reportOutage(context.logger)
  const lake = await startLake(context.config, context.logger, outage)
  try {
    return await engineOf(lake, context, functions, outage)
  } catch (error) {
    await lake.release().catch(() => undefined)
    throw error
  }
}

async function engineOf(
  lake: StartedLake,
  { config, logger }: EngineContext,
  functions: FunctionList,
  outage: Outage,
): Promise<Engine> {
  const { reader, writer, wholeReads, catalog, data, claim, lock, tables, scratch } = lake
  const queue = new WriteQueue(isInterrupted, { firstPauseMs: FIRST_PAUSE_MS, patienceMs: PATIENCE_MS })
  const transactions = new LakeTransactions(catalog, lock, tables)
  const rejectedFiles = new RejectedFiles(await emptyFolder(`${scratch}/rejected`))
  const store: Store = {
    client: reader,
    writer,
    storage: lakeStorage(transactions, catalog, wholeReads?.steps(writer)),
    queue,
    tables,
    msInTimestamp: config.msInTimestamp,
    fullText: noIndex,
    rejectedFiles,
    definitionChanged() {},
  }
  if (config.includeUpdatedAt) await addUpdatedAt(store)
  const maintenance = new Maintenance({ writer, lock, catalog, claim, historyHours: config.ducklakeHistoryHours })
  const schedule = new MaintenanceSchedule(maintenance, config.ducklakeMaintenanceMinutes, logger)
  const batches = new UpsertBatches(store, transactions)

  const look = async (session: Session) => {
    await tables.look((known) => catalog.stand(session, known))
    outage.end('The lake answers again.')
  }
  /** As the lake stands now; what is known of a table holds as long as nobody has written anything. */
  const describe = async (session: Session, idOrAlias: string) => {
    for (;;) {
      await look(session)
      const known = tables.get(idOrAlias)
      if (known || tables.isAbsent(idOrAlias)) return known
      const since = tables.now
      const read = () => readTable(session, idOrAlias)
      const table = await (catalog.isolated ? session.transaction(read, { readOnly: true }) : read())
      if (table ? tables.remember(table, since) : tables.rememberAbsent(idOrAlias, since)) return table
    }
  }

  const engine = engineOn(store, {
    name: 'ducklake',
    location: `${catalog.location}, data in ${data.path}`,
    supports: { sqlDownload: true, maintain: true, history: true },
    scratch: await emptyFolder(`${scratch}/dumps`),
    functions,
    checkHeadroom: headroomOf(scratch),
    async describe(idOrAlias, { signal, toWrite } = {}) {
      if (!isKept(idOrAlias)) return undefined
      // Each instance reads all definitions anew after a change of one: whoever writes is answered by the one that will have to.
      const client = toWrite ? writer : reader
      const ask = (either: AbortSignal) => client.session((session) => describe(session, idOrAlias), either)
      return answerInTime(DESCRIBE_MS, outage, ask, signal)
    },
    size: (id, signal) => lakeSize(reader, catalog, id, signal),
    upsert: (plan, signal) => batches.upsert(plan, signal),
    async close() {
      schedule.stop()
      await maintenance.stop()
      await queue.idle()
      rejectedFiles.close()
      await lake.release()
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
      const ask = (either: AbortSignal) =>
        Promise.all([...new Set([reader, writer])].map((client) => client.session(look, either)))
      await answerInTime(HEALTHCHECK_MS, outage, ask, signal)
    },
  }
}

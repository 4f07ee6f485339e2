import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Client, Session } from '../duckdb/client.ts'
import type { MaintainOptions, MaintenanceReport } from '../engine.ts'
import type { Catalog } from './catalog.ts'
import type { DataClaim } from './data-claim.ts'
import { forgetRevisions, oldestSnapshot } from './history.ts'
import type { Lock } from './lock.ts'

/** Files that a running download or load may still need are deleted no earlier. */
const FILES_HOURS = 48
/** Files that are merged while others wait to write. */
const FILES_AT_ONCE = 100

export interface MaintenanceOptions {
  writer: Client
  lock: Lock
  catalog: Catalog
  claim: DataClaim
  /** How long older revisions stay readable. */
  historyHours: number
}

const hoursAgo = (hours: number) => `older_than => now() - INTERVAL ${hours} HOUR`

type Statement = string | ((session: Session) => Promise<void>)

const FLUSH = "CALL ducklake_flush_inlined_data('datastore')"

/**
 * One after the other, each under the lock for itself, so that writes go on between them. What writes have left in the catalog
 * about a file is flushed before that file is replaced: flushed later, it would be put to a file that is not there any more, and
 * older revisions would show rows twice (duckdb/ducklake#1406).
 */
function stepsOf(historyHours: number, forget: boolean, catalog: Catalog): Record<string, readonly Statement[]> {
  const snapshots = forget ? 'older_than => now()' : hoursAgo(historyHours)
  // By itself it leaves deleted rows in a file until they are 95 of 100.
  const rewrite = forget ? "'datastore', delete_threshold => 0" : "'datastore'"
  return {
    'rows of the catalog to files': [FLUSH],
    'deleted rows out of files': [FLUSH, `CALL ducklake_rewrite_data_files(${rewrite})`],
    'small files into one': [
      FLUSH,
      `CALL ducklake_merge_adjacent_files('datastore', max_compacted_files => ${FILES_AT_ONCE})`,
    ],
    'old revisions': [`CALL ducklake_expire_snapshots('datastore', ${snapshots})`],
    'list of revisions': [async (session) => forgetRevisions(session, await oldestSnapshot(session, catalog))],
    'files that nobody needs': [
      `CALL ducklake_cleanup_old_files('datastore', ${forget ? 'cleanup_all => true' : hoursAgo(FILES_HOURS)})`,
    ],
    'files that were left behind': [`CALL ducklake_delete_orphaned_files('datastore', ${hoursAgo(FILES_HOURS)})`],
  }
}

/**
 * Maintenance is a write: beside one that is not locked out, merged files bring deleted rows back (traps T12). Only one is under way
 * at a time, in all processes.
 */
export class Maintenance {
  readonly #options: MaintenanceOptions
  readonly #stop = new AbortController()
  #running: Promise<MaintenanceReport | undefined> | undefined

  constructor(options: MaintenanceOptions) {
    this.#options = options
  }

  /** Undefined: another is under way. */
  async run({ forget = false, signal }: MaintainOptions = {}): Promise<MaintenanceReport | undefined> {
    if (this.#running) return undefined
    const stop = this.#stop.signal
    const { lock } = this.#options
    this.#running = lock.alone('maintenance', () =>
      this.#steps(forget, signal ? AbortSignal.any([signal, stop]) : stop),
    )
    try {
      return await this.#running
    } finally {
      this.#running = undefined
    }
  }

  /** Begins no other step, and waits for the one that runs. */
  async stop(): Promise<void> {
    this.#stop.abort(new ServiceUnavailable('The datastore is closing.'))
    await this.#running?.catch(() => undefined)
  }

  async #steps(forget: boolean, signal: AbortSignal): Promise<MaintenanceReport> {
    const { writer, lock, catalog, claim, historyHours } = this.#options
    await writer.session((session) => claim.check(session), signal)
    const steps: { name: string; milliseconds: number }[] = []
    for (const [name, statements] of Object.entries(stepsOf(historyHours, forget, catalog))) {
      signal.throwIfAborted()
      const began = performance.now()
      // In this order, as writes do: those that wait for the lock hold their place in the lane.
      const run = async (session: Session) => {
        for (const statement of statements)
          await (typeof statement === 'string' ? session.rows(statement) : statement(session))
      }
      await writer.session((session) => lock.run(() => run(session), signal), undefined, 'writes')
      steps.push({ name, milliseconds: Math.round(performance.now() - began) })
    }
    return { steps }
  }
}

/** Maintains a lake every so often, for as long as this process lives. */
export class MaintenanceSchedule {
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(maintenance: Maintenance, minutes: number, logger: Logger) {
    if (minutes === 0) return
    // Processes that were started together don't all begin at once.
    const next = () => {
      this.#timer = setTimeout(run, minutes * 60_000 * (0.75 + Math.random() / 2))
      this.#timer.unref()
    }
    const run = () => {
      void maintenance
        .run()
        .then((report) => report && logger.debug('lake maintained', { steps: report.steps }))
        .catch((error) => {
          if (!this.#isStopped) logger.warning('lake not maintained', { reason: (error as Error).name })
        })
        .finally(() => {
          if (!this.#isStopped) next()
        })
    }
    next()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }
}

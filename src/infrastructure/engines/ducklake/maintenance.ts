import { setTimeout as sleep } from 'node:timers/promises'
import { DatastoreError, ServiceUnavailable } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Client, Session } from '../duckdb/client.ts'
import { translateFailure } from '../duckdb/failures.ts'
import type { MaintainOptions, MaintenanceReport } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'
import type { DataClaim } from './data-claim.ts'
import { forgetRevisions, oldestSnapshot } from './history.ts'
import { ended, isRetryable } from './lake-storage.ts'
import type { Lock } from './lock.ts'
import { tableWork } from './table-work.ts'

/** Files that a running download or load may still need are deleted no earlier. */
const FILES_HOURS = 48
/** How often a table's files are merged in one run. */
const MERGES = 100
/** How often a turn is tried that met another write, or lost the catalog. */
const ATTEMPTS = 3
const PAUSE_MS = 200
/** Turns that fail one after the other: it is not the tables, then. */
const FAILURES_IN_A_ROW = 20
/** Tables that a message names. */
const NAMED = 5

export interface MaintenanceOptions {
  writer: Client
  lock: Lock
  catalog: Catalog
  claim: DataClaim
  /** How long older revisions stay readable. */
  historyHours: number
}

/** What is done in one turn of the lock. */
interface Turn {
  /** Absent: it is about all of the lake. */
  table?: string
  /** Whether another turn of the same is due. */
  run(session: Session): Promise<boolean>
}

interface Step {
  name: string
  find(session: Session): Promise<readonly Turn[]>
}

const hoursAgo = (hours: number) => `older_than => now() - INTERVAL ${hours} HOUR`

/**
 * Each goes over the tables that have need of it, and each table has a turn of the lock for itself, so that writes go on between
 * them. What writes have left in the catalog about a file is flushed before that file is replaced, in the same turn: flushed later,
 * it would be put to a file that is not there any more, and older revisions would show rows twice (duckdb/ducklake#1406).
 */
function stepsOf(historyHours: number, forget: boolean, catalog: Catalog): readonly Step[] {
  const work = tableWork(catalog)
  const flush = (session: Session, table: string) =>
    session.run(`CALL ducklake_flush_inlined_data('datastore', table_name => ${quoteLiteral(table)})`)
  const eachOf =
    (find: (session: Session) => Promise<string[]>, run: (session: Session, table: string) => Promise<boolean>) =>
    async (session: Session) =>
      (await find(session)).map((table) => ({ table, run: (session: Session) => run(session, table) }))
  const once = (work: (session: Session) => Promise<unknown>) => async () => [
    {
      async run(session: Session) {
        await work(session)
        return false
      },
    },
  ]
  const call = (sql: string) => once((session) => session.run(`CALL ${sql}`))
  return [
    {
      name: 'rows of the catalog to files',
      find: eachOf(work.toFlush, async (session, table) => {
        await flush(session, table)
        return false
      }),
    },
    {
      name: 'deleted rows out of files',
      find: async (session) =>
        (await work.toRewrite(session, forget)).map(({ table, above }) => ({
          table,
          async run(session) {
            await flush(session, table)
            await session.run(
              `CALL ducklake_rewrite_data_files('datastore', ${quoteLiteral(table)}, delete_threshold => ${above})`,
            )
            return false
          },
        })),
    },
    {
      name: 'small files into one',
      find: eachOf(work.toMerge, async (session, table) => {
        await flush(session, table)
        const merge = await work.nextMerge(session, table)
        if (!merge) return false
        const merged = await session.rows(
          `CALL ducklake_merge_adjacent_files('datastore', ${quoteLiteral(table)}, max_compacted_files => 1, max_file_size => ${merge.below})`,
        )
        return merge.isPart && merged.length > 0
      }),
    },
    {
      name: 'old revisions',
      find: call(`ducklake_expire_snapshots('datastore', ${forget ? 'older_than => now()' : hoursAgo(historyHours)})`),
    },
    {
      name: 'list of revisions',
      find: once(async (session) => forgetRevisions(session, await oldestSnapshot(session, catalog))),
    },
    {
      name: 'files that nobody needs',
      find: call(`ducklake_cleanup_old_files('datastore', ${forget ? 'cleanup_all => true' : hoursAgo(FILES_HOURS)})`),
    },
    {
      name: 'files that were left behind',
      find: call(`ducklake_delete_orphaned_files('datastore', ${hoursAgo(FILES_HOURS)})`),
    },
  ]
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

  /**
   * Undefined: another is under way.
   *
   * @throws ServiceUnavailable when something could not be maintained. All the rest is.
   */
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

  /** Begins no other turn, and waits for the one that runs. */
  async stop(): Promise<void> {
    this.#stop.abort(new ServiceUnavailable('The datastore is closing.'))
    await this.#running?.catch(() => undefined)
  }

  async #steps(forget: boolean, signal: AbortSignal): Promise<MaintenanceReport> {
    const { writer, catalog, claim, historyHours } = this.#options
    await writer.session((session) => claim.check(session), signal)
    const failures = new Failures()
    const steps: { name: string; milliseconds: number }[] = []
    for (const { name, find } of stepsOf(historyHours, forget, catalog)) {
      const began = performance.now()
      const turns = await failures.of(`"${name}"`, signal, () => retried(() => writer.session(find), signal))
      for (const turn of turns ?? []) {
        const what = turn.table === undefined ? `"${name}"` : `table "${turn.table}"`
        for (let times = 0; times < MERGES; times += 1) {
          if (!(await failures.of(what, signal, () => this.#turn(turn, signal)))) break
        }
      }
      steps.push({ name, milliseconds: Math.round(performance.now() - began) })
    }
    failures.tell()
    return { steps }
  }

  async #turn(turn: Turn, signal: AbortSignal): Promise<boolean> {
    const { writer, lock, catalog } = this.#options
    // In this order, as writes do: those that wait for the lock hold their place in the lane.
    const run = () => writer.session((session) => lock.run(() => turn.run(session), signal), undefined, 'writes')
    try {
      return await retried(run, signal)
    } catch (error) {
      const { table } = turn
      const isGone = async (session: Session) =>
        table !== undefined && !(await tableWork(catalog).isThere(session, table))
      if (!isRetryable(error) && (await writer.session(isGone))) return false
      throw error
    } finally {
      if (lock.restMs !== undefined) await sleep(lock.restMs)
    }
  }
}

async function retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isRetryable(error) || tries === ATTEMPTS || signal.aborted) throw error
      await sleep(PAUSE_MS * tries * Math.random())
    }
  }
}

/** What could not be done in a run, which goes on with the rest. */
class Failures {
  readonly #met = new Map<string, unknown>()
  #inARow = 0

  /** Undefined: it failed. */
  async of<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T | undefined> {
    signal.throwIfAborted()
    try {
      const result = await work()
      this.#inARow = 0
      return result
    } catch (error) {
      signal.throwIfAborted()
      this.#met.set(what, error)
      this.#inARow += 1
      if (this.#inARow === FAILURES_IN_A_ROW) this.tell()
      return undefined
    }
  }

  /** @throws ServiceUnavailable when there were any. */
  tell(): void {
    const [first] = this.#met.values()
    if (first === undefined) return
    const named = [...this.#met.keys()].slice(0, NAMED).join(', ')
    const more = this.#met.size > NAMED ? ` and ${this.#met.size - NAMED} more` : ''
    throw new ServiceUnavailable(`Not maintained: ${named}${more}. ${reasonOf(first)}`, { cause: first })
  }
}

/** For people: DuckDB's own words may show values and paths. */
function reasonOf(error: unknown): string {
  const told = ended(translateFailure(error))
  return told instanceof DatastoreError ? told.message : 'The reason is not known here.'
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
          if (!this.#isStopped) logger.warning('lake not maintained', { reason: reasonOf(error) })
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

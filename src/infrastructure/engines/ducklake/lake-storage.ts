import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatastoreError, ServiceUnavailable } from '../../../core/errors.ts'
import type { Session } from '../duckdb/client.ts'
import type { StoredTable } from '../duckdb/metadata.ts'
import type { Storage } from '../duckdb/store.ts'
import { nextTime, tableName } from '../duckdb/store.ts'
import type { Table } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'
import { changeColumns } from './change-columns.ts'
import { Interrupted, isInterrupted, LostInstance, SENTENCES } from './failures.ts'
import type { NewRevision } from './history.ts'
import { isNoted, noteRevisions } from './history.ts'
import type { Lock } from './lock.ts'
import { checkNames, checkValues } from './placeholders.ts'
import type { SnapshotCache } from './snapshot-cache.ts'
import { currentSnapshot } from './stand.ts'

const ATTEMPTS = 8
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 2000
/** How long after its first failure a write is still begun again: a catalog that does not answer takes long to say so. */
export const PATIENCE_MS = 8000

const UNKNOWN = 'The catalog was lost while the write was being stored: whether it is, only a read will tell.'

/** Runs writes of a lake as one transaction, under the writers' lock. */
export class LakeTransactions {
  readonly #catalog: Pick<Catalog, 'stand'>
  readonly #lock: Lock
  readonly #tables: SnapshotCache

  constructor(catalog: Pick<Catalog, 'stand'>, lock: Lock, tables: SnapshotCache) {
    this.#catalog = catalog
    this.#lock = lock
    this.#tables = tables
  }

  /**
   * All of it or nothing. The lock is taken before the transaction begins, because DuckLake's own conflicts let two merges
   * of one key pass (traps T12). It is run again when it met another, and a commit that broke off is looked for first.
   * What fails in the end is not to be run again, but for a lost instance: nothing of that is stored.
   *
   * @param revisionsOf - What the work has made of its tables.
   * @param committed - Called after the commit and before anybody else's turn.
   */
  async run<T>(
    session: Session,
    work: () => Promise<T>,
    revisionsOf: (result: T) => readonly NewRevision[],
    committed: (result: T) => void,
  ): Promise<T> {
    // Of all attempts: one whose commit is stored late is found as well.
    const writeId = randomUUID()
    let tried: { result: T } | undefined
    let isUncertain = false
    const attempt = async () => {
      if (tried) {
        if (await isNoted(session, writeId)) {
          this.#tables.clear()
          return tried.result
        }
        isUncertain = false
      }
      const { result, snapshot } = await session
        .transaction(async () => {
          // The transaction begins here: who is thawed after having lost the lock would otherwise write by what was known before.
          const before = await currentSnapshot(session)
          const last = await this.#look(session)
          if (last !== before) throw new Interrupted(SENTENCES.conflict, { retryAfterSeconds: 1 })
          const result = await work()
          const snapshot = before + 1
          await noteRevisions(session, { revisions: revisionsOf(result), snapshot, writeId })
          tried = { result }
          isUncertain = true
          return { result, snapshot }
        })
        .catch((error) => {
          // What was refused is not stored.
          if (!isRetryable(error)) isUncertain = false
          throw error
        })
      this.#tables.wrote(snapshot)
      committed(result)
      return result
    }
    let deadline: number | undefined
    for (let tries = 1; ; tries += 1) {
      try {
        const result = await this.#lock.run(attempt)
        // What was written is known by its time, too: PostgreSQL may come back without it.
        await this.#look(session).catch(() => undefined)
        return result
      } catch (error) {
        deadline ??= performance.now() + PATIENCE_MS
        const isOver = tries === ATTEMPTS || performance.now() > deadline
        if (!isRetryable(error) || isOver || (error instanceof LostInstance && !isUncertain)) {
          // Whoever runs it again from its beginning might store it twice.
          if (isUncertain) throw new ServiceUnavailable(UNKNOWN, { cause: error })
          throw ended(error)
        }
        await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random()))
      }
    }
  }

  #look(session: Session): Promise<number> {
    return this.#tables.look((known) => this.#catalog.stand(session, known))
  }
}

/** How a lake is written. */
export function lakeStorage(
  transactions: LakeTransactions,
  { reserved }: Pick<Catalog, 'reserved'>,
  steps?: Storage['steps'],
): Storage {
  return {
    keepsOrder: false,
    ...(steps && { steps }),
    // A list of JSON texts in PostgreSQL's catalog can't be read back.
    jsonItems: 'VARCHAR',
    checkNames: (plan) => checkNames(plan, reserved),
    checkValues,
    changeColumns,
    expose,
    transaction: (session, id, work, committed) =>
      transactions.run(session, work, ({ table }) => [revisionOf(id, table)], committed),
  }
}

export function revisionOf(id: string, table: StoredTable | undefined): NewRevision {
  return { id, revision: table?.revision, committedAt: table?.updatedAt ?? nextTime(undefined) }
}

/** The lock's own connection fails in the words of PostgreSQL, of Node, or of the package that speaks to it. */
const LOST = /^(?:57P0|53300|08|ECONN|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND)/
const LOST_WORDS = /^(?:timeout expired|Connection terminated)/
const SQLSTATE = /^[0-9A-Z]{5}$/

/** Whether what met this may be run again. */
export function isRetryable(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return isInterrupted(error) || LOST.test(String(code ?? '')) || LOST_WORDS.test(String(message ?? ''))
}

/** The last failure of what was tried often enough, in words for people where it is the lake's; it is not to be run again. */
export function ended(error: unknown): unknown {
  if (error instanceof LostInstance) return error
  const sentence = isInterrupted(error) ? (error as Error).message : isOfPostgres(error) ? SENTENCES.catalog : undefined
  return sentence === undefined ? error : new ServiceUnavailable(sentence, { cause: error, retryAfterSeconds: 1 })
}

function isOfPostgres(error: unknown): boolean {
  if (error instanceof DatastoreError) return false
  return isRetryable(error) || SQLSTATE.test(String((error as { code?: unknown } | null)?.code ?? ''))
}

/**
 * A caller's SQL sees its tables through views with a limit that no table reaches. What rows are compared with is then not handed
 * down to DuckLake, which would copy it, computed texts as well, into SQL of its own (see `placeholders.ts`).
 */
async function expose(session: Session, tables: ReadonlyMap<string, Table>): Promise<string> {
  for (const [name, { id }] of tables) {
    await session.run(
      `CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS SELECT * FROM ${tableName(id)} LIMIT ${NO_LIMIT}`,
    )
  }
  return ''
}

const NO_LIMIT = 2n ** 62n

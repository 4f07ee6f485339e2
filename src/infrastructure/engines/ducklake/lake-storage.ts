import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../duckdb/client.ts'
import type { Changed, Storage } from '../duckdb/store.ts'
import { tableName } from '../duckdb/store.ts'
import type { Table } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import { changeColumns } from './change-columns.ts'
import { isInterrupted } from './failures.ts'
import { isNoted, noteRevision } from './history.ts'
import type { Lock } from './lock.ts'
import { checkNames, checkValues } from './placeholders.ts'
import type { SnapshotCache } from './snapshot-cache.ts'

const ATTEMPTS = 8
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 2000

/** A commit of which nobody knows how it ended. */
interface Uncertain<T> {
  writeId: string
  result: T
}

/**
 * How a lake is written: under the writers' lock, which is taken before the transaction begins, because DuckLake's own
 * conflicts let two merges of one key pass (traps T12).
 */
export function lakeStorage(lock: Lock, tables: SnapshotCache): Storage {
  return {
    keepsOrder: false,
    // A list of JSON texts in PostgreSQL's catalog can't be read back.
    jsonItems: 'VARCHAR',
    checkNames,
    checkValues,
    changeColumns,
    expose,

    async transaction<T extends Changed>(
      session: Session,
      id: string,
      work: () => Promise<T>,
      committed: (result: T) => void,
    ): Promise<T> {
      let uncertain: Uncertain<T> | undefined
      const attempt = async () => {
        if (uncertain && (await isNoted(session, uncertain.writeId))) {
          tables.clear()
          return uncertain.result
        }
        const { result, snapshot } = await commitOnce(session, id, tables, work, (tried) => {
          uncertain = tried
        })
        tables.wrote(snapshot)
        committed(result)
        return result
      }
      for (let tries = 1; ; tries += 1) {
        try {
          return await lock.run(attempt)
        } catch (error) {
          if (tries === ATTEMPTS || !isRetryable(error)) throw error
          await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.5 + Math.random()))
        }
      }
    },
  }
}

/** The lock's own connection fails in Node's words. */
function isRetryable(error: unknown): boolean {
  return (
    isInterrupted(error) || /^(?:57P0|08|ECONN|EPIPE)/.test(String((error as { code?: unknown } | null)?.code ?? ''))
  )
}

async function commitOnce<T extends Changed>(
  session: Session,
  id: string,
  tables: SnapshotCache,
  work: () => Promise<T>,
  trying: (uncertain: Uncertain<T>) => void,
): Promise<{ result: T; snapshot: number }> {
  const writeId = randomUUID()
  return session.transaction(async () => {
    const before = await currentSnapshot(session)
    tables.standAt(before)
    const result = await work()
    const snapshot = before + 1
    await noteRevision(session, { id, revision: result.table?.revision, snapshot, writeId })
    trying({ writeId, result })
    return { result, snapshot }
  })
}

/** The last snapshot that a session's transaction sees. */
export async function currentSnapshot(session: Session): Promise<number> {
  const [snapshot] = (await session.row('SELECT id FROM datastore.current_snapshot()')) ?? []
  return Number(snapshot)
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

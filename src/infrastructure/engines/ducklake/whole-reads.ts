import type { Client, Session } from '../duckdb/client.ts'
import type { Storage } from '../duckdb/store.ts'
import type { Lock } from './lock.ts'
import { currentSnapshot } from './stand.ts'

/** How often a read is tried beside writes. */
const ATTEMPTS = 5

/**
 * Keeps reads of a lake in SQLite whole. One read asks SQLite through several connections, which may see different moments. Most writes
 * don't matter to it, as what they add to the catalog says from when to when it holds; but maintenance puts files in the place of
 * others, and a write that deletes or changes rows does so with the file that lists a file's deleted rows. A read that such a thing
 * came between may find a row twice, or not at all, and is run again: at last under the writers' lock.
 */
export class WholeReads {
  readonly #lock: Lock

  constructor(lock: Lock) {
    this.#lock = lock
  }

  /** Runs all that a session is leased for. */
  session<T>(session: Session, work: () => Promise<T>): Promise<T> {
    return this.#run((look) => look(session), work)
  }

  /**
   * How a read takes several steps, such as the pieces of a download. A transaction would go on with some of what was there when it
   * began, and some of what came later: each step reads by itself what the lake was at one snapshot. Once that is given up, it fails.
   *
   * @param beside - Has sessions to look around with.
   */
  steps(beside: Client): Storage['steps'] {
    return {
      pin: async (session, table) =>
        table.snapshot === undefined ? { ...table, snapshot: await currentSnapshot(session) } : table,
      run: (work) => this.#run((look) => beside.session(look), work),
    }
  }

  async #run<T>(see: <A>(look: (session: Session) => Promise<A>) => Promise<A>, work: () => Promise<T>): Promise<T> {
    for (let tries = 0; tries < ATTEMPTS; tries += 1) {
      const before = await see(currentSnapshot)
      const [outcome] = await Promise.allSettled([work()])
      if (await see((session) => wasDisturbed(session, before))) continue
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    }
    return this.#lock.run(work)
  }
}

async function wasDisturbed(session: Session, since: number): Promise<boolean> {
  const current = await currentSnapshot(session)
  if (current === since) return false
  const [seen, disturbing] =
    (await session.row(
      "SELECT count(*), count(*) FILTER (regexp_matches(CAST(changes AS VARCHAR), 'merge|rewrite|flush|tables_deleted')) " +
        `FROM ducklake_snapshots('datastore') WHERE snapshot_id > ${since} AND snapshot_id <= ${current}`,
    )) ?? []
  // Of a snapshot that was given up meanwhile nobody knows what it did.
  return Number(disturbing) > 0 || Number(seen) < current - since
}

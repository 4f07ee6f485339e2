import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Client, Session } from '../duckdb/client.ts'
import { currentSnapshot } from './stand.ts'

const ATTEMPTS = 5

const MAINTAINED = 'The lake is being maintained.'

/**
 * Runs reads of a lake whose catalog is in SQLite again when maintenance came between. One read asks SQLite through several
 * connections, which may see different moments. Writes don't matter to it, as each thing in the catalog says from when to when it
 * holds; but maintenance puts files in the place of others, and a read may then find a row in both, or in none.
 */
export async function readWhole<T>(session: Session, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const before = await currentSnapshot(session)
    const [outcome] = await Promise.allSettled([work()])
    if (await wasMaintained(session, before)) continue
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }
  throw new ServiceUnavailable(MAINTAINED, { retryAfterSeconds: 5 })
}

/**
 * Begins to watch over a read that takes several statements, such as a download, for the same reason.
 *
 * @returns To be called when some of it has been read: throws when maintenance came between.
 */
export async function watchRead(client: Client): Promise<() => Promise<void>> {
  const before = await client.session(currentSnapshot)
  return async () => {
    const isMaintained = await client.session((session) => wasMaintained(session, before))
    if (isMaintained) throw new ServiceUnavailable(MAINTAINED, { retryAfterSeconds: 5 })
  }
}

async function wasMaintained(session: Session, since: number): Promise<boolean> {
  const current = await currentSnapshot(session)
  if (current === since) return false
  const [seen, maintained] =
    (await session.row(
      "SELECT count(*), count(*) FILTER (regexp_matches(CAST(changes AS VARCHAR), 'merge|rewrite|flush')) " +
        `FROM ducklake_snapshots('datastore') WHERE snapshot_id > ${since} AND snapshot_id <= ${current}`,
    )) ?? []
  // Of a snapshot that was given up meanwhile nobody knows what it did.
  return Number(maintained) > 0 || Number(seen) < current - since
}

import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Client, Session } from '../duckdb/client.ts'
import { currentSnapshot } from './stand.ts'

const ATTEMPTS = 5

const DISTURBED = 'The lake is being maintained, or much of it changed.'

/**
 * Runs reads of a lake whose catalog is in SQLite again when maintenance, or a large deletion, came between. One read asks SQLite
 * through several connections, which may see different moments. Most writes don't matter to it, as what they add to the catalog
 * says from when to when it holds; but maintenance puts files in the place of others, and a write that deletes or changes more rows
 * than the catalog keeps does so with the file that lists a file's deleted rows. A read may then find a row twice, or not at all.
 */
export async function readWhole<T>(session: Session, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const before = await currentSnapshot(session)
    const [outcome] = await Promise.allSettled([work()])
    if (await wasDisturbed(session, before)) continue
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }
  throw new ServiceUnavailable(DISTURBED, { retryAfterSeconds: 5 })
}

/**
 * Begins to watch over a read that takes several statements, such as a download, for the same reason.
 *
 * @returns To be called when some of it has been read: throws when such a thing came between.
 */
export async function watchRead(client: Client): Promise<() => Promise<void>> {
  const before = await client.session(currentSnapshot)
  return async () => {
    const isDisturbed = await client.session((session) => wasDisturbed(session, before))
    if (isDisturbed) throw new ServiceUnavailable(DISTURBED, { retryAfterSeconds: 5 })
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

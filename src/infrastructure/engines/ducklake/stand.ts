import type { DuckDBValue } from '@duckdb/node-api'
import type { Session } from '../duckdb/client.ts'
import { Interrupted } from './failures.ts'

/** Where a lake stands: at its last snapshot. */
export interface Stand {
  snapshot: number
  /** When it was made, to the microsecond: what tells it from another one of the same number. */
  madeAt?: string
  /** Another one when the catalog's database was started anew, or its tables were put in the place of others. */
  database?: string
}

/** Where a lake is seen to stand, by who knows of an earlier stand. */
export interface SeenStand extends Stand {
  /** When the snapshot that was known was made, as the catalog says now; absent where it is not there, or nobody can tell. */
  knownMadeAt?: string
}

/**
 * Whether a lake came from where it was known to stand to where it is seen to stand by commits alone: `no` where commits are lost,
 * because the catalog was restored, or another server took its place. `unknown` where that may be.
 */
export function isSuccessor(seen: SeenStand, known: Stand): 'yes' | 'no' | 'unknown' {
  if (seen.snapshot < known.snapshot) return 'no'
  if (known.madeAt !== undefined && seen.knownMadeAt !== undefined)
    return seen.knownMadeAt === known.madeAt ? 'yes' : 'no'
  return seen.database === known.database ? 'yes' : 'unknown'
}

/**
 * The last snapshot that a session's transaction sees.
 *
 * @throws Interrupted when it sees none.
 */
export async function currentSnapshot(session: Session): Promise<number> {
  const [snapshot] = (await session.row('SELECT id FROM datastore.current_snapshot()')) ?? []
  return snapshotIn(snapshot)
}

/**
 * A snapshot's number. A transaction that began before the catalog's tables were put in the place of others sees the new ones empty.
 *
 * @throws Interrupted when it is none.
 */
export function snapshotIn(value: DuckDBValue | undefined): number {
  if (value === undefined || value === null)
    throw new Interrupted('The lake was set back to an earlier state meanwhile.', { retryAfterSeconds: 1 })
  return Number(value)
}

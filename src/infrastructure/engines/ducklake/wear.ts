import type { Session } from '../duckdb/client.ts'
import type { Catalog } from './catalog.ts'

/** What an instance may keep, as DuckDB counts it; it takes more than twice as much. */
const KEPT_BYTES = 64 * 1024 * 1024
/** The part of its memory limit that it may keep at most. */
const SHARE = 8
/** Changes of definitions that an instance serves at least. */
const CHANGES = 4
/** How often the catalog is asked. */
const ASK_MS = 5000

/**
 * Whether an instance has kept too many versions of the lake's definitions. DuckLake reads all of them anew after each change of one,
 * and lets go of the earlier ones only at the memory limit (duckdb/ducklake#852), when it may let go of those in use, too
 * (duckdb/ducklake#1248): an instance that is closed in time never comes to that.
 *
 * @param limit - Of its memory, in bytes.
 * @returns To be made anew for each instance.
 */
export function wearOf(limit: number, { ask }: Pick<Catalog, 'ask'>): (session: Session) => Promise<boolean> {
  /** Grows by one with each change of a definition. */
  const schemaVersion = async (session: Session) => {
    const [version] =
      (await session.row(ask((of) => `SELECT max(schema_version) FROM ${of('ducklake_snapshot')}`))) ?? []
    return Number(version ?? 0)
  }
  const allowed = Math.min(KEPT_BYTES, limit / SHARE)
  let first: number | undefined
  let nextAsk = 0
  return async (session) => {
    first ??= await schemaVersion(session)
    const [kept] = (await session.row(KEPT)) ?? []
    if (Number(kept ?? 0) < allowed || performance.now() < nextAsk) return false
    nextAsk = performance.now() + ASK_MS
    // Beside definitions it keeps what it knows of files, which is of use.
    return (await schemaVersion(session)) - first >= CHANGES
  }
}

const KEPT = "SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'OBJECT_CACHE'"

import { randomUUID } from 'node:crypto'
import { isNotFound, UnknownOutcome } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, stateOf } from './names.ts'
import type { Store } from './store.ts'

/*
 * BigQuery makes, changes and drops tables outside of transactions. Who does that to a table holds its state row first,
 * by a name in `locked_by`, and every other write of the table meets that name there.
 */

/** Google ends a job that holds a lock well before the lock is up, so that no two jobs hold one. */
const JOB_MINUTES = 30
const LOCK_MINUTES = 35

/** SQL that holds for a state row that nobody has locked. */
export const FREE = `(locked_by IS NULL OR locked_at < TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL ${LOCK_MINUTES} MINUTE))`
/** How the names of locks begin whose scripts have told of rows and columns before the table has them. */
const AHEAD = 'ahead-'
/** SQL that holds for a state row that says what its table does not hold yet: nobody may read the two together. */
export const IS_AHEAD = `IFNULL(STARTS_WITH(locked_by, '${AHEAD}') AND NOT ${FREE}, FALSE)`
/** SQL of the second since which a state row says so. Without the time of now, so that BigQuery can keep a result. */
export const AHEAD_SINCE = `IF(STARTS_WITH(locked_by, '${AHEAD}'), UNIX_SECONDS(locked_at), NULL)`

/** Whether a state row is ahead of its table, by what `AHEAD_SINCE` gave. */
export function isAhead(since: unknown): boolean {
  return typeof since === 'string' && Date.now() / 1000 - Number(since) < LOCK_MINUTES * 60
}
/** SQL that holds for a state row that the running script has locked. */
export const HELD = 'locked_by = @lock'
/** Assignments that lock a state row, and that free it. */
export const LOCK = 'locked_by = @lock, locked_at = CURRENT_TIMESTAMP()'
export const UNLOCK = 'locked_by = NULL, locked_at = NULL'

/** Statements that lock the state row of `id` where `condition` holds; else the script ends with `datastore:<raised>`. */
export function lockStatements(id: string, condition: string, raised: 'stale' | 'made'): string[] {
  return [
    `UPDATE ${quoteName(stateOf(id))} SET ${LOCK} WHERE ${FREE} AND ${condition}`,
    `ASSERT @@row_count = 1 AS 'datastore:${raised}'`,
  ]
}

/** A statement that frees the state row, if the running script has locked it. */
export function unlockStatement(id: string): string {
  return `UPDATE ${quoteName(stateOf(id))} SET ${UNLOCK} WHERE ${HELD}`
}

interface LockedScript {
  /** What runs, by the same parameters, when the script has failed and may still hold the lock; it frees the state row unless told. */
  onFailure?: string
  /** The script writes the state row before the table has what the row says. */
  isAhead?: boolean
}

/**
 * Runs a script whose statements lock the state row as `@lock`. It is not stopped half-way, whoever hangs up: nobody could
 * say which of its statements were done.
 */
export async function runLocked(
  { client, logger }: Pick<Store, 'client' | 'logger'>,
  { id }: Pick<StoredTable, 'id'>,
  sql: string,
  params: Readonly<Record<string, string>>,
  { onFailure = unlockStatement(id), isAhead = false }: LockedScript = {},
): Promise<void> {
  const lock = `${isAhead ? AHEAD : ''}${randomUUID()}`
  try {
    await client.script(sql, { params: { ...params, lock }, timeoutMs: JOB_MINUTES * 60_000 })
  } catch (error) {
    if (!(error instanceof UnknownOutcome)) {
      await client.script(onFailure, { params: { ...params, lock } }).catch((failure) => {
        if (isNotFound(failure)) return
        logger.warning(`a table stays locked for ${LOCK_MINUTES} minutes`, { resource: id, error: String(failure) })
      })
    }
    throw error
  }
}

import type { Config } from '../../../core/config.ts'
import { ConflictError, ServiceUnavailable, ValidationError } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import { StaleSchema } from '../engine.ts'
import type { FunctionList } from '../sql/function-list.ts'
import type { WriteQueue } from '../write-queue.ts'
import type { Client } from './client.ts'
import { isConflict, isMissingTable, isThrottled, raised, translateFailure } from './failures.ts'
import type { LoadFiles } from './load/files.ts'
import type { StoredTable } from './metadata.ts'
import { readTable } from './metadata.ts'
import type { TableCache } from './table-cache.ts'

/** What the parts of this engine share. */
export interface Store {
  readonly client: Client
  readonly queue: WriteQueue
  readonly tables: TableCache
  readonly config: Config
  readonly logger: Logger
  /** What SQL may call. */
  readonly functions: FunctionList
  /** What is on its way in, and what loads have left out. */
  readonly files: LoadFiles
}

/** The name in the write queue under which tables come and go and aliases change hands. */
export const CATALOG = ''

/** Another process has written to the table since it was last looked at: look and write again. */
export class StaleState extends Error {
  readonly code = 'ERR_STALE_STATE'
}

/** Two writes met, or too many came: everything since the last look at the table may be run again. */
export function canRunAgain(error: unknown): boolean {
  return error instanceof StaleState || isConflict(error) || isThrottled(error)
}

/** Runs one write alone among this process's writes of these names, again when it met one of another process. */
export async function write<T>(
  store: Store,
  names: readonly string[],
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await store.queue.run(
      names,
      async () => {
        try {
          return await work()
        } catch (error) {
          // Only BigQuery knows what a failed write left; what was refused has left nothing.
          if (!isRefusal(error)) for (const name of names) store.tables.delete(name)
          const isStale = raised(error) === 'stale' || isMissingTable(error)
          throw isStale ? new StaleState('the table was written to meanwhile', { cause: error }) : error
        }
      },
      signal,
    )
  } catch (error) {
    if (canRunAgain(error))
      throw new ServiceUnavailable('The table is being written to by others just now.', {
        cause: error,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    throw translateFailure(error)
  }
}

const RETRY_AFTER_SECONDS = 5

function isRefusal(error: unknown): boolean {
  return error instanceof ValidationError || error instanceof ConflictError
}

/** The table that a plan was made for, as it is now: changed since, the plan must be made again. */
export async function currentTable(
  store: Store,
  id: string,
  basedOn: number | undefined,
  signal?: AbortSignal,
): Promise<StoredTable | undefined> {
  const cached = store.tables.get(id)?.table
  if (cached?.id === id && cached.schemaRevision === basedOn) return cached
  const found = await readTable(store.client, id, signal)
  const table = found?.id === id ? found : undefined
  if (table) store.tables.set(table)
  else store.tables.delete(id)
  if (table?.schemaRevision !== basedOn) throw new StaleSchema(`table ${id} has changed`)
  return table
}

/** The revision of a new table: above that of any table of this name that was dropped before. */
export function firstRevision(): number {
  return Date.now()
}

export function now(): string {
  return new Date().toISOString()
}

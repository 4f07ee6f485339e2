import { ConfigurationError, ServiceUnavailable, ValidationError } from '../../../core/errors.ts'
import { StaleSchema } from '../engine.ts'

/** What DuckDB's messages start with. They are its only machine-readable part. */
const CONFLICT = /^TransactionContext Error: .*(?:[Cc]onflict|another transaction has altered)/
const CONVERSION =
  /^(?:Conversion Error|Invalid Input Error: (?:Could not convert|Failed to cast|Malformed JSON)|Out of Range Error)/
const BINDER = /^(?:Binder Error|Catalog Error)/
const NO_SNAPSHOT = /No snapshot found/
const MEMORY = /^Out of Memory Error/
const DISK_FULL = /No space left on device|Disk quota exceeded|failed to offload data block/

function text(error: unknown): string {
  return error instanceof Error ? error.message : ''
}

/** Two writes met: the transaction may be run again. */
export function isConflict(error: unknown): boolean {
  return CONFLICT.test(text(error))
}

/** A value that does not fit its type. */
export function isConversionFailure(error: unknown): boolean {
  return CONVERSION.test(text(error))
}

/** A name that is not (or no longer) there. */
export function isBinderFailure(error: unknown): boolean {
  return BINDER.test(text(error))
}

/** A failure in terms of the API where it has some; else as it came. */
export function translateFailure(error: unknown): unknown {
  if (MEMORY.test(text(error))) {
    return new ServiceUnavailable('The request needs more memory than DUCKDB_MEMORY_LIMIT leaves free just now.', {
      cause: error,
    })
  }
  if (DISK_FULL.test(text(error))) {
    return new ServiceUnavailable('The disk is full: nothing was stored.', { cause: error })
  }
  return error
}

/** A read whose values the caller chose failed on one of them (contract §5.3), or came after what it reads was given up. */
export function invalidQuery(error: unknown): unknown {
  if (NO_SNAPSHOT.test(text(error))) return new StaleSchema('the revision was given up', { cause: error })
  return isConversionFailure(error)
    ? new ValidationError({ query: ['Invalid query'] }, { cause: error })
    : translateFailure(error)
}

const startFailures: readonly [RegExp, (path: string, match: RegExpExecArray) => string][] = [
  [
    /EACCES|EROFS|EPERM|[Pp]ermission denied|Read-only file system/,
    (path) =>
      `The data folder ${path} is not writable for this user: give it write permission or set DUCKDB_PATH to another folder.`,
  ],
  [/EEXIST|ENOTDIR/, (path) => `DUCKDB_PATH must be a folder, and ${path} is not one.`],
  [
    /Could not set lock[\s\S]*?(?:PID (\d+)|$)/,
    (path, [, holder]) =>
      `Another process${holder ? ` (PID ${holder})` : ''} has the data in ${path} open: one DuckDB file serves one process.`,
  ],
  [
    /version number/,
    (path) => `The data in ${path} was written by a newer version of DuckDB: update this service to read it.`,
  ],
  [
    /not a valid DuckDB database/,
    (path) => `datastore.duckdb in ${path} is not a DuckDB file: move it away or restore a backup.`,
  ],
  [
    /WAL|[Rr]eplay/,
    (path) =>
      `The write-ahead log in ${path} can't be replayed: restore a backup, or move datastore.duckdb.wal away and lose the writes in it.`,
  ],
  [/^([^\n]*)/, (path, [, line]) => `The data in ${path} can't be opened: ${line}`],
]

/** Why the data can't be opened, in one plain sentence. */
export function startFailure(error: unknown, path: string): ConfigurationError {
  for (const [pattern, sentence] of startFailures) {
    const match = pattern.exec(text(error))
    if (match) return new ConfigurationError([sentence(path, match)])
  }
  return new ConfigurationError([`The data in ${path} can't be opened.`])
}

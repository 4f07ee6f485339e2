import { ConfigurationError, DatastoreError, ServiceUnavailable } from '../../../core/errors.ts'
import type { Outage } from '../../outage.ts'

/** A write met another, or lost the catalog under way: it may be run again. */
export class Interrupted extends ServiceUnavailable {}

/** The session's instance is of no use any more: only another session can run the write again. */
export class LostInstance extends Interrupted {}

const LOST = /database has been invalidated|^(?:FATAL|INTERNAL) Error/
const CONFLICT =
  /[Tt]ransaction conflict|maximum retry count|duplicate key|deadlock|could not serialize|database is locked|Failed to execute query "(?:ROLLBACK|COMMIT)/
const CATALOG =
  /[Pp]ostgres|libpq|connection|server closed|terminating|ECONN|the database system is|password authentication|role "|permission denied for|SQLITE|sqlite|database disk image/
const FILES = /^(?:HTTP|IO) Error|S3|No such file|Could not establish/
const DISK = /No space left on device|Disk quota exceeded|failed to offload data block/

/** What DuckDB says about the caller's statement or values; everything else is about the lake. */
const ABOUT_THE_CALL =
  /^(?:Conversion|Invalid Input|Out of Range|Binder|Catalog|Parser|Syntax|Constraint|Not implemented|Out of Memory|INTERRUPT|Dependency|Sequence|Invalid Type|Mismatch Type|Divide by Zero) Error/i

/** What it says in the same words when a query to the catalog has failed, or the connection broke while its answer was read. */
const OF_THE_CATALOG =
  /Failed to (?:execute|prepare|get|query|load DuckLake|fetch|copy)|unsuccessful (?:query result|or closed)|libpq|Unable to connect|server closed|PQ[a-z]/

/** What callers and the log hear of each kind of failure. */
export const SENTENCES = {
  lost: 'The lake was closed after a failure and is opened again.',
  conflict: 'Other writes to the lake came between.',
  catalog: "The lake's catalog can't be reached, or refuses to work.",
  files: "The lake's data files can't be read or written.",
} as const

type Kind = keyof typeof SENTENCES

function kindOf(message: string): Kind | undefined {
  if (LOST.test(message)) return 'lost'
  if (CONFLICT.test(message)) return 'conflict'
  if (DISK.test(message)) return undefined
  if (OF_THE_CATALOG.test(message)) return 'catalog'
  if (ABOUT_THE_CALL.test(message)) return undefined
  if (CATALOG.test(message)) return 'catalog'
  return FILES.test(message) || /^[A-Z][A-Za-z ]+ Error: /.test(message) ? 'files' : undefined
}

/**
 * Failures of the lake as callers and the log may see them: a plain sentence. DuckLake's own texts show its SQL, its paths and the
 * values of users, so they go nowhere but into the cause.
 */
export function lakeFailures(outage: Outage): (error: unknown, lost: () => void) => unknown {
  return (error, lost) => {
    if (error instanceof DatastoreError || error instanceof ConfigurationError || !(error instanceof Error))
      return error
    const kind = kindOf(error.message)
    if (kind === undefined) return error
    if (kind === 'lost') lost()
    if (kind !== 'conflict') outage.begin(SENTENCES[kind], { reason: reasonOf(error.message) })
    const options = { cause: error, retryAfterSeconds: 1 }
    return kind === 'lost' ? new LostInstance(SENTENCES.lost, options) : new Interrupted(SENTENCES[kind], options)
  }
}

/** The words of a failure that are nobody's: of PostgreSQL, the system or the network. */
const REASONS: readonly RegExp[] = [
  /Connection refused/,
  /Could not (?:connect to server|resolve hostname)/,
  /file is not a database|not a valid DuckDB database file/,
  /unable to open database file/,
  /could not translate host name/,
  /[Tt]imed? ?out/,
  /password authentication failed/,
  /no pg_hba\.conf entry/,
  /(?:database|schema|relation) "[^"]*" does not exist/,
  /role "[^"]*" (?:does not exist|is not permitted to log in)/,
  /permission denied for \w+/,
  /too many (?:connections|clients)/,
  /the database system is (?:starting up|shutting down|in recovery mode)/,
  /terminating connection due to [a-z ]+/,
  /server closed the connection unexpectedly/,
  /canceling statement due to [a-z ]+/,
  /read-only transaction/,
  /No such file or directory/,
  /Permission denied/,
  /HTTP (?:code )?\d{3}/,
  /database is locked/,
  /disk image is malformed/,
  /invalidated/,
]

function reasonOf(message: string): string {
  for (const pattern of REASONS) {
    const [words] = pattern.exec(message) ?? []
    if (words) return words
  }
  return message.split(/[:"'{(]/, 1)[0] ?? ''
}

/** Whether a write may be run again. */
export function isInterrupted(error: unknown): boolean {
  return error instanceof Interrupted
}

/** Why a lake can't be opened, in one plain sentence. */
export function startFailure(
  error: unknown,
  { catalog, dataPath }: { catalog: string; dataPath: string },
): ConfigurationError {
  if (error instanceof ConfigurationError) return error
  const message = error instanceof Error ? error.message : ''
  if (error instanceof Interrupted) {
    const reason = error.cause instanceof Error ? reasonOf(error.cause.message) : 'no answer'
    return new ConfigurationError([
      `The lake can't be opened (catalog ${catalog}, data in ${dataPath}): ${message.replace(/\.$/, '')}: ${reason}.`,
    ])
  }
  const other = /DATA_PATH parameter "?([^"]*)"? does not match|data path/i.test(message)
  if (other)
    return new ConfigurationError([
      `DUCKLAKE_DATA_PATH is ${dataPath}, but the lake in ${catalog} was made with another data path: set the one that it was made with.`,
    ])
  if (/already (?:attached|open)|Could not set lock/i.test(message))
    return new ConfigurationError([
      `Another process has the catalog ${catalog} open: a lake in a DuckDB file serves one process.`,
    ])
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException
  const words = path === undefined ? reasonOf(message) : `${path} can't be made or used (${code})`
  const reason = error instanceof DatastoreError ? message.replace(/\.$/, '') : words || 'no answer'
  return new ConfigurationError([`The lake can't be opened: the catalog ${catalog}: ${reason}.`])
}

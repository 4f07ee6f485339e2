import { DatastoreError, ServiceUnavailable, ValidationError } from '../../../core/errors.ts'

/** One item of a Google error: `reason` is its machine-readable part, `message` may change any day. */
export interface GoogleErrorItem {
  reason?: string
  message?: string
}

/** What BigQuery has answered in place of a result. */
export class BigqueryFailure extends Error {
  readonly reason: string
  readonly status: number | undefined

  constructor({ reason = 'unknown', message = '' }: GoogleErrorItem, status?: number) {
    super(message)
    this.name = 'BigqueryFailure'
    this.reason = reason
    this.status = status
  }
}

/** BigQuery has taken a request and not answered it in time. */
export class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT'
}

/** Nobody could be asked any more how a write ended. It was done whole, or not at all. */
export class UnknownOutcome extends ServiceUnavailable {
  constructor(cause: unknown) {
    super(
      'BigQuery stopped answering during the write. It was stored whole or not at all: look before you send it again.',
      {
        cause,
        retryAfterSeconds: 10,
      },
    )
  }
}

/** Reads what the client library throws: `errors[0].reason` first, because a failed job carries no HTTP status. */
export function readFailure(error: unknown): unknown {
  if (error instanceof BigqueryFailure) return error
  const given = error as {
    code?: number | string
    status?: number
    message?: string
    errors?: GoogleErrorItem[]
    response?: { data?: { error?: { errors?: GoogleErrorItem[]; message?: string } } }
  } | null
  const status = [given?.code, given?.status].find((value) => typeof value === 'number') as number | undefined
  const item = given?.errors?.[0] ?? given?.response?.data?.error?.errors?.[0]
  if (item?.reason) return new BigqueryFailure({ message: given?.message ?? '', ...item }, status)
  if (status !== undefined && status >= 400) {
    return new BigqueryFailure({ reason: reasons[status] ?? 'unknown', message: given?.message ?? '' }, status)
  }
  return error
}

const reasons: Readonly<Record<number, string>> = {
  401: 'authError',
  403: 'accessDenied',
  404: 'notFound',
  409: 'duplicate',
  412: 'conditionNotMet',
  429: 'rateLimitExceeded',
  500: 'backendError',
  502: 'backendError',
  503: 'backendError',
  504: 'backendError',
}

const TRANSIENT = new Set(['backendError', 'internalError', 'rateLimitExceeded', 'jobBackendError', 'jobInternalError'])
const NETWORK =
  /^(?:ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|UND_ERR_\w+|ERR_STREAM_PREMATURE_CLOSE)$/

/** The same request may succeed a little later. Only for requests that can be sent twice. */
export function isTransient(error: unknown): boolean {
  if (error instanceof BigqueryFailure) return TRANSIENT.has(error.reason)
  return isNetworkFailure(error)
}

function isNetworkFailure(error: unknown): boolean {
  for (let cause = error as { code?: unknown; message?: string; cause?: unknown } | undefined; cause; ) {
    if (typeof cause.code === 'string' && NETWORK.test(cause.code)) return true
    if (/socket hang up|premature close|network timeout|fetch failed|ECONN/i.test(cause.message ?? '')) return true
    cause = cause.cause as typeof cause
  }
  return false
}

const DECIDED =
  /^(?:invalid|stopped|timeout|notFound|duplicate|resourcesExceeded|responseTooLarge|bytesBilledLimitExceeded)/

/** The statement itself has failed: it is not merely that nobody could be asked how it ended. */
export function isDecided(error: unknown): boolean {
  return error instanceof BigqueryFailure && DECIDED.test(error.reason)
}

/** Two transactions met; the one that failed may be run again from its start. */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof BigqueryFailure &&
    /concurrent update|serializ|transaction is aborted|TransactionContext Error|write-write conflict|conflict on|commit DuckLake transaction/i.test(
      error.message,
    )
  )
}

export function isNotFound(error: unknown): boolean {
  return error instanceof BigqueryFailure && error.reason === 'notFound'
}

/** Too many changes of one table in a short time; nothing was done. A script that raises an error again gives it another reason. */
export function isThrottled(error: unknown): boolean {
  return (
    error instanceof BigqueryFailure && /exceeded rate limits|too many (?:table|dml|concurrent)/i.test(error.message)
  )
}

/** A table that another process has dropped meanwhile; not the dataset. */
export function isMissingTable(error: unknown): boolean {
  return error instanceof BigqueryFailure && /not found: table/i.test(error.message)
}

export function isDuplicate(error: unknown): boolean {
  return error instanceof BigqueryFailure && error.reason === 'duplicate'
}

/** What a script of ours raises: `datastore:stale`. */
export function raised(error: unknown): string | undefined {
  return error instanceof BigqueryFailure ? /datastore:([a-z-]+)/.exec(error.message)?.[1] : undefined
}

const sentences: Readonly<Record<string, string>> = {
  accessDenied: 'BigQuery does not let this service do that.',
  authError: 'BigQuery does not accept the credentials of this service.',
  quotaExceeded: "A quota of the project is used up; BigQuery doesn't answer for a while.",
  billingNotEnabled: 'The project has no billing account.',
  billingTierLimitExceeded: 'The statement needs more than BigQuery grants for the bytes that it scans.',
  rateLimitExceeded: 'BigQuery is asked too often just now.',
  backendError: "BigQuery doesn't answer just now.",
  internalError: "BigQuery doesn't answer just now.",
  jobRateLimitExceeded: 'BigQuery is asked too often just now.',
  notFound: 'BigQuery does not find the data of this service.',
  stopped: 'The statement was stopped in BigQuery.',
  timeout: 'BigQuery has ended the statement, because it took too long.',
}

/** A failure in terms of the API where it has some; else as it came. Nothing of Google's own words is told. */
export function translateFailure(error: unknown): unknown {
  if (error instanceof DatastoreError) return error
  if (error instanceof BigqueryFailure) {
    if (error.reason === 'bytesBilledLimitExceeded') return overBudget(error)
    if (error.reason === 'responseTooLarge' || error.reason === 'resourcesExceeded') {
      const sentence = 'The request needs more than BigQuery grants one statement. Ask for fewer rows or columns.'
      return new ValidationError({ query: [sentence] }, { cause: error })
    }
    const sentence = sentences[error.reason]
    return sentence === undefined ? error : new ServiceUnavailable(sentence, { cause: error, retryAfterSeconds: 10 })
  }
  return isNetworkFailure(error)
    ? new ServiceUnavailable("BigQuery can't be reached just now.", { cause: error, retryAfterSeconds: 10 })
    : error
}

function overBudget(error: BigqueryFailure): ValidationError {
  const estimate = /(\d{4,})/.exec(error.message.replace(/limit.*?:\s*\d+/i, ''))?.[1]
  const bytes = estimate === undefined ? 'more bytes' : `${estimate} bytes, more`
  return new ValidationError(
    {
      query: [
        `The statement would scan ${bytes} than BIGQUERY_MAX_BYTES_BILLED allows. Ask for fewer columns, or filter.`,
      ],
    },
    { cause: error },
  )
}

/** A read whose values the caller chose failed on one of them (contract §5.3). */
export function invalidQuery(error: unknown): unknown {
  return error instanceof BigqueryFailure && (error.reason === 'invalidQuery' || error.reason === 'invalid')
    ? new ValidationError({ query: ['Invalid query'] }, { cause: error })
    : translateFailure(error)
}

/** What an error says about each parameter: CKAN's shape, a list of sentences under the parameter's name. */
export type ErrorDetail = Record<string, unknown>

interface DatastoreErrorOptions {
  status: number
  /** Stable, for programs: `ERR_NOT_FOUND`. */
  code: string
  /** CKAN's `error.__type`. */
  type: string
  detail?: ErrorDetail
  headers?: Record<string, string>
  cause?: unknown
}

/**
 * A failure that the caller may know about. Everything else that is thrown is a defect: it is logged and
 * answered with a bare 500 (contract §2.2).
 */
export abstract class DatastoreError extends Error {
  readonly status: number
  readonly code: string
  readonly type: string
  readonly detail: ErrorDetail
  readonly headers: Record<string, string>

  constructor(message: string, options: DatastoreErrorOptions) {
    super(message, { cause: options.cause })
    this.name = new.target.name
    this.status = options.status
    this.code = options.code
    this.type = options.type
    this.detail = options.detail ?? {}
    this.headers = options.headers ?? {}
  }
}

/** 400 whose body is a bare JSON string, as CKAN answers what it can't even read (contract §1.2, §1.3). */
export class BadRequest extends DatastoreError {
  constructor(message: string) {
    super(`Bad request: ${message}`, { status: 400, code: 'ERR_BAD_REQUEST', type: 'Bad Request' })
  }
}

/** 400: a nested list of the wrong shape (contract §2.2). */
export class IntegrityError extends DatastoreError {
  constructor(message: string, data?: unknown) {
    const detail = data === undefined ? {} : { data }
    super(message, { status: 400, code: 'ERR_INTEGRITY', type: 'Integrity Error', detail })
  }
}

/**
 * 409: invalid parameters or data. `detail` holds CKAN's keys (`{ limit: ['Must be a natural number'] }`);
 * the message is made from the first of them unless given.
 */
export class ValidationError extends DatastoreError {
  constructor(detail: ErrorDetail, options: { message?: string; cause?: unknown } = {}) {
    super(options.message ?? summarize(detail), {
      status: 409,
      code: 'ERR_VALIDATION',
      type: 'Validation Error',
      detail,
      cause: options.cause,
    })
  }
}

/** 409: what is asked contradicts what is stored, such as a narrower column type (contract §10.2 row 59). */
export class ConflictError extends DatastoreError {
  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, { status: 409, code: 'ERR_CONFLICT', type: 'Conflict Error', detail })
  }
}

/** 403. The message is given without CKAN's `Access denied: ` prefix. */
export class NotAuthorized extends DatastoreError {
  constructor(message: string) {
    super(`Access denied: ${message}`, { status: 403, code: 'ERR_NOT_AUTHORIZED', type: 'Authorization Error' })
  }
}

/** 404. The message is given without CKAN's `Not found: ` prefix. */
export class NotFound extends DatastoreError {
  constructor(message: string) {
    super(`Not found: ${message}`, { status: 404, code: 'ERR_NOT_FOUND', type: 'Not Found Error' })
  }
}

/** 404 for a table, worded as CKAN words it (contract §8.5). */
export class TableNotFound extends NotFound {
  readonly id: string

  constructor(id: string, noun: 'Resource' | 'Resource/Alias' = 'Resource') {
    super(`${noun} "${id}" was not found.`)
    this.id = id
  }
}

export class MethodNotAllowed extends DatastoreError {
  constructor(method: string, allow: readonly string[]) {
    super(`Method ${method} is not allowed here. Use ${allow.join(' or ')}.`, {
      status: 405,
      code: 'ERR_METHOD_NOT_ALLOWED',
      type: 'Method Not Allowed',
      headers: { Allow: allow.join(', ') },
    })
  }
}

export class PayloadTooLarge extends DatastoreError {
  constructor(message: string) {
    super(message, { status: 413, code: 'ERR_PAYLOAD_TOO_LARGE', type: 'Payload Too Large' })
  }
}

/** 408: the client sends too slowly. */
export class RequestTimeout extends DatastoreError {
  constructor(message: string) {
    super(message, { status: 408, code: 'ERR_REQUEST_TIMEOUT', type: 'Request Timeout' })
  }
}

/** 416: a part of a file that has no such part. */
export class RangeNotSatisfiable extends DatastoreError {
  constructor(length: number) {
    super(`The file has ${length} bytes: the range that was asked for lies behind its end.`, {
      status: 416,
      code: 'ERR_RANGE_NOT_SATISFIABLE',
      type: 'Range Not Satisfiable',
      headers: { 'Content-Range': `bytes */${length}`, 'Accept-Ranges': 'bytes' },
    })
  }
}

export class UnsupportedMediaType extends DatastoreError {
  constructor(message: string) {
    super(message, { status: 415, code: 'ERR_UNSUPPORTED_MEDIA_TYPE', type: 'Unsupported Media Type' })
  }
}

/** 429, with `Retry-After` in seconds. */
export class TooManyRequests extends DatastoreError {
  constructor(message: string, retryAfterSeconds: number) {
    super(message, {
      status: 429,
      code: 'ERR_TOO_MANY_REQUESTS',
      type: 'Too Many Requests',
      headers: { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
    })
  }
}

/** 501: CKAN has it, or the contract names it, and this engine can't do it honestly. */
export class NotImplemented extends DatastoreError {
  constructor(message: string) {
    super(message, { status: 501, code: 'ERR_NOT_IMPLEMENTED', type: 'Not Implemented' })
  }
}

/** 503: something this service needs (CKAN, the engine, disk space) is not there just now. */
export class ServiceUnavailable extends DatastoreError {
  constructor(message: string, options: { cause?: unknown; retryAfterSeconds?: number } = {}) {
    super(message, {
      status: 503,
      code: 'ERR_SERVICE_UNAVAILABLE',
      type: 'Service Unavailable',
      headers: options.retryAfterSeconds ? { 'Retry-After': String(options.retryAfterSeconds) } : {},
      cause: options.cause,
    })
  }
}

/** A mistake in the settings: the start stops, with one line per mistake. */
export class ConfigurationError extends Error {
  readonly code = 'ERR_CONFIGURATION'
  readonly mistakes: readonly string[]

  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'))
    this.name = 'ConfigurationError'
    this.mistakes = mistakes
  }
}

/** `{ limit: ['Must be…'] }` → `limit: Must be…` */
function summarize(detail: ErrorDetail): string {
  const [key, value] = Object.entries(detail)[0] ?? ['', 'Validation Error']
  const sentence = firstSentence(value)
  return sentence === undefined ? key : `${key}: ${sentence}`
}

function firstSentence(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!value || typeof value !== 'object') return undefined
  for (const item of Object.values(value)) {
    const sentence = firstSentence(item)
    if (sentence !== undefined) return sentence
  }
  return undefined
}

import { root } from '../branding.ts'
import { parseJson } from './json.ts'
import { isOpen, token, tokenHeaders } from './token.ts'

/** What the server says about a call that failed, in a sentence for people. */
export class ApiError extends Error {
  /** HTTP's status; 0 when no answer came. */
  readonly status: number
  readonly detail: Record<string, unknown>

  constructor(message: string, status: number, detail: Record<string, unknown> = {}) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.detail = detail
  }
}

interface Envelope {
  success?: boolean
  result?: unknown
  error?: Record<string, unknown>
  warnings?: string[]
}

export interface Answered<T> {
  result: T
  warnings: readonly string[]
  headers: Headers
}

/** Calls an action by POST. Throws `ApiError`, or the browser's `AbortError` when it was given up. */
export async function act<T>(action: string, params: object, signal?: AbortSignal): Promise<Answered<T>> {
  const response = await send(`/api/3/action/${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(params),
    ...(signal && { signal }),
  })
  const { result, warnings = [] } = await readEnvelope(response)
  return { result: result as T, warnings, headers: response.headers }
}

/** A request with the caller's token. An answer came, whatever it is. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  if (!/^[\x20-\x7e\x80-\xff]*$/.test(token.value))
    throw new ApiError('The token holds a character that no token has: see “Token” above.', 403)
  try {
    return await fetch(`${root}${path}`, { ...init, headers: { ...tokenHeaders(), ...init.headers } })
  } catch (error) {
    throw lost(error)
  }
}

/** The envelope of an answer, or what it says went wrong. */
export async function readEnvelope(response: Response): Promise<Envelope> {
  let text: string
  try {
    text = await response.text()
  } catch (error) {
    throw lost(error)
  }
  const body = parsed(text)
  if (response.ok && body?.success) return body
  throw refusal(response.status, body ?? text, response.headers.get('x-request-id'))
}

function parsed(text: string): Envelope | undefined {
  try {
    const value = parseJson(text)
    return typeof value === 'object' && value !== null ? (value as Envelope) : { error: { message: value } }
  } catch {
    return undefined
  }
}

function lost(error: unknown): unknown {
  if (error instanceof DOMException && error.name === 'AbortError') return error
  return new ApiError('The server can not be reached, or the connection broke. Nothing was changed here.', 0)
}

/** An answer that is an error, as a sentence. */
export function refusal(status: number, body: Envelope | string, requestId?: string | null): ApiError {
  const error = typeof body === 'string' ? undefined : body.error
  const said = error?.message === undefined ? '' : plain(String(error.message))
  return new ApiError(explain(status, said, requestId), status, error ?? {})
}

const PREFIXES = /^((Access denied|Not found|Bad request|__extras|query|records): )?(\([A-Z][\w ]*\) )?/

function plain(message: string): string {
  return message.replace(PREFIXES, '').replace(/^./, (letter) => letter.toUpperCase())
}

function explain(status: number, said: string, requestId?: string | null): string {
  const sentence = /[.!?]$/.test(said) || said === '' ? said : `${said}.`
  if (status === 403) return `${sentence || 'That is not permitted.'} ${hint()}`.trim()
  if (status === 500) return `The server has a defect. Its log has more under the id ${requestId ?? 'of this request'}.`
  return sentence || `The server answered with status ${status} and no explanation.`
}

function hint(): string {
  if (isOpen) return ''
  return token.value ? 'The token does not permit it.' : 'A token may: see “Token” above.'
}

import { type DatastoreError, NotAuthorized, NotFound, ServiceUnavailable, ValidationError } from '../core/errors.ts'
import { AnswerTooLarge, readAtMost } from './response-body.ts'

/** Who asks, and for how long. */
export interface CkanCall {
  /** The caller's token, passed on as it came in `Authorization`. Without it CKAN is asked as an anonymous. */
  credential?: string
  signal?: AbortSignal
  /** It changes nothing in CKAN: when the connection breaks, it is asked once more. */
  isQuestion?: boolean
}

/** Calls CKAN's actions (`POST {CKAN_URL}/api/3/action/<name>`). */
export interface CkanClient {
  /**
   * @returns The `result` of CKAN's envelope.
   * @throws NotAuthorized, NotFound or ValidationError in CKAN's words; ServiceUnavailable when CKAN is slow, down or
   * answers what an action does not (`UnknownAction`: it has no such action). An abort throws the signal's reason.
   */
  call(action: string, body: Record<string, unknown>, options?: CkanCall): Promise<unknown>
}

/** CKAN does not have an action that this service needs. */
export class UnknownAction extends ServiceUnavailable {
  readonly action: string

  constructor(action: string) {
    super(`CKAN has no action ${action}, which this service needs. Its administrator must enable it.`)
    this.action = action
  }
}

/** CKAN's no without words, or with such as may not be repeated. */
export class WordlessDenial extends NotAuthorized {
  constructor(action: string) {
    super(`CKAN does not allow ${action}`)
  }
}

/** Of one answer. Records of CKAN are far smaller, even a dataset's with all its resources. */
const MOST_BYTES = 16 * 1024 * 1024

export interface CkanClientOptions {
  ckanUrl: string
  httpTimeoutSeconds: number
}

export function createCkanClient({ ckanUrl, httpTimeoutSeconds }: CkanClientOptions): CkanClient {
  const base = `${ckanUrl.replace(/\/+$/, '')}/api/3/action/`

  const post = async (action: string, body: Record<string, unknown>, { credential, signal, isQuestion }: CkanCall) => {
    const timeout = AbortSignal.timeout(httpTimeoutSeconds * 1000)
    const send = async () => {
      const response = await fetch(base + action, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...authorization(credential) },
        body: JSON.stringify(body),
        // A redirect would lose the body, or carry the token to another host.
        redirect: 'manual',
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      })
      return { status: response.status, text: new TextDecoder().decode(await readAtMost(response, MOST_BYTES)) }
    }
    try {
      return await send().catch((cause) => {
        // CKAN may close a connection that was kept open just when it is used. A signal that has ended this one ends both.
        if (isQuestion && !(cause instanceof AnswerTooLarge)) return send()
        throw cause
      })
    } catch (cause) {
      signal?.throwIfAborted()
      if (timeout.aborted) throw unavailable(`did not answer within ${httpTimeoutSeconds} seconds`, cause)
      if (cause instanceof AnswerTooLarge) throw unavailable(`gave an unusable answer: ${cause.message}`, cause)
      throw unavailable('cannot be reached', cause)
    }
  }

  return {
    async call(action, body, options = {}) {
      if (options.credential && !/^[\x20-\x7e\x80-\xff]+$/.test(options.credential))
        throw new NotAuthorized('the API token holds characters that no header can carry')
      const { status, text } = await post(action, body, options)
      const answer = parse(text)
      if (status === 200 && isObject(answer) && answer.success === true) return answer.result
      throw failure(action, status, answer, options.credential)
    },
  }
}

const authorization = (credential?: string): Record<string, string> => (credential ? { Authorization: credential } : {})

function unavailable(what: string, cause?: unknown): ServiceUnavailable {
  return new ServiceUnavailable(`CKAN, which decides who may do what here, ${what}. Try again later.`, {
    cause,
    retryAfterSeconds: 5,
  })
}

/** What an answer that is no success means. A denial needs no envelope: a gateway in front of CKAN may deny too. */
function failure(action: string, status: number, answer: unknown, credential?: string): DatastoreError {
  if (status === 400 && typeof answer === 'string' && answer.includes('Action name not known'))
    return new UnknownAction(action)
  const error = isObject(answer) && isObject(answer.error) ? answer.error : undefined
  const { __type: type, message, ...detail } = echoes(error, credential) ? {} : (error ?? {})
  const words = typeof message === 'string' ? message : ''
  if (status === 401 || status === 403) {
    const said = words.replace(/^Access denied:? ?/, '')
    return said ? new NotAuthorized(said) : new WordlessDenial(action)
  }
  if (status === 404 && error)
    return new NotFound(words.replace(/^Not found:? ?/, '') || `CKAN has nothing that ${action} could be about`)
  if (status === 409 && type === 'Validation Error')
    return new ValidationError(detail, words ? { message: words } : undefined)
  if (status === 0 || (status >= 300 && status < 400))
    return unavailable('answers with a redirect: CKAN_URL must be the address that it redirects to')
  return unavailable(status === 200 ? "gave an answer that is not an action's" : `answered with status ${status}`)
}

/** Whether another system's words hold the caller's token, which no answer of ours may. */
function echoes(error: unknown, credential?: string): boolean {
  if (!error || !credential || credential.length < 8) return false
  return JSON.stringify(error).includes(JSON.stringify(credential).slice(1, -1))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

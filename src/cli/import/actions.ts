import { setTimeout as pause } from 'node:timers/promises'
import { parseJsonNumbers, stringifyJson } from '../../core/json-number.ts'
import { isObject } from '../../infrastructure/ckan-client.ts'
import { Failure } from '../failure.ts'
import { refusal, type Server, Unreachable, unreachable } from '../server.ts'

/** Calls one action and answers its `result`, an object, with every digit of its numbers. */
export type Call = (action: string, params: Record<string, unknown>) => Promise<Record<string, unknown>>

export interface CallOptions {
  /** Nothing is changed: what fails is asked again after a pause, each longer than the one before. */
  isQuestion: boolean
  /** For one answer, from its beginning to its end. */
  timeoutSeconds: number
  /** Is told when something is asked again, and why. */
  say(text: string): void
}

const ATTEMPTS = 5
/** Of those that each take all of their time. */
const SLOW_ATTEMPTS = 2
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 120_000
/** What may be over in a moment. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])
const TOO_MANY_REQUESTS = 429

/**
 * The actions of a server, CKAN or ours.
 *
 * @throws Failure when it refuses, or answers what is no action's answer; `Unreachable` when it does not answer.
 */
export function actionsOf(server: Server, options: CallOptions): Call {
  return async (action, params) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await attemptCall(server, action, params, options)
      if ('result' in outcome) return outcome.result
      if (attempt >= outcome.attempts) throw outcome.failure
      options.say(`${outcome.failure.message} Asking again.`)
      await pause(Math.min(LONGEST_PAUSE_MS, Math.max(outcome.pauseMs ?? 0, FIRST_PAUSE_MS * 2 ** (attempt - 1))))
    }
  }
}

/** A failure comes with how often such a call is made at most. */
type Outcome = { result: Record<string, unknown> } | { failure: Failure; attempts: number; pauseMs?: number }

async function attemptCall(
  server: Server,
  action: string,
  params: Record<string, unknown>,
  { isQuestion, timeoutSeconds }: CallOptions,
): Promise<Outcome> {
  const url = server.url(`/api/3/action/${action}`)
  const signal = AbortSignal.timeout(Math.ceil(timeoutSeconds * 1000))
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...server.headers, 'Content-Type': 'application/json' },
      body: stringifyJson(params),
      redirect: 'error',
      signal,
    })
    const text = await response.text()
    if (response.ok) return readResult(text, `${url.origin} (${action})`)
    const { status } = response
    // Who has asked too often was refused before anything was done.
    const mayRepeat = isQuestion ? PASSING.has(status) : status === TOO_MANY_REQUESTS
    const pauseMs = 1000 * Number(response.headers.get('retry-after')) || 0
    return { failure: refusal(status, text), attempts: mayRepeat ? ATTEMPTS : 1, pauseMs }
  } catch (error) {
    if (!signal.aborted) return { failure: unreachable(url, error), attempts: isQuestion ? ATTEMPTS : 1 }
    const sentence = `No answer from ${url.origin} to ${action} within ${timeoutSeconds} seconds (--timeout).`
    return { failure: new Unreachable(sentence, { cause: error }), attempts: isQuestion ? SLOW_ATTEMPTS : 1 }
  }
}

/** A status 200 alone does not make it an action's answer: pages of proxies come with it, too. */
function readResult(text: string, whose: string): Outcome {
  const body = parse(text)
  if (isObject(body) && body.success === false) return { failure: refusal(200, text), attempts: 1 }
  if (isObject(body) && isObject(body.result)) return { result: body.result }
  const beginning = JSON.stringify(text.slice(0, 80))
  return { failure: new Failure(`The answer of ${whose} is not an action's: ${beginning}`), attempts: 1 }
}

function parse(text: string): unknown {
  try {
    return parseJsonNumbers(text)
  } catch {
    return undefined
  }
}

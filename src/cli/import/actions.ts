import { parseJsonNumbers, stringifyJson } from '../../core/json-number.ts'
import type { Failure } from '../failure.ts'
import { refusal, type Server, unreachable } from '../server.ts'

type Result = Record<string, unknown>

/** Calls one action and answers its `result`, with every digit of its numbers. */
export type Call = (action: string, params: Record<string, unknown>) => Promise<Result>

const ATTEMPTS = 5
const FIRST_PAUSE_MS = 500
/** What may be over in a moment. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * The actions of a server, CKAN or ours.
 *
 * @param isQuestion - Nothing is changed: what fails is asked again after a pause, each longer than the one before.
 */
export function actionsOf(server: Server, { isQuestion }: { isQuestion: boolean }): Call {
  return async (action, params) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await attemptCall(server, action, params)
      if ('result' in outcome) return outcome.result
      if (!isQuestion || !outcome.passing || attempt === ATTEMPTS) throw outcome.failure
      await new Promise((resolve) => {
        setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1))
      })
    }
  }
}

type Outcome = { result: Result } | { failure: Failure; passing: boolean }

async function attemptCall(server: Server, action: string, params: Record<string, unknown>): Promise<Outcome> {
  const url = server.url(`/api/3/action/${action}`)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...server.headers, 'Content-Type': 'application/json' },
      body: stringifyJson(params),
      redirect: 'error',
    })
    const text = await response.text()
    if (!response.ok) return { failure: refusal(response.status, text), passing: PASSING.has(response.status) }
    return { result: (parseJsonNumbers(text) as { result: Result }).result }
  } catch (error) {
    return { failure: unreachable(url, error), passing: true }
  }
}

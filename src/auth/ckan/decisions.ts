import { hexadecimal } from '../../core/bytes.ts'
import { NotAuthorized } from '../../core/errors.ts'
import { unlessAborted } from '../../core/unless-aborted.ts'
import type { Cache } from '../../infrastructure/cache.ts'
import { isObject } from '../../infrastructure/ckan-client.ts'
import type { Decision, Question } from '../provider.ts'
import { readDecision } from './ask.ts'

const LONGEST_DENIAL_SECONDS = 2

/** What is remembered of an answer: a yes, or the words of a no. */
type Outcome = { allowed: Decision } | { denied: string }

/**
 * Puts a memory before `ask`: a yes is remembered for `ttlSeconds`, a no (`NotAuthorized`) for 2 seconds at most, any
 * other failure never. Identical questions that are under way are asked once; a caller who gives up leaves the
 * others their answer. Keys are hashes: no token gets into the cache.
 */
export function rememberDecisions(
  ask: (question: Question) => Promise<Decision>,
  { cache, ttlSeconds }: { cache: Cache; ttlSeconds: number },
): (question: Question) => Promise<Decision> {
  const underWay = new Map<string, Promise<Outcome>>()

  const answer = async (key: string, question: Question): Promise<Outcome> => {
    const known = readOutcome(await cache.get(key), question)
    if (known) return known
    try {
      const allowed = await ask({ ...question, signal: undefined })
      await cache.set(key, { allowed } satisfies Outcome, ttlSeconds)
      return { allowed }
    } catch (error) {
      if (!(error instanceof NotAuthorized)) throw error
      const denied = error.message
      await cache.set(key, { denied } satisfies Outcome, Math.min(ttlSeconds, LONGEST_DENIAL_SECONDS))
      return { denied }
    }
  }

  return async (question) => {
    question.signal?.throwIfAborted()
    const key = await hashOf(question)
    let flight = underWay.get(key)
    if (!flight) {
      flight = answer(key, question).finally(() => underWay.delete(key))
      underWay.set(key, flight)
    }
    const outcome = await unlessAborted(flight, question.signal)
    if ('allowed' in outcome) return outcome.allowed
    throw new NotAuthorized(outcome.denied.replace(/^Access denied: /, ''))
  }
}

/** What a cache gave, if that is an answer to the question: other programs may write to it, too. */
function readOutcome(value: unknown, question: Question): Outcome | undefined {
  if (!isObject(value)) return undefined
  if (typeof value.denied === 'string') return { denied: value.denied }
  const allowed = readDecision(value.allowed, question)
  return allowed && { allowed }
}

async function hashOf({ credential, permission, resourceId, packageId }: Question): Promise<string> {
  const text = JSON.stringify([credential ?? null, permission, resourceId ?? null, packageId ?? null])
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return `auth:${hexadecimal(bytes)}`
}

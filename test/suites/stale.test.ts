import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StaleSchema } from '../../src/infrastructure/engines/engine.ts'
import { whileStale } from '../../src/services/stale.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Work that finds its table changed so many times. */
function staleFor(times: number) {
  let attempts = 0
  return async () => {
    attempts += 1
    if (attempts <= times) throw new StaleSchema('changed')
    return attempts
  }
}

test('work is done again until the table stands still', async () => {
  const outcome = whileStale(staleFor(60))
  await vi.runAllTimersAsync()
  expect(await outcome).toBe(61)
})

test('a table that never stands still: 503, and when to come back', async () => {
  const outcome = expect(whileStale(staleFor(Number.POSITIVE_INFINITY))).rejects.toMatchObject({
    status: 503,
    headers: { 'Retry-After': '1' },
  })
  await vi.runAllTimersAsync()
  await outcome
})

test('any other failure is no reason to try again', async () => {
  let attempts = 0
  const work = async () => {
    attempts += 1
    throw new TypeError('broken')
  }
  await expect(whileStale(work)).rejects.toThrow('broken')
  expect(attempts).toBe(1)
})

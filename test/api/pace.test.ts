import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fromClient, longestMs, Pace } from '../../src/api/pace.ts'

const late = (ms: number) => sleep(ms, 'here')
const never = new Promise<never>(() => {})

test('who sends bit by bit is not waited for longer than in all', async () => {
  const pace = new Pace(500)
  expect(await pace.wait(late(190))).toBe('here')
  expect(await pace.wait(late(190))).toBe('here')
  await expect(pace.wait(late(190))).rejects.toMatchObject({ status: 408 })
})

test('what the client waits for does not count', async () => {
  const pace = new Pace(100)
  for (let turn = 0; turn < 3; turn++) {
    await sleep(60)
    expect(await pace.wait(late(5))).toBe('here')
  }
})

test('who stalls is not waited for', async () => {
  await expect(new Pace().wait(never, 20)).rejects.toMatchObject({ status: 408 })
})

test('who is cut off has sent a bad request', async () => {
  await expect(new Pace().wait(Promise.reject(new Error('reset')))).rejects.toMatchObject({
    status: 400,
    message: 'Bad request: The request ended before its body did',
  })
})

test('a minute is free, and then 256 KiB a second are asked for', () => {
  expect([longestMs(0), longestMs(4 * 1024 * 1024), longestMs(50 * 1024 * 1024)]).toEqual([60_000, 76_000, 260_000])
})

test('a file passes as it is, and who turns away from it ends it', async () => {
  let cancelled: unknown
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array([1, 2])),
    cancel: (reason) => {
      cancelled = reason
    },
  })
  const reader = fromClient(source).getReader()
  expect((await reader.read()).value).toEqual(new Uint8Array([1, 2]))
  await reader.cancel('enough')
  expect(cancelled).toBe('enough')
})

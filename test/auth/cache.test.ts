import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import createProvider from '../../src/auth/ckan/index.ts'
import { createLogger } from '../../src/core/log.ts'
import { type Cache, createCache } from '../../src/infrastructure/cache.ts'
import { startCkan } from '../fixtures/ckan-server.ts'
import { providerContext } from '../fixtures/provider-context.ts'
import { type RedisServer, reasonWithoutRedis, startRedis } from '../fixtures/redis-server.ts'

const lines: string[] = []
const logger = createLogger({ logLevel: 'INFO' }, ({ level, rawMessage, properties }) => {
  lines.push(`${level} ${rawMessage} ${JSON.stringify(properties)}`)
})

const reason = reasonWithoutRedis()
let redis: RedisServer

beforeAll(async () => {
  if (!reason) redis = await startRedis()
})
afterAll(() => redis?.close())

const drivers = [
  { name: 'memory', skip: undefined, redisUrl: () => undefined },
  { name: 'Redis', skip: reason, redisUrl: () => redis.url },
]

describe.each(drivers)('in $name', ({ name, skip, redisUrl }) => {
  let cache: Cache
  afterEach(() => cache?.close())

  test('a value is there until its time is up', async ({ skip: skipTest }) => {
    if (skip) skipTest(skip)
    cache = await createCache({ redisUrl: redisUrl() }, logger)
    const decision = { allowed: { resource: { id: 'trees', size: 1.5, tags: ['ä', null] } } }
    await cache.set(`${name}:short`, decision, 0.3)
    await cache.set(`${name}:long`, decision, 30)
    await cache.set(`${name}:never`, decision, 0)
    expect(await cache.get(`${name}:short`)).toEqual(decision)
    await sleep(400)
    expect(await cache.get(`${name}:short`)).toBeUndefined()
    expect(await cache.get(`${name}:long`)).toEqual(decision)
    expect(await cache.get(`${name}:never`)).toBeUndefined()
  })

  test('what is taken out can be changed without changing what is in', async ({ skip: skipTest }) => {
    if (skip) skipTest(skip)
    cache = await createCache({ redisUrl: redisUrl() }, logger)
    await cache.set(`${name}:value`, { list: [1] }, 30)
    ;(await cache.get<{ list: number[] }>(`${name}:value`))?.list.push(2)
    expect(await cache.get(`${name}:value`)).toEqual({ list: [1] })
  })

  test('a permission that CKAN takes back is gone when its time is up', async ({ skip: skipTest }) => {
    if (skip) skipTest(skip)
    const ckan = await startCkan()
    ckan.addUser('token-of-the-editor-4711', { name: 'erna', editor: true })
    ckan.addResource('salaries', { private: true })
    const shared = redisUrl()
    const env = { CKAN_URL: ckan.url, AUTH_CACHE_TTL: '0.4', ...(shared && { REDIS_URL: shared }) }
    const context = await providerContext(env)
    cache = context.cache
    const provider = createProvider(context)
    const question = { permission: 'read', resourceId: 'salaries', credential: 'token-of-the-editor-4711' } as const
    try {
      await provider.authorize(question)
      ckan.revoke(question.credential)
      await provider.authorize(question)
      expect(ckan.calls).toHaveLength(1)
      if (shared) expect(redis.dump()).toMatch(/ckan-datastore:auth:[0-9a-f]{64} .*salaries/)
      if (shared) expect(redis.dump()).not.toContain(question.credential)
      await sleep(500)
      await expect(provider.authorize(question)).rejects.toMatchObject({ status: 403 })
    } finally {
      await ckan.close()
    }
  })
})

test('memory is bounded', async () => {
  const cache = await createCache({}, logger)
  const megabyte = 'x'.repeat(1_000_000)
  for (let key = 0; key < 100; key++) await cache.set(`big:${key}`, megabyte, 60)
  expect(await cache.get('big:0')).toBeUndefined()
  expect(await cache.get('big:99')).toBe(megabyte)
  await cache.close()
})

describe('Redis that is down', () => {
  test('is done without, quickly, with one log line, and used again when it is back', async ({ skip }) => {
    if (reason) skip(reason)
    const own = await startRedis()
    const cache = await createCache({ redisUrl: own.url }, logger)
    try {
      await cache.set('kept', { yes: true }, 30)
      expect(await cache.get('kept')).toEqual({ yes: true })
      await own.down()
      lines.length = 0

      const start = performance.now()
      for (let attempt = 0; attempt < 50; attempt++) {
        await cache.set('lost', {}, 30)
        expect(await cache.get('kept')).toBeUndefined()
      }
      expect(performance.now() - start).toBeLessThan(2000)
      expect(lines).toEqual([expect.stringMatching(/^error The cache \(REDIS_URL\) does not answer/)])

      await own.up()
      await expect.poll(() => roundTrip(cache), { timeout: 10_000 }).toEqual({ again: true })
      expect(lines.slice(1)).toEqual([expect.stringMatching(/^info The cache \(REDIS_URL\) answers again/)])
    } finally {
      await cache.close()
      await own.close()
    }
  })

  test('and does not even say so costs half a second once', async ({ skip }) => {
    if (reason) skip(reason)
    const own = await startRedis()
    const cache = await createCache({ redisUrl: own.url }, logger)
    try {
      expect(await roundTrip(cache)).toEqual({ again: true })
      own.freeze()
      const start = performance.now()
      for (let attempt = 0; attempt < 10; attempt++) expect(await cache.get('back')).toBeUndefined()
      expect(performance.now() - start).toBeLessThan(900)
    } finally {
      await cache.close()
      await own.close()
    }
  })

  test('from the start stops nothing: CKAN is asked each time', async () => {
    const ckan = await startCkan()
    ckan.addResource('trees')
    const context = await providerContext({ CKAN_URL: ckan.url, REDIS_URL: 'redis://:hidden-word@127.0.0.1:1' })
    const provider = createProvider(context)
    try {
      for (let attempt = 0; attempt < 3; attempt++)
        await provider.authorize({ permission: 'read', resourceId: 'trees' })
      expect(ckan.calls).toHaveLength(3)
      expect(context.lines).toEqual([
        expect.stringMatching(/^error The cache \(REDIS_URL\) does not answer.*ECONNREFUSED/),
      ])
      expect(context.lines[0]).not.toContain('hidden-word')
    } finally {
      await context.cache.close()
      await ckan.close()
    }
  })
})

async function roundTrip(cache: Cache): Promise<unknown> {
  await cache.set('back', { again: true }, 30)
  return cache.get('back')
}

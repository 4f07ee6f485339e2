import { createStorage, type Driver } from 'unstorage'
import { ConfigurationError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { reportOutage } from './outage.ts'

/**
 * Remembers JSON values for a while. It is a help, never a need: when what is behind it fails, `get` finds nothing
 * and `set` does nothing, and nobody waits.
 */
export interface Cache {
  /** The value, or undefined when there is none, or its time is up. */
  get<T>(key: string): Promise<T | undefined>
  /** Stores a JSON value for `ttlSeconds` (fractions are fine); 0 stores nothing. */
  set(key: string, value: unknown, ttlSeconds: number): Promise<void>
  close(): Promise<void>
}

/** How long Redis is left alone after it has failed. */
const PAUSE_MS = 1000
const REDIS_PATIENCE_MS = 500
const MEMORY_LIMITS = { max: 10_000, maxSize: 64 * 1024 * 1024 }

/**
 * The cache in this process's memory (bounded), or in Redis when `redisUrl` is set.
 *
 * @throws ConfigurationError when `redisUrl` is set and the package `ioredis` is not installed. A Redis that is down
 * stops nothing.
 */
export async function createCache(
  { redisUrl }: { redisUrl?: string },
  logger: Pick<Logger, 'info' | 'error'>,
): Promise<Cache> {
  const { driver, ready } = redisUrl ? await redisDriver(redisUrl) : await memoryDriver()
  const storage = createStorage({ driver })
  const outage = reportOutage(logger)
  let pausedUntil = 0

  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (Date.now() < pausedUntil) return undefined
    try {
      await ready()
      const result = await work()
      outage.end('The cache (REDIS_URL) answers again.')
      return result
    } catch (error) {
      pausedUntil = Date.now() + PAUSE_MS
      const reason = error instanceof Error ? error.message : 'unknown'
      outage.begin('The cache (REDIS_URL) does not answer. Nothing is remembered until it does.', { reason })
      return undefined
    }
  }

  return {
    get: async <T>(key: string) => (await attempt(() => storage.getItem<T & object>(key))) ?? undefined,
    async set(key, value, ttlSeconds) {
      if (ttlSeconds > 0) await attempt(() => storage.setItem(key, JSON.stringify(value), { ttl: ttlSeconds }))
    },
    close: () => storage.dispose(),
  }
}

interface ReadyDriver {
  driver: Driver
  ready(): Promise<void>
}

async function memoryDriver(): Promise<ReadyDriver> {
  const { default: lruCache } = await import('unstorage/drivers/lru-cache')
  const lru = lruCache(MEMORY_LIMITS)
  const items = lru.getInstance?.()
  // The driver's own setItem has no time to live per item.
  const setItem: Driver['setItem'] = (key, value, { ttl }) => void items?.set(key, value, { ttl: ttl * 1000 })
  return { driver: { ...lru, setItem }, ready: async () => {} }
}

async function redisDriver(url: string): Promise<ReadyDriver> {
  const { default: redis } = await import('unstorage/drivers/redis').catch((cause) => {
    throw new ConfigurationError([`REDIS_URL needs the package ioredis (npm install ioredis): ${cause.message}`])
  })
  const options = {
    url,
    keyPrefix: 'ckan-datastore:',
    lazyConnect: true,
    // A command that can't be sent fails at once: the caller does without. Connecting again goes on behind the scenes.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: REDIS_PATIENCE_MS,
    commandTimeout: REDIS_PATIENCE_MS,
  }
  const driver = redis(options)
  const client = driver.getInstance?.()
  let failure = new Error('no connection')
  client?.on('error', (error: Error) => {
    failure = error
  })
  // Whole seconds are all the driver's own setItem knows.
  const setItem: Driver['setItem'] = async (key, value, { ttl }) => {
    await client?.set(key, value, 'PX', Math.ceil(ttl * 1000))
  }
  let first: Promise<unknown> | undefined
  const ready = async () => {
    first ??= client?.connect().catch(() => {})
    await first
    if (client?.status !== 'ready') throw failure
  }
  return { driver: { ...driver, setItem }, ready }
}

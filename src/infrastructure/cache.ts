import type { Redis } from 'ioredis'
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

/** Bytes that several processes share, with the same promise. */
export interface SharedBytes {
  /** The bytes, or undefined when there are none, or more than `atMost`. */
  get(key: string, atMost: number): Promise<Uint8Array | undefined>
  set(key: string, bytes: Uint8Array, ttlSeconds: number): Promise<void>
  remove(key: string): Promise<void>
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
): Promise<Cache & { shared?: SharedBytes }> {
  const { driver, ready, client } = redisUrl ? await redisDriver(redisUrl) : await memoryDriver()
  const storage = createStorage({ driver })
  const outage = reportOutage(logger)
  let pausedUntil = 0

  const attempt: Attempt = async (work) => {
    if (Date.now() < pausedUntil) return undefined
    try {
      await ready()
      const result = await work()
      outage.end('The cache (REDIS_URL) answers again.')
      return result
    } catch (error) {
      // Somebody else's list or hash under a key of ours is no outage.
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return undefined
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
    ...(client && { shared: sharedBytes(client, attempt) }),
  }
}

type Attempt = <T>(work: () => Promise<T>) => Promise<T | undefined>
type BytesClient = Pick<Redis, 'getrangeBuffer' | 'set' | 'unlink'>

function sharedBytes(client: BytesClient, attempt: Attempt): SharedBytes {
  return {
    async get(key, atMost) {
      const bytes = await attempt(() => client.getrangeBuffer(key, 0, atMost))
      return bytes && bytes.length > 0 && bytes.length <= atMost ? bytes : undefined
    },
    async set(key, bytes, ttlSeconds) {
      // Any other array of bytes would be stored as a text of its numbers.
      const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      await attempt(() => client.set(key, value, 'PX', ttlSeconds * 1000))
    },
    async remove(key) {
      await attempt(() => client.unlink(key))
    },
  }
}

interface ReadyDriver {
  driver: Driver
  ready(): Promise<void>
  client?: BytesClient
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
  return { driver: { ...driver, setItem }, ready, client }
}

import { ConfigurationError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { reportOutage } from './outage.ts'

/** What is left of a budget after a request was counted. */
export interface Budget {
  limit: number
  remaining: number
  /** Seconds until all of it is there again, rounded up. */
  resetSeconds: number
  /** The budget's time, in seconds. */
  windowSeconds: number
  /** This request was more than it has. */
  exceeded: boolean
}

export interface RateLimits {
  /** Counts one request of somebody. */
  consume(key: string, limit: number): Promise<Budget>
  close(): Promise<void>
}

const REDIS_PATIENCE_MS = 500

/** Counts requests in fixed windows: in this process, or in Redis for several. A Redis that is down stops nobody. */
export async function createRateLimits(
  { rateLimitSeconds: duration, redisUrl }: { rateLimitSeconds: number; redisUrl?: string },
  logger: Pick<Logger, 'info' | 'error'>,
): Promise<RateLimits> {
  const { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } = await import('rate-limiter-flexible')
  // The points are checked here: callers have different limits.
  const points = Number.MAX_SAFE_INTEGER
  const memory = new RateLimiterMemory({ points, duration, keyPrefix: 'rate' })
  const client = redisUrl === undefined ? undefined : await connect(redisUrl, logger)
  const limiter = client
    ? new RateLimiterRedis({
        storeClient: client,
        points,
        duration,
        keyPrefix: 'ckan-datastore:rate',
        insuranceLimiter: memory,
      })
    : memory
  return {
    async consume(key, limit) {
      const used = await limiter.consume(key).catch((reason: unknown) => {
        if (reason instanceof RateLimiterRes) return reason
        throw reason
      })
      const resetSeconds = Math.max(1, Math.ceil(used.msBeforeNext / 1000))
      const remaining = Math.max(0, limit - used.consumedPoints)
      return { limit, remaining, resetSeconds, windowSeconds: duration, exceeded: used.consumedPoints > limit }
    },
    close: async () => client?.disconnect(),
  }
}

async function connect(url: string, logger: Pick<Logger, 'info' | 'error'>) {
  const { Redis } = await import('ioredis').catch((cause) => {
    throw new ConfigurationError([`REDIS_URL needs the package ioredis (npm install ioredis): ${cause.message}`])
  })
  const client = new Redis(url, {
    // What can't be sent fails at once: this process then counts by itself.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: REDIS_PATIENCE_MS,
    commandTimeout: REDIS_PATIENCE_MS,
  })
  const outage = reportOutage(logger)
  client.on('error', ({ message }: Error) =>
    outage.begin('Budgets are counted by each process: Redis (REDIS_URL) does not answer.', { reason: message }),
  )
  client.on('ready', () => outage.end('Redis (REDIS_URL) answers again.'))
  return client
}

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'
import { type RedisServer, reasonWithoutRedis, startRedis } from '../fixtures/redis-server.ts'

const SEARCH = 'GET /api/3/action/datastore_search?resource_id=trees'
const auth = spyingProvider(({ credential }) => {
  if (credential?.startsWith('made-up')) throw new NotAuthorized('no such token')
  return credential ? { identity: { id: credential } } : {}
}).provider

const limited = (env: Record<string, string>) => testDatastore({ env: { RATE_LIMIT_SECONDS: '60', ...env }, auth })

describe('budgets', () => {
  test('none unless set', async () => {
    const { ask } = await testDatastore({ auth })
    expect((await ask(SEARCH)).headers.get('ratelimit')).toBeNull()
  })

  test('an address has so many requests, and is told what is left', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '2' })
    const from = (address: string) => ask(SEARCH, { caller: { address } })
    const first = await from('192.0.2.1')
    expect(first.headers.get('ratelimit-policy')).toBe('"address";q=2;w=60')
    expect(first.headers.get('ratelimit')).toBe('"address";r=1;t=60')
    expect((await from('192.0.2.1')).status).toBe(200)
    const refused = await from('192.0.2.1')
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.headers.get('ratelimit')).toMatch(/^"address";r=0;t=\d+$/)
    expect(await refused.json()).toMatchObject({ success: false, error: { __type: 'Too Many Requests' } })
    expect((await from('192.0.2.2')).status).toBe(200)
  })

  test('it comes back with time', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_SECONDS: '1' })
    expect((await ask(SEARCH)).status).toBe(200)
    expect((await ask(SEARCH)).status).toBe(429)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect((await ask(SEARCH)).status).toBe(200)
  })

  test('a network of IPv6 is one address; IPv4 in IPv6 is itself', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '1' })
    const statusFrom = async (address: string) => (await ask(SEARCH, { caller: { address } })).status
    expect(await statusFrom('2001:db8::1')).toBe(200)
    expect(await statusFrom('2001:db8::2')).toBe(429)
    expect(await statusFrom('2001:db8:0:1::1')).toBe(200)
    expect(await statusFrom('192.0.2.9')).toBe(200)
    expect(await statusFrom('::ffff:192.0.2.9')).toBe(429)
  })

  test('the address is the one that believed proxies tell, and no other', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '1', TRUST_PROXY: '1' })
    const statusFor = async (header: string) =>
      (await ask(SEARCH, { caller: { address: '10.0.0.1' }, headers: { 'X-Forwarded-For': header } })).status
    expect(await statusFor('192.0.2.1')).toBe(200)
    expect(await statusFor('192.0.2.2')).toBe(200)
    // What a client writes itself stands before what the proxy adds.
    expect(await statusFor('203.0.113.7, 192.0.2.2')).toBe(429)
  })

  test('a caller whom the provider knows has a budget of their own, wherever they are', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '3', RATE_LIMIT_ANONYMOUS_REQUESTS: '1' })
    const statusOf = async (address: string, token?: string) =>
      (await ask(SEARCH, { caller: { address }, ...(token && { headers: { Authorization: token } }) })).status
    // The first is charged to the address: the token is not known yet.
    expect(await statusOf('192.0.2.1', 'anna')).toBe(200)
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) expect(await statusOf(address, 'anna')).toBe(200)
    expect(await statusOf('192.0.2.4', 'anna')).toBe(429)
    expect(await statusOf('192.0.2.1')).toBe(429)
  })

  test('tokens that are made up buy nothing', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '2' })
    const statuses: number[] = []
    for (let time = 0; time < 4; time += 1) {
      const headers = { Authorization: `made-up-${time}` }
      statuses.push((await ask(SEARCH, { caller: { address: '192.0.2.1' }, headers })).status)
    }
    expect(statuses).toEqual([403, 403, 429, 429])
  })

  test('health, readiness and metrics are free', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '1', METRICS_ENABLED: 'true' })
    for (const path of ['/health', '/ready', '/metrics', '/health']) expect((await ask(`GET ${path}`)).status).toBe(200)
  })
})

const reason = reasonWithoutRedis()
describe.skipIf(reason !== undefined)(`budgets in Redis${reason ? ` (${reason})` : ''}`, () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis?.close())

  test('are shared; without Redis each process counts by itself, and nobody is refused for that', async () => {
    const env = { RATE_LIMIT_REQUESTS: '2', REDIS_URL: redis.url }
    const [one, other] = [await limited(env), await limited(env)]
    await new Promise((resolve) => setTimeout(resolve, 300))
    const from = { caller: { address: '192.0.2.1' } }
    expect((await one.ask(SEARCH, from)).status).toBe(200)
    expect((await other.ask(SEARCH, from)).headers.get('ratelimit')).toMatch(/r=0/)
    expect((await one.ask(SEARCH, from)).status).toBe(429)
    await redis.down()
    expect((await one.ask(SEARCH, from)).status).toBe(200)
    await vi.waitFor(() =>
      expect(one.log.some(({ rawMessage }) => String(rawMessage).startsWith('Budgets are counted by each'))).toBe(true),
    )
  })
})

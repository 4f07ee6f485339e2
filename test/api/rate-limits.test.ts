import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CredentialRefused } from '../../src/auth/denial.ts'
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

  test('a port or brackets make no other address; where a proxy writes none, its own counts', async () => {
    const { ask } = await limited({ RATE_LIMIT_REQUESTS: '1', TRUST_PROXY: '10.0.0.0/8' })
    const statusFor = async (header: string) =>
      (await ask(SEARCH, { caller: { address: '10.0.0.1' }, headers: { 'X-Forwarded-For': header } })).status
    const asked: [string, number][] = [
      ['192.0.2.1:5555', 200],
      ['192.0.2.1:6666', 429],
      ['192.0.2.1', 429],
      ['192.0.2.2:5555', 200],
      ['[2001:db8::1]:443', 200],
      ['[2001:db8::2]', 429],
      ['192.0.2.3, 10.0.0.2:80', 200],
      ['192.0.2.4, 10.0.0.2:80', 200],
      ['unknown', 200],
      ['_hidden', 429],
      ['192.0.2.9, <script>', 429],
    ]
    const statuses: [string, number][] = []
    for (const [header] of asked) statuses.push([header, await statusFor(header)])
    expect(statuses).toEqual(asked)
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

  test('two tokens of one caller share a budget; a caller whom the host names shares it, too', async () => {
    const auth = spyingProvider(({ credential }) =>
      credential ? { identity: { id: credential.split('.')[0] } } : {},
    ).provider
    const env = { RATE_LIMIT_SECONDS: '60', RATE_LIMIT_REQUESTS: '3', RATE_LIMIT_ANONYMOUS_REQUESTS: '9' }
    const { ask } = await testDatastore({ env, auth })
    const left = async (token: string) =>
      (await ask(SEARCH, { headers: { Authorization: token } })).headers.get('ratelimit')?.replace(/;t=.*/, '')
    // The first of each token is charged to the address: it is not known yet.
    expect([await left('anna.1'), await left('anna.2'), await left('bert.1')]).toEqual([
      '"address";r=8',
      '"address";r=7',
      '"address";r=6',
    ])
    expect([await left('anna.1'), await left('anna.2'), await left('bert.1')]).toEqual([
      '"caller";r=2',
      '"caller";r=1',
      '"caller";r=2',
    ])
    const named = { caller: { identity: { id: 'anna' } } }
    expect((await ask(SEARCH, named)).headers.get('ratelimit')).toMatch(/^"caller";r=0/)
    expect((await ask(SEARCH, { headers: { Authorization: 'anna.1' } })).status).toBe(429)
  })

  test('a token that the provider no longer takes is nobody again, and spends nothing of its owner', async () => {
    let refused = false
    const auth = spyingProvider(({ credential }) => {
      if (refused && credential === 'anna.old') throw new CredentialRefused('it has expired')
      return credential ? { identity: { id: 'anna' } } : {}
    }).provider
    const { ask } = await testDatastore({ env: { RATE_LIMIT_SECONDS: '60', RATE_LIMIT_REQUESTS: '9' }, auth })
    const left = async (token: string) =>
      (await ask(SEARCH, { headers: { Authorization: token } })).headers.get('ratelimit')?.replace(/;t=.*/, '')
    for (const token of ['anna.old', 'anna.new']) await left(token)
    refused = true
    expect(await left('anna.old')).toBe('"caller";r=8')
    expect(await left('anna.old')).toMatch(/^"address"/)
    expect(await left('anna.new')).toBe('"caller";r=7')
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
    let host = 0
    await vi.waitFor(async () => {
      host += 1
      const probe = { caller: { address: `198.51.100.${host}` } }
      await one.ask(SEARCH, probe)
      expect((await other.ask(SEARCH, probe)).headers.get('ratelimit')).toMatch(/r=0/)
    }, 20_000)
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

import { describe, expect, test } from 'vitest'
import type { UsageEvent } from '../../src/index.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'

const auth = spyingProvider(({ resourceId }) => ({
  identity: { id: 'u1', name: 'anna', email: 'anna@example.org' },
  resource: { id: resourceId ?? '', package_id: 'd1' },
  package: { id: 'd1', owner_org: 'o1', title: 'Private title' },
})).provider

async function events(env: Record<string, string>, lines: string[], address = '192.0.2.77'): Promise<UsageEvent[]> {
  const seen: UsageEvent[] = []
  const { ask } = await testDatastore({ env, auth, onUsage: (event) => seen.push(event) })
  const headers = { 'User-Agent': 'test', Authorization: 'secret-token' }
  for (const line of lines) await (await ask(line, { headers, caller: { address } })).text()
  return seen
}

const SEARCH = 'GET /api/3/action/datastore_search?resource_id=trees&q=oak'

describe('usage events', () => {
  test('none unless ANALYTICS_ENABLED', async () => expect(await events({}, [SEARCH])).toEqual([]))

  test('one per request for data: who, what, and of whom, and nothing else', async () => {
    const [event, ...others] = await events({ ANALYTICS_ENABLED: 'true' }, [SEARCH, 'GET /health', 'GET /nothing'])
    expect(others).toEqual([])
    expect(event).toEqual({
      event: 'datastore_usage',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      request_id: expect.any(String),
      action: 'datastore_search',
      status: 200,
      duration_ms: expect.any(Number),
      bytes: expect.any(Number),
      rows: expect.any(Number),
      user: { id: 'u1', name: 'anna' },
      resources: [{ resource: 'trees', dataset: 'd1', organization: 'o1' }],
      address: '192.0.2.0',
      user_agent: 'test',
    })
  })

  test('also of what was refused', async () => {
    const [event] = await events({ ANALYTICS_ENABLED: 'true' }, [
      'GET /api/3/action/datastore_search?resource_id=films',
    ])
    expect(event).toMatchObject({ status: 404, resources: [] })
  })

  const addresses: [string, string, string | undefined][] = [
    ['full', '192.0.2.77', '192.0.2.77'],
    ['truncated', '2001:db8:1:2::3', '2001:db8:1:0:0:0:0:0'],
    ['truncated', '::ffff:192.0.2.77', '192.0.2.0'],
    ['none', '192.0.2.77', undefined],
  ]
  for (const [ANALYTICS_IP, given, shown] of addresses) {
    test(`ANALYTICS_IP=${ANALYTICS_IP}: ${given} is ${shown}`, async () => {
      const [event] = await events({ ANALYTICS_ENABLED: 'true', ANALYTICS_IP }, [SEARCH], given)
      expect(event?.address).toBe(shown)
    })
  }

  const forwarded: [string, string, string | undefined][] = [
    ['full', '192.0.2.77:5555', '192.0.2.77'],
    ['truncated', '192.0.2.77:5555', '192.0.2.0'],
    ['full', '[2001:db8:1:2::3]:443', '2001:db8:1:2::3'],
    ['truncated', '[2001:db8:1:2::3]', '2001:db8:1:0:0:0:0:0'],
    ['full', 'unknown', '10.0.0.1'],
    ['none', '192.0.2.77:5555', undefined],
  ]
  for (const [ANALYTICS_IP, header, shown] of forwarded) {
    test(`ANALYTICS_IP=${ANALYTICS_IP}: a proxy says ${header}, which is ${shown}`, async () => {
      const seen: UsageEvent[] = []
      const env = { ANALYTICS_ENABLED: 'true', ANALYTICS_IP, TRUST_PROXY: '1' }
      const { ask } = await testDatastore({ env, auth, onUsage: (event) => seen.push(event) })
      await (await ask(SEARCH, { headers: { 'X-Forwarded-For': header }, caller: { address: '10.0.0.1' } })).text()
      expect(seen[0]?.address).toBe(shown)
    })
  }

  test('no address where the host tells none that is one', async () => {
    const [event] = await events({ ANALYTICS_ENABLED: 'true' }, [SEARCH], 'a socket')
    expect(event).not.toHaveProperty('address')
  })

  test('what was asked for only with ANALYTICS_QUERIES; records and tokens never', async () => {
    const upsert =
      'POST /api/3/action/datastore_upsert {"resource_id": "trees", "method": "insert", "records": [{"species": "yew"}]}'
    const env = { ANALYTICS_ENABLED: 'true', ANALYTICS_QUERIES: 'true' }
    const [search, write] = await events(env, [SEARCH, upsert])
    expect(search?.query).toMatchObject({ q: 'oak' })
    expect(write?.query).toEqual({ method: 'insert' })
    expect(JSON.stringify([search, write])).not.toMatch(/yew|secret-token|Private title|example\.org/)
  })
})

import { describe, expect, test } from 'vitest'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, testDatastore } from '../fixtures/datastore.ts'

const env = { METRICS_ENABLED: 'true' }
const SEARCH = 'GET /api/3/action/datastore_search?resource_id=trees'

/** `name{labels}` → value. */
async function read({ ask }: Awaited<ReturnType<typeof testDatastore>>): Promise<Map<string, number>> {
  const response = await ask('GET /metrics')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

describe('/metrics', () => {
  test('is not there unless METRICS_ENABLED', async () => {
    const { ask } = await testDatastore()
    expect((await ask('GET /metrics')).status).toBe(404)
  })

  test('counts requests, rows, bytes and cache look-ups', async () => {
    const datastore = await testDatastore({ env })
    const sizes: number[] = []
    for (let time = 0; time < 3; time += 1) sizes.push((await (await datastore.ask(SEARCH)).arrayBuffer()).byteLength)
    await (await datastore.ask('GET /api/3/action/datastore_search?resource_id=films')).text()
    const counts = await read(datastore)
    const search = 'action="datastore_search"'
    expect(counts.get(`ckan_datastore_requests_total{${search},method="GET",status="200"}`)).toBe(3)
    expect(counts.get(`ckan_datastore_requests_total{${search},method="GET",status="404"}`)).toBe(1)
    expect(counts.get(`ckan_datastore_request_duration_seconds_count{${search}}`)).toBe(4)
    expect(counts.get(`ckan_datastore_response_bytes_total{${search}}`)).toBeGreaterThan(sizes[0] as number)
    expect(counts.get('ckan_datastore_cache_requests_total{cache="answers",outcome="miss"}')).toBe(1)
    expect(counts.get('ckan_datastore_cache_requests_total{cache="answers",outcome="hit"}')).toBe(2)
    expect(counts.has('process_cpu_seconds_total')).toBe(true)
  })

  test("says how busy the engine is, by the engine's own kinds", async () => {
    const activity = () => ({ running: { reads: 2 }, waiting: { reads: 7 }, connections: { busy: 2, idle: 1 } })
    const counts = await read(await testDatastore({ env, engine: { activity } }))
    expect(counts.get('ckan_datastore_engine_running{kind="reads"}')).toBe(2)
    expect(counts.get('ckan_datastore_engine_waiting{kind="reads"}')).toBe(7)
    expect(counts.get('ckan_datastore_engine_connections{state="idle"}')).toBe(1)
  })

  test('has no name that anybody has given: not of tables, actions, methods or tokens', async () => {
    const { provider } = spyingProvider(({ resourceId }) => {
      if (resourceId === 'trees') throw new NotAuthorized('private')
      return {}
    })
    const { ask } = await testDatastore({ env, auth: provider })
    const lines = [
      SEARCH,
      'GET /datastore/dump/trees',
      'GET /api/3/action/secret_action',
      'GET /trees/secret',
      'POST /api/3/action/datastore_search_sql {"sql": "SELECT * FROM trees"}',
    ]
    for (const line of lines) await (await ask(line, { headers: { Authorization: 'secret-token' } })).text()
    await ask('PURGE /health')
    const text = await (await ask('GET /metrics')).text()
    expect(text).toContain('method="other"')
    expect(text).not.toMatch(/trees|secret|PURGE/)
  })

  test('two datastores of a process count apart', async () => {
    const [one, other] = [await testDatastore({ env }), await testDatastore({ env })]
    await one.ask('GET /health')
    const label = 'ckan_datastore_requests_total{action="health",method="GET",status="200"}'
    expect([(await read(one)).get(label), (await read(other)).get(label)]).toEqual([1, undefined])
  })
})

import { describe, expect, test } from 'vitest'
import { testDatastore } from '../fixtures/datastore.ts'
import { streamOf } from '../fixtures/fake-engine.ts'

const SEARCH = 'GET /api/3/action/datastore_search?id=forest&q=secret-word'

describe('request ids', () => {
  const ids: [string, boolean][] = [
    ['r-1', true],
    ['0af7651916cd43dd8448eb211c80319c:1/2', true],
    ['with blank', false],
    ['x'.repeat(129), false],
    ['{"a":1}', false],
  ]
  for (const [id, isKept] of ids) {
    test(`${id.slice(0, 40)}: ${isKept ? 'kept' : 'replaced'}`, async () => {
      const { ask, log } = await testDatastore()
      const sent = (await ask(SEARCH, { headers: { 'X-Request-Id': id } })).headers.get('x-request-id')
      expect(sent === id).toBe(isKept)
      expect(sent).toMatch(/^[\w:/-]+$/)
      expect(log.at(-1)?.properties.requestId).toBe(sent)
    })
  }
})

describe('one line per request', () => {
  test('of what this server does not do: no failure', async () => {
    const { ask, log } = await testDatastore()
    expect((await ask('POST /api/3/action/datastore_run_triggers {}')).status).toBe(501)
    expect(log.map(({ level }) => level)).toEqual(['info'])
  })

  test('of a failure', async () => {
    const failing = { search: () => Promise.reject(new Error('disk')) }
    const { ask, log } = await testDatastore({ engine: failing })
    await ask(SEARCH)
    expect(log.map(({ level }) => level)).toEqual(['error', 'error'])
  })

  test('of an answer in one piece', async () => {
    const { ask, log } = await testDatastore()
    const bytes = (await (await ask(SEARCH, { headers: { Authorization: 'secret-token' } })).arrayBuffer()).byteLength
    expect(log).toHaveLength(1)
    expect(log[0]).toMatchObject({ level: 'info' })
    expect(log[0]?.properties).toEqual({
      requestId: expect.any(String),
      method: 'GET',
      route: '/api/3/action/datastore_search',
      action: 'datastore_search',
      resource: 'trees',
      status: 200,
      ms: expect.any(Number),
      bytes,
      rows: 3,
    })
    expect(JSON.stringify(log)).not.toMatch(/secret/)
  })

  test('of a stream, at its end', async () => {
    const dump = async () => ({ kind: 'stream', stream: streamOf(['a\n', 'b\n']) }) as const
    const { ask, log } = await testDatastore({ engine: { dump } })
    const response = await ask('GET /datastore/dump/trees?format=ndjson')
    expect(log).toEqual([])
    await response.text()
    expect(log).toHaveLength(1)
    expect(log[0]?.properties).toMatchObject({ route: '/datastore/dump/:resource_id', status: 200, bytes: 4 })
  })

  test('of a client that hung up', async () => {
    const dump = async () => ({ kind: 'stream', stream: streamOf(['a\n', 'b\n', 'c\n']) }) as const
    const { ask, log } = await testDatastore({ engine: { dump } })
    const reader = (await ask('GET /datastore/dump/trees?format=ndjson')).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    expect(log).toHaveLength(1)
    expect(log[0]?.properties).toMatchObject({ bytes: 2, cut: 'aborted' })
  })

  test('of an error and of a path that nobody knows', async () => {
    const { ask, log } = await testDatastore()
    await ask('GET /api/3/action/datastore_search?id=nothing')
    await ask('GET /nothing')
    expect(log.map(({ properties: { action, status } }) => [action, status])).toEqual([
      ['datastore_search', 404],
      [undefined, 404],
    ])
  })
})

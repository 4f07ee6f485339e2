import { describe, expect, test } from 'vitest'
import { testDatastore } from '../fixtures/datastore.ts'
import { expectBadRequest, expectError } from '../fixtures/envelope.ts'
import { fakeTable } from '../fixtures/fake-engine.ts'

const SEARCH = '/api/3/action/datastore_search?id=trees'

/** Contract §1.1, §9.10: what answers what. */
const answers: [string, unknown][] = [
  ['GET /', { success: true, result: { message: 'Datastore API' } }],
  ['GET /health', { success: true, result: { status: 'ok' } }],
  ['GET /api/3/action/health', { success: true, result: { status: 'ok' } }],
  ['GET /ready', { success: true, result: { status: 'ready' } }],
  ['GET /api/3/action/ready', { success: true, result: { status: 'ready' } }],
  ['GET /api', { version: 1 }],
  ['GET /api/', { version: 1 }],
  ['GET /api/1', { version: 1 }],
  ['GET /api/2', { version: 2 }],
  ['GET /api/3', { version: 3 }],
  ['GET /api/3/action/datastore_search?id=trees', { success: true, result: { total: 3 } }],
  ['GET /api/action/datastore_search?id=trees', { success: true, result: { total: 3 } }],
  [
    'POST /api/action/help_show {"name": "datastore_info"}',
    { result: expect.stringMatching(/^Describes a table[\s\S]*- resource_id \(required\): /) },
  ],
]

describe('§1.1 paths', () => {
  for (const [line, body] of answers) {
    test(line, async () => {
      const { ask } = await testDatastore()
      const response = await ask(line)
      expect([response.status, await response.json()]).toMatchObject([200, body])
    })
  }

  for (const path of [
    '/nothing',
    '/api/1/action/datastore_search',
    '/api/3/action/',
    '/api/3/action',
    '/datastore/dump',
    '/datastore/dump/%E0',
  ]) {
    test(`GET ${path}: 404`, async () => {
      const { ask } = await testDatastore()
      await expectError(await ask(`GET ${path}`), 404, 'Not Found Error')
    })
  }

  test('§9.10 /ready while the engine is down', async () => {
    const { ask } = await testDatastore({ engine: { healthcheck: () => Promise.reject(new Error('down')) } })
    const response = await ask('GET /ready')
    expect([response.status, await response.json()]).toEqual([
      503,
      {
        help: 'http://localhost:8000/api/3/action/help_show?name=ready',
        success: false,
        result: { status: 'not_ready' },
      },
    ])
  })

  test('§1.8 help_show', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask('GET /api/3/action/help_show'), 409, 'Validation Error', { name: ['Missing value'] })
    await expectError(await ask('GET /api/3/action/help_show?name=nothing'), 404, 'Not Found Error', {
      message: 'Not found: Action function not found',
    })
  })

  test('§10.2 row 56 what only PostgreSQL can do', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask('POST /api/3/action/datastore_function_create {"name": "f"}'), 501, 'Not Implemented', {
      message: 'datastore_function_create is not available on this server',
    })
    await expectBadRequest(
      await ask('GET /api/3/action/datastore_function_create'),
      'Bad request: JSON Error: Invalid request.',
    )
  })

  test('§8.6 SQL search can be turned off', async () => {
    const { ask } = await testDatastore({ env: { SQL_SEARCH_ENABLED: 'false' } })
    await expectBadRequest(
      await ask('GET /api/3/action/datastore_search_sql?sql=SELECT+1'),
      'Bad request: Action name not known: datastore_search_sql',
    )
  })

  test('BASE_PATH', async () => {
    const { ask } = await testDatastore({ basePath: 'data/' })
    const body = await (await ask('GET /data/api/3/action/datastore_search?id=trees&limit=2')).json()
    expect(body).toMatchObject({
      help: 'http://localhost:8000/data/api/3/action/help_show?name=datastore_search',
      result: { _links: { start: 'http://localhost:8000/data/api/3/action/datastore_search?id=trees&limit=2' } },
    })
    expect((await ask('GET /api/3/action/datastore_search?id=trees')).status).toBe(404)
  })
})

describe('§1.1 methods', () => {
  const READ = 'GET, HEAD, OPTIONS, POST'
  const allowed: [string, string][] = [
    [SEARCH, READ],
    ['/api/3/action/datastore_nothing', READ],
    ['/api/3/action/datastore_create', 'OPTIONS, POST'],
    ['/datastore/dump/trees', 'GET, HEAD, OPTIONS'],
    ['/health', 'GET, HEAD, OPTIONS'],
  ]
  for (const [path, allow] of allowed) {
    test(`of ${path}`, async () => {
      const { ask } = await testDatastore()
      const options = await ask(`OPTIONS ${path}`)
      expect([options.status, options.headers.get('allow'), await options.text()]).toEqual([200, allow, ''])
      const refused = await ask(`DELETE ${path}`)
      expect(refused.headers.get('allow')).toBe(allow)
      await expectError(refused, 405, 'Method Not Allowed')
    })
  }

  test('POST on a page', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask('POST /datastore/dump/trees {}'), 405, 'Method Not Allowed')
  })

  for (const path of [SEARCH, '/health', '/nothing', '/api/3/action/datastore_create', `${SEARCH}&limit=x`]) {
    test(`HEAD ${path}: GET without a body`, async () => {
      const { ask } = await testDatastore()
      const [head, get] = [await ask(`HEAD ${path}`), await ask(`GET ${path}`)]
      expect([head.status, head.headers.get('content-length')]).toEqual([get.status, get.headers.get('content-length')])
      expect(await head.text()).toBe('')
    })
  }

  test('HEAD of a download makes none', async () => {
    const { ask, engine } = await testDatastore()
    const response = await ask('HEAD /datastore/dump/trees?format=ndjson')
    expect([response.status, await response.text(), engine.calls]).toEqual([200, '', ['describe']])
  })
})

describe('§8.9 dump', () => {
  test('is a file named by the real id', async () => {
    const { ask } = await testDatastore()
    const response = await ask('GET /datastore/dump/forest?nonsense=1')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="trees.csv"')
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(await response.text()).toContain('1,oak,0\n')
  })

  test('of a percent-encoded id, of which a repeated parameter counts first', async () => {
    const table = fakeTable('a/"ü', ['x'])
    const { ask } = await testDatastore({ engine: { describe: async (id) => (id === table.id ? table : undefined) } })
    const response = await ask(`GET /datastore/dump/${encodeURIComponent('a/"ü')}?format=tsv&format=nonsense`)
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="a___.tsv"; filename*=UTF-8''a%2F%22%C3%BC.tsv`,
    )
  })

  test('elsewhere', async () => {
    const { ask } = await testDatastore({
      engine: { dump: async () => ({ kind: 'redirect', url: 'https://files.example.org/x' }) },
    })
    const response = await ask('GET /datastore/dump/trees?format=parquet')
    expect([response.status, response.headers.get('location')]).toEqual([302, 'https://files.example.org/x'])
  })

  test('§10.2 row 47 errors are envelopes', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask('GET /datastore/dump/nothing'), 404, 'Not Found Error')
    await expectError(await ask('GET /datastore/dump/trees?format=doc'), 409, 'Validation Error', {
      format: [expect.stringMatching(/^Value must be one of \['csv', 'tsv', 'json', 'xml', /)],
    })
  })
})

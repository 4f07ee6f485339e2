import vm from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { createDatastore } from '../../src/app.ts'
import { columnType } from '../../src/core/field-types.ts'
import type { Engine, Table } from '../../src/infrastructure/engines/engine.ts'
import { bundle, webContext } from './web-context.ts'

const table: Table = {
  id: 'books',
  aliases: [],
  columns: [
    { name: 'title', type: columnType('text'), declaredType: 'text', field: { name: 'title', type: 'string' } },
  ],
  primaryKey: [],
  indexes: [],
  schemaProperties: {},
  hasUpdatedAt: false,
  count: 1,
  revision: 1,
  schemaRevision: 1,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
}

/** As much of an engine as a read needs: the runtime is under test here, not the engine. */
const engine = {
  name: 'fake',
  location: 'nowhere',
  supports: {},
  describe: async (id) => (id === table.id ? table : undefined),
  search: async () => ({
    records: new TextEncoder().encode('{"_id":1,"title":"Faust"}'),
    rows: 1,
    total: 1,
    revision: 1,
  }),
  healthcheck: async () => {},
  close: async () => {},
} as Partial<Engine> as Engine

describe('a runtime with web standards only', () => {
  const context = webContext()
  let datastore: Awaited<ReturnType<typeof createDatastore>>

  beforeAll(async () => {
    vm.runInContext(await bundle('src/app.ts'), context)
    const app = vm.runInContext('bundled', context) as { createDatastore: typeof createDatastore }
    datastore = await app.createDatastore({ env: { LOG_LEVEL: 'CRITICAL', AUTH_TYPE: 'open' }, engine, auth: open })
  })
  afterAll(() => datastore?.close())

  const open = { name: 'open', open: true, authorize: async () => ({}) }
  const ask = async (path: string, init?: RequestInit) => {
    const response = await datastore.fetch(new Request(`http://localhost${path}`, init))
    return { status: response.status, body: await response.json() }
  }

  test("has nothing of Node's", () => {
    const names = ['process', 'Buffer', 'require', 'module', 'global', 'setImmediate']
    expect(names.filter((name) => vm.runInContext(`typeof ${name}`, context) !== 'undefined')).toEqual([])
  })

  test('GET', async () => {
    const { status, body } = await ask('/api/3/action/datastore_search?resource_id=books')
    expect(body).toMatchObject({ success: true, result: { total: 1, records: [{ _id: 1, title: 'Faust' }] } })
    expect(status).toBe(200)
  })

  test('POST', async () => {
    const init = { method: 'POST', body: '{"resource_id": "books"}', headers: { 'Content-Type': 'application/json' } }
    const { body } = await ask('/api/3/action/datastore_search', init)
    expect(body).toMatchObject({ success: true, result: { records: [{ _id: 1, title: 'Faust' }] } })
  })

  const refusals: [string, number][] = [
    ['/api/3/action/datastore_search?resource_id=films', 404],
    ['/api/3/action/datastore_search?resource_id=books&limit=x', 409],
    ['/api/3/action/nothing', 400],
    ['/nothing', 404],
  ]
  for (const [path, status] of refusals) {
    test(`GET ${path}: ${status}`, async () => expect((await ask(path)).status).toBe(status))
  }
})

import vm from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { createDatastore } from '../../src/app.ts'
import { createFakeEngine } from '../fixtures/fake-engine.ts'
import { bundle, webContext } from './web-context.ts'

describe('a runtime with web standards only', () => {
  const context = webContext()
  let datastore: Awaited<ReturnType<typeof createDatastore>>

  beforeAll(async () => {
    vm.runInContext(await bundle('src/app.ts'), context)
    const app = vm.runInContext('bundled', context) as { createDatastore: typeof createDatastore }
    datastore = await app.createDatastore({ env: { LOG_LEVEL: 'CRITICAL' }, engine: createFakeEngine(), auth: open })
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
    const { status, body } = await ask('/api/3/action/datastore_search?resource_id=trees&limit=1')
    expect(body).toMatchObject({ success: true, result: { total: 3, records: [{ _id: 1, species: 'oak' }] } })
    expect(status).toBe(200)
  })

  test('POST', async () => {
    const init = {
      method: 'POST',
      body: '{"resource_id": "trees", "limit": 1}',
      headers: { 'Content-Type': 'application/json' },
    }
    const { body } = await ask('/api/3/action/datastore_search', init)
    expect(body).toMatchObject({ success: true, result: { records: [{ _id: 1, species: 'oak' }] } })
  })

  const refusals: [string, number][] = [
    ['/api/3/action/datastore_search?resource_id=films', 404],
    ['/api/3/action/datastore_search?resource_id=trees&limit=x', 409],
    ['/api/3/action/nothing', 400],
    ['/nothing', 404],
  ]
  for (const [path, status] of refusals) {
    test(`GET ${path}: ${status}`, async () => expect((await ask(path)).status).toBe(status))
  }
})

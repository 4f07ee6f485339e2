import { setTimeout as sleep } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { type TestDatastore, testDatastore } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'

const EDITOR = 'token-of-the-editor-4711'
const READER = 'token-of-a-reader-0815'
const ACTION = '/api/3/action'
const UPSERT = `POST ${ACTION}/datastore_upsert {"resource_id": "trees", "method": "insert", "records": [{"species": "yew"}]}`
const as = (token: string) => ({ headers: { Authorization: token } })

describe('CKAN decides', () => {
  let ckan: CkanServer
  let datastore: TestDatastore

  beforeEach(async () => {
    ckan = await startCkan()
    ckan.addUser(EDITOR, { name: 'erna', editor: true })
    ckan.addUser(READER, { name: 'rita' })
    ckan.addResource('trees', { private: true })
    datastore = await testDatastore({ auth: 'ckan', env: { CKAN_URL: ckan.url, HTTP_TIMEOUT_SECONDS: '0.5' } })
  })
  afterEach(() => ckan.close())

  /** What the engine was made to do, beyond looking a table up. */
  const done = () => datastore.engine.calls.filter((name) => name !== 'describe')

  test.each([
    { line: UPSERT, permission: 'update' },
    { line: `POST ${ACTION}/datastore_delete {"resource_id": "trees"}`, permission: 'delete' },
    { line: `GET ${ACTION}/datastore_search?id=forest`, permission: 'read' },
    { line: `GET ${ACTION}/datastore_search_sql?sql=select+*+from+forest`, permission: 'read' },
  ])('$line needs "$permission" on the resource', async ({ line, permission }) => {
    await expectError(await datastore.ask(line, as(READER)), 403, 'Authorization Error')
    expect(done().filter((name) => name !== 'inspectSql')).toEqual([])
    expect((await datastore.ask(line, as(`Bearer ${EDITOR}`))).status).toBe(200)
    const questions = ckan.calls.filter(({ action }) => action === 'datastore_authorize')
    expect(questions).toEqual(
      [READER, EDITOR].map((token) => ({
        action: 'datastore_authorize',
        token,
        body: { resource_id: 'trees', permission },
      })),
    )
  })

  test('a private dump looks like a missing one', async () => {
    const denied = await expectError(await datastore.ask('GET /datastore/dump/trees'), 404, 'Not Found Error')
    const missing = await expectError(await datastore.ask('GET /datastore/dump/shrubs'), 404, 'Not Found Error')
    expect(JSON.stringify(denied).replaceAll('trees', 'shrubs')).toBe(JSON.stringify(missing))
  })

  test.each([
    { fault: 'down', break: () => ckan.down() },
    { fault: 'slow', break: () => Object.assign(ckan, { delayMs: 3000 }) },
    { fault: 'without the action', break: () => Object.assign(ckan, { lacksAction: true }) },
    { fault: 'confused', break: () => Object.assign(ckan, { override: () => ({ status: 200, body: '<h1>Hi</h1>' }) }) },
  ])('CKAN $fault: 503 for everybody, nothing is done, and /ready says so', async ({ break: fail }) => {
    await fail()
    for (const line of [UPSERT, `GET ${ACTION}/datastore_search?id=trees`])
      await expectError(await datastore.ask(line, as(EDITOR)), 503, 'Service Unavailable', {
        message: expect.stringMatching(/^CKAN.*\.$/),
      })
    expect((await datastore.ask('GET /ready')).status).toBe(503)
    expect(done()).toEqual(['healthcheck'])
    expect(JSON.stringify(datastore.log)).not.toContain(EDITOR)
  })

  test('/ready asks CKAN once for all who ask it, and once a second at most', async () => {
    const ready = async (signal?: AbortSignal) => (await datastore.ask('GET /ready', { signal })).status
    ckan.delayMs = 50
    const hasty = new AbortController()
    const first = ready(hasty.signal)
    const others = Array.from({ length: 20 }, () => ready())
    hasty.abort()
    expect(await first).not.toBe(200)
    expect(await Promise.all(others)).toEqual(Array(20).fill(200))
    ckan.delayMs = 0
    ckan.lacksAction = true
    expect(await ready()).toBe(200)
    expect(ckan.calls).toHaveLength(1)
    await sleep(1100)
    expect([await ready(), await ready()]).toEqual([503, 503])
    expect(ckan.calls).toHaveLength(2)
    ckan.lacksAction = false
    await sleep(1100)
    expect(await ready()).toBe(200)
  })

  test('datastore_create with a resource makes it in CKAN first', async () => {
    const line = `POST ${ACTION}/datastore_create {"resource": {"package_id": "package-of-trees"}, "fields": [{"id": "age", "type": "int"}]}`
    const answer = (await (await datastore.ask(line, as(EDITOR))).json()) as { result: { resource_id: string } }
    expect(ckan.calls.map(({ action }) => action)).toEqual(['datastore_authorize', 'resource_create', 'resource_patch'])
    expect(ckan.resources.get(answer.result.resource_id)).toMatchObject({
      url_type: 'datastore',
      datastore_active: true,
    })
    await expectError(await datastore.ask(line, as(READER)), 403, 'Authorization Error')
    expect(ckan.count('resource_create')).toBe(1)
  })

  test('and deletes it again when the table can not be made', async () => {
    datastore.engine.create = () => Promise.reject(new Error('no space'))
    const line = `POST ${ACTION}/datastore_create {"resource": {"package_id": "package-of-trees"}, "fields": [{"id": "age", "type": "int"}]}`
    await expectError(await datastore.ask(line, as(EDITOR)), 500, 'Internal Server Error')
    expect(ckan.calls.map(({ action }) => action)).toEqual([
      'datastore_authorize',
      'resource_create',
      'resource_delete',
    ])
    expect([...ckan.resources.keys()]).toEqual(['trees'])
  })

  test('a record that CKAN does not take is a warning on a stored write', async () => {
    ckan.override = ({ action }) => (action === 'resource_patch' ? { status: 500, body: '' } : undefined)
    const answer = (await (await datastore.ask(UPSERT, as(EDITOR))).json()) as { success: boolean; warnings: string[] }
    expect(answer).toMatchObject({ success: true, warnings: [expect.stringContaining("CKAN's record")] })
    expect(done()).toContain('upsert')
  })
})

describe('tokens decide', () => {
  const secret = 'a-secret-of-thirty-two-characters!'
  const token = (claims: Record<string, unknown>) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))

  test('what a token may and may not', async () => {
    const datastore = await testDatastore({ auth: 'jwt', env: { JWT_SECRET: secret } })
    const search = `GET ${ACTION}/datastore_search?id=trees`
    const status = async (line: string, claims?: Record<string, unknown>) =>
      (await datastore.ask(line, claims && as(`Bearer ${await token(claims)}`))).status
    expect([await status(search), await status(UPSERT)]).toEqual([403, 403])
    expect([await status(search, {}), await status(UPSERT, {})]).toEqual([200, 200])
    const reads = { scope: 'datastore:read' }
    expect([await status(search, reads), await status(UPSERT, reads)]).toEqual([200, 403])
    const elsewhere = { resources: ['shrubs', 'forest'] }
    expect([await status(search, elsewhere), await status(`${search.replace('trees', 'forest')}`, elsewhere)]).toEqual([
      403, 403,
    ])
    await expectError(await datastore.ask(search, as('x.y.z')), 403, 'Authorization Error', {
      message: expect.stringMatching(/^Access denied: invalid JWT: /),
    })
    await expectError(await datastore.ask(search), 403, 'Authorization Error', {
      message: 'Access denied: JWT token required',
    })
  })

  test('there is no catalogue to make a resource in', async () => {
    const datastore = await testDatastore({ auth: 'jwt', env: { JWT_SECRET: secret } })
    const line = `POST ${ACTION}/datastore_create {"resource": {"package_id": "p1"}, "fields": [{"id": "age", "type": "int"}]}`
    await expectError(await datastore.ask(line, as(await token({}))), 409, 'Validation Error')
    expect(datastore.engine.calls).toEqual([])
  })
})

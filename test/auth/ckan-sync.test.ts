import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import createProvider from '../../src/auth/ckan/index.ts'
import type { AuthProvider, TableChange } from '../../src/auth/provider.ts'
import { type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { providerContext, type TestContext } from '../fixtures/provider-context.ts'

const EDITOR = 'token-of-the-editor-4711'
const schema = { fields: [{ name: 'species', type: 'string' }], primaryKey: ['species'] }

let ckan: CkanServer
let context: TestContext
let provider: AuthProvider

beforeEach(async () => {
  ckan = await startCkan()
  ckan.addUser(EDITOR, { name: 'erna', editor: true })
  ckan.addResource('trees')
  await useProvider({})
})

afterEach(async () => {
  await provider.close?.()
  await context.cache.close()
  await ckan.close()
})

async function useProvider(env: Record<string, string>): Promise<void> {
  context = await providerContext({ CKAN_URL: ckan.url, HTTP_TIMEOUT_SECONDS: '0.5', ...env })
  provider = createProvider(context)
}

/** Tells the provider of a change, with CKAN's record as it was when the caller was authorized. */
async function change(kind: TableChange['kind'], more: Partial<TableChange> = {}): Promise<string[]> {
  const resource = { id: 'trees', url_type: 'datastore' }
  const told = { kind, resourceId: 'trees', credential: EDITOR, resource, ...more }
  return (await provider.tableChanged?.(kind === 'created' ? { schema, ...told } : told)) ?? []
}

/** The bodies of all patches, `last_modified` shortened to whether it is there. */
const patches = () =>
  ckan.calls
    .filter(({ action }) => action === 'resource_patch')
    .map(({ body: { id: _, last_modified, ...rest } }) => ({ ...rest, ...(last_modified ? { touched: true } : {}) }))

test.each([
  ['a:b', 'a/b'],
  ['a', 'a?b'],
  ['a', ':a'],
  ['..', '.'],
  ['%2E', '.'],
])('a table called %s is not taken for one called %s', async (one, other) => {
  for (const id of [one, other]) {
    ckan.addResource(id)
    await change('created', { resourceId: id, resource: { id } })
    expect(ckan.resources.get(id)).toMatchObject({ datastore_active: true, schema })
    await change('created', { resourceId: id, resource: { id } })
  }
  expect(patches()).toHaveLength(2)
  expect(context.lines).toEqual([])
})

test('a created table is told of once, whatever the record at hand says', async () => {
  expect(await change('created')).toEqual([])
  await change('created')
  await change('created', { resource: { id: 'trees', datastore_active: false } })
  expect(patches()).toEqual([{ datastore_active: true, schema, touched: true }])
  expect(ckan.resources.get('trees')).toMatchObject({ datastore_active: true, schema })
  expect(ckan.calls[0]?.token).toBe(EDITOR)
  expect(ckan.calls[0]?.body.last_modified).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
})

test.each([
  { what: 'all', resource: { id: 'trees', datastore_active: true, schema }, sent: { touched: true } },
  {
    what: 'all, as CKAN may store it',
    resource: {
      id: 'trees',
      datastore_active: true,
      schema: JSON.stringify({ primaryKey: schema.primaryKey, fields: schema.fields }),
    },
    sent: { touched: true },
  },
  { what: 'the flag', resource: { id: 'trees', datastore_active: true }, sent: { schema, touched: true } },
  { what: 'nonsense', resource: { id: 'trees', schema: '{' }, sent: { datastore_active: true, schema, touched: true } },
])('CKAN knows $what already', async ({ resource, sent }) => {
  await change('created', { resource })
  expect(patches()).toEqual([sent])
})

test('a new schema, a drop and a new table are each told of', async () => {
  await change('created')
  await change('created', { schema: { fields: [] } })
  await change('dropped')
  await change('dropped')
  await change('created', { schema: { fields: [] } })
  expect(patches()).toEqual([
    { datastore_active: true, schema, touched: true },
    { schema: { fields: [] } },
    { datastore_active: false },
    { datastore_active: true, schema: { fields: [] } },
  ])
})

test('many writes touch the record at most once per CKAN_SYNC_SECONDS, and once after the last', async () => {
  await useProvider({ CKAN_SYNC_SECONDS: '0.4' })
  for (let write = 0; write < 10; write++) await change('written')
  expect(patches()).toEqual([{ touched: true }])
  const lastWrite = new Date().toISOString()
  await sleep(600)
  expect(patches()).toHaveLength(2)
  expect(String(ckan.calls.at(-1)?.body.last_modified) <= lastWrite).toBe(true)
  await sleep(600)
  expect(patches()).toHaveLength(2)
})

test('what waits is sent when the provider closes', async () => {
  await change('written')
  await change('written')
  await provider.close?.()
  expect(patches()).toHaveLength(2)
  await provider.close?.()
  expect(patches()).toHaveLength(2)
})

test('the wait does not keep a process alive', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  await change('written')
  const waits = timers.mock.calls.flatMap(([, ms], index) => (ms === 60_000 ? [timers.mock.results[index]?.value] : []))
  timers.mockRestore()
  expect(waits.map((timer: NodeJS.Timeout) => timer.hasRef())).toEqual([false])
})

test('CKAN_SYNC_SECONDS=0 touches the record with every write', async () => {
  await useProvider({ CKAN_SYNC_SECONDS: '0' })
  await change('written')
  await change('written')
  expect(patches()).toEqual([{ touched: true }, { touched: true }])
})

test('CKAN_SYNC=false sends nothing', async () => {
  await useProvider({ CKAN_SYNC: 'false' })
  expect([...(await change('created')), ...(await change('written')), ...(await change('dropped'))]).toEqual([])
  expect(ckan.calls).toEqual([])
})

test.each([
  { fault: 'refuses', break: () => ckan.revoke(EDITOR), reason: /Access denied/ },
  { fault: 'is down', break: () => ckan.down(), reason: /cannot be reached/ },
  {
    fault: 'is slow',
    break: () => Object.assign(ckan, { delayMs: 1000 }),
    reason: /did not answer within 0.5 seconds/,
  },
])('CKAN $fault: a warning and a log line, and the next change tries again', async ({ break: fail, reason }) => {
  await fail()
  const warnings = await change('created')
  expect(warnings).toEqual([expect.stringMatching(/^The change is stored, but CKAN's record .* could not be updated/)])
  expect(warnings[0]).toMatch(reason)
  expect(context.lines).toEqual([expect.stringMatching(/^warning CKAN's record of a resource could not be updated/)])
  expect(JSON.stringify([warnings, context.lines])).not.toContain(EDITOR)

  ckan.addUser(EDITOR, { name: 'erna', editor: true })
  ckan.delayMs = 0
  await ckan.close()
  await ckan.up()
  expect(await change('created')).toEqual([])
  expect(ckan.resources.get('trees')).toMatchObject({ datastore_active: true, schema })
})

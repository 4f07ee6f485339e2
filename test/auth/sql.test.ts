import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../src/app.ts'
import { createLogger } from '../../src/core/log.ts'
import { type CkanServer, startCkan } from '../fixtures/ckan-server.ts'
import { toRequest } from '../fixtures/datastore.ts'
import { cores, endless, hostile, reachesCanary, SECRET } from '../suites/sql/hostile.ts'

const EDITOR = 'token-of-the-editor-4711'
const READER = 'token-of-a-reader-0815'

let folder: string
let ckan: CkanServer
let datastore: Datastore
const logged: string[] = []

/** The whole service on DuckDB, with a table that readers may read, and one that they may not. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'auth-sql-'))
  ckan = await startCkan()
  ckan.addUser(EDITOR, { name: 'erna', editor: true })
  ckan.addUser(READER, { name: 'rita' })
  ckan.addResource('open_table')
  ckan.addResource('canary', { private: true })
  const env = { CKAN_URL: ckan.url, DUCKDB_PATH: folder, DUCKDB_MEMORY_LIMIT: '256MB', QUERY_TIMEOUT_SECONDS: '0.5' }
  const logger = createLogger({ logLevel: 'DEBUG' }, (record) => logged.push(JSON.stringify(record)))
  datastore = await createDatastore({ env, logger })
  await create({ resource_id: 'open_table', records: [{ a: 1, b: 2 }] })
  await create({ resource_id: 'canary', aliases: ['hidden_view'], records: [{ secret: SECRET }] })
})

afterAll(async () => {
  await datastore?.close()
  await ckan?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function create(params: unknown): Promise<void> {
  const response = await post('datastore_create', params, EDITOR)
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
}

const post = (action: string, params: unknown, token: string) =>
  datastore.fetch(
    toRequest(`POST /api/3/action/${action} ${JSON.stringify(params)}`, { headers: { Authorization: token } }),
  )

/** What the table that nobody may learn of is called, and its alias. */
const NAMES = /canary|hidden_view/gi

/**
 * Asks, and holds the answer and the log against what nobody may learn; answers the status. A name may come back only
 * where the statement itself holds it, in the answer alone: a log has none.
 */
async function askSql(sql: string, token = READER): Promise<number> {
  logged.length = 0
  const response = await post('datastore_search_sql', { sql }, token)
  const text = await response.text().catch((error) => `broken: ${error.message}`)
  expect(text).not.toContain(SECRET)
  const asked = new Set(sql.toLowerCase().match(NAMES))
  expect((text.toLowerCase().match(NAMES) ?? []).filter((name) => !asked.has(name))).toEqual([])
  expect(logged.join('\n').match(NAMES) ?? []).toEqual([])
  for (const secret of [SECRET, EDITOR, READER]) expect(logged.join('\n')).not.toContain(secret)
  return response.status
}

test('the tables are there: who may read them can', async () => {
  const response = await post('datastore_search_sql', { sql: 'SELECT secret FROM canary' }, EDITOR)
  expect(await response.text()).toContain(SECRET)
  expect(await askSql('SELECT a, b FROM open_table')).toBe(200)
})

const families = Object.entries(hostile).map(([family, statements]) => ({ family, statements }))
test.each(families)('$family: refused, and nothing told', async ({ statements }) => {
  for (const sql of statements) expect([403, 409], sql).toContain(await askSql(sql))
})

test.each(Object.entries(reachesCanary))(
  'a table out of reach, %s: refused, and nothing told',
  async (_, statements) => {
    for (const sql of statements) expect([403, 404, 409], sql).toContain(await askSql(sql))
  },
)

test.each(cores.tables.map((core) => [core]))('FROM %s', async (core) => {
  expect([403, 404, 409]).toContain(await askSql(`SELECT * FROM open_table, ${core}`))
})

test('its alias is the same table', async () => {
  expect(await askSql('SELECT * FROM hidden_view')).toBe(403)
  expect(await askSql('SELECT * FROM HIDDEN_VIEW')).toBe(403)
})

test.each(['SELECT * FROM canari', 'SELECT secre FROM open_table', 'SELECT * FROM hidden_viev'])(
  'a near miss tells no name: %s',
  async (sql) => expect([404, 409]).toContain(await askSql(sql)),
)

describe('endless statements are stopped, and the next is answered', () => {
  test.each(endless)('%s', async (sql) => {
    expect([409, 503]).toContain(await askSql(sql))
    expect(await askSql('SELECT a FROM open_table')).toBe(200)
  })
})

test('other ways to the table: search, info, dump and the list of tables', async () => {
  for (const path of [
    'action/datastore_search?id=canary',
    'action/datastore_info?id=hidden_view',
    'action/datastore_search?id=_table_metadata',
  ]) {
    const response = await datastore.fetch(toRequest(`GET /api/3/${path}`, { headers: { Authorization: READER } }))
    const text = await response.text()
    if (path.includes('_table_metadata')) expect(text).not.toMatch(/canary|hidden_view/)
    else expect(response.status).toBe(403)
    expect(text).not.toContain(SECRET)
  }
  const dump = await datastore.fetch(toRequest('GET /datastore/dump/canary', { headers: { Authorization: READER } }))
  expect(dump.status).toBe(404)
})

test('the log says that something happened, and no names', async () => {
  expect(await askSql('SELECT * FROM canary')).toBe(403)
  expect(logged.length).toBeGreaterThan(0)
})

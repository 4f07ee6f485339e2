import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDatastore, type Datastore, type DatastoreOptions } from '../../src/app.ts'
import { toRequest } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'

const ENDLESS = 'SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h WHERE a.x + h.x = 1'

/** What bounds SQL statements beside the gates, through the whole service. */
describe('SQL limits', () => {
  let path: string
  let datastore: Datastore

  const open = async (env: Record<string, string>, options: Partial<DatastoreOptions> = {}) => {
    datastore = await createDatastore({
      env: { AUTH_TYPE: 'anonymous', LOG_LEVEL: 'CRITICAL', DUCKDB_PATH: path, ...env },
      ...options,
    })
    const rows = Array.from({ length: 300 }, (_, x) => ({ x }))
    await datastore.fetch(
      toRequest(`POST /api/3/action/datastore_create ${JSON.stringify({ resource_id: 't', records: rows })}`),
    )
  }
  const ask = (sql: string) =>
    datastore.fetch(toRequest(`POST /api/3/action/datastore_search_sql ${JSON.stringify({ sql })}`))

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'sql-limits-'))
  })
  afterEach(async () => {
    await datastore.close()
    await rm(path, { recursive: true, force: true })
  })

  it('QUERY_TIMEOUT_SECONDS stops a statement, and the next is answered', async () => {
    await open({ QUERY_TIMEOUT_SECONDS: '0.3' })
    await expectError(await ask(ENDLESS), 409, 'Validation Error', { query: ['Query took too long'] })
    expect((await ask('SELECT 1 AS one')).status).toBe(200)
  })

  it('SQL_MAX_CONCURRENT: who waits too long is told when to come again', async () => {
    await open({ SQL_MAX_CONCURRENT: '1', QUERY_TIMEOUT_SECONDS: '8' })
    const running = ask(ENDLESS)
    const turnedAway = await ask('SELECT 1 AS one')
    await expectError(turnedAway, 429, 'Too Many Requests')
    expect(Number(turnedAway.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await running).status).toBe(409)
  }, 20_000)

  it('SQL_FUNCTIONS_ALLOW_FILE replaces the list of functions', async () => {
    await open({}, { sqlFunctions: '# only these\nupper\n"Count"\n' })
    expect((await ask("SELECT upper('x') AS u FROM t LIMIT 1")).status).toBe(200)
    await expectError(await ask("SELECT lower('x') AS u FROM t LIMIT 1"), 403, 'Authorization Error')
    await expectError(await ask('SELECT COUNT(x) AS n FROM t'), 403, 'Authorization Error')
  })

  it('SQL_SEARCH_ENABLED=false: nobody knows the action', async () => {
    await open({ SQL_SEARCH_ENABLED: 'false' })
    const response = await ask('SELECT 1')
    expect([response.status, await response.json()]).toEqual([
      400,
      'Bad request: Action name not known: datastore_search_sql',
    ])
  })
})

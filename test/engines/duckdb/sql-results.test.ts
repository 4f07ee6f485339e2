import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore, NotAuthorized } from '../../../src/index.ts'
import { isRepeatable } from '../../../src/infrastructure/engines/duckdb/gate/functions.ts'

const folder = mkdtempSync(join(tmpdir(), 'sql-results-'))
const denied = new Set<string>()
let datastore: Datastore
beforeAll(async () => {
  const env = { DUCKDB_PATH: folder, METRICS_ENABLED: 'true', LOG_LEVEL: 'CRITICAL' }
  const authorize = async ({ resourceId = '', credential = '' }) => {
    if (denied.has(`${credential} ${resourceId}`)) throw new NotAuthorized('no')
    return {}
  }
  datastore = await createDatastore({ env, auth: { name: 'test', authorize } })
})
afterAll(async () => {
  await datastore.close()
  rmSync(folder, { recursive: true, force: true })
})

async function act(action: string, body: object, token = 'anna') {
  const request = new Request(`http://localhost/api/3/action/datastore_${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: token },
    body: JSON.stringify(body),
  })
  const response = await datastore.fetch(request)
  // biome-ignore lint/suspicious/noExplicitAny: parts of answers
  return { status: response.status, ...((await response.json()) as any) }
}

/** Look-ups so far: those that found something, and those that did not. */
async function lookUps(): Promise<[hits: number, misses: number]> {
  const text = await (await datastore.fetch(new Request('http://localhost/metrics'))).text()
  const count = (outcome: string) =>
    Number(new RegExp(`cache="answers",outcome="${outcome}"} (\\d+)`).exec(text)?.[1] ?? 0)
  return [count('hit'), count('miss')]
}

beforeEach(async () => {
  denied.clear()
  for (const id of ['trees', 'towns']) {
    await act('delete', { resource_id: id })
    await act('create', { resource_id: id, records: [{ n: 1 }, { n: 2 }] })
  }
})

const JOINED = 'SELECT trees.n AS a, towns.n AS b FROM trees JOIN towns ON trees.n = towns.n ORDER BY 1'

describe('results of SQL that are kept', () => {
  test('are given again until one of the tables changes', async () => {
    const [hits] = await lookUps()
    const first = await act('search_sql', { sql: JOINED })
    expect(await act('search_sql', { sql: JOINED })).toEqual(first)
    expect((await lookUps())[0]).toBe(hits + 1)
    await act('upsert', { resource_id: 'towns', method: 'insert', records: [{ n: 1 }] })
    expect((await act('search_sql', { sql: JOINED })).result.records).toHaveLength(3)
    await act('upsert', { resource_id: 'trees', method: 'insert', records: [{ n: 1 }] })
    expect((await act('search_sql', { sql: JOINED })).result.records).toHaveLength(5)
    expect((await lookUps())[0]).toBe(hits + 1)
  })

  test('also when a table is made anew under its name', async () => {
    await act('search_sql', { sql: JOINED })
    await act('delete', { resource_id: 'trees' })
    await act('create', { resource_id: 'trees', records: [{ n: 7 }, { n: 8 }] })
    expect((await act('search_sql', { sql: JOINED })).result.records).toEqual([])
  })

  test('are for those who may read every table, asked each time', async () => {
    const [hits] = await lookUps()
    await act('search_sql', { sql: JOINED })
    denied.add('mallory towns')
    expect(await act('search_sql', { sql: JOINED }, 'mallory')).toMatchObject({ status: 403 })
    denied.add('anna trees')
    expect(await act('search_sql', { sql: JOINED })).toMatchObject({ status: 403 })
    expect((await lookUps())[0]).toBe(hits)
  })

  test('are told apart by their format and their page', async () => {
    const sql = 'SELECT n FROM trees ORDER BY n LIMIT 1'
    const objects = await act('search_sql', { sql })
    const lists = await act('search_sql', { sql, records_format: 'lists' })
    const second = await act('search_sql', { sql: `${sql} OFFSET 1` })
    expect([objects, lists, second].map(({ result }) => result.records)).toEqual([[{ n: 1 }], [[1]], [{ n: 2 }]])
  })

  const volatile = [
    'random()',
    'now()',
    'uuid()',
    'current_date',
    'CURRENT_TIMESTAMP',
    "age(TIMESTAMP '2020-01-01')",
    'today()',
    'localtime',
    'gen_random_uuid()',
  ]
  for (const call of volatile) {
    test(`never with ${call}`, async () => {
      const sql = `SELECT n, ${call} AS x FROM trees`
      const before = await lookUps()
      expect(await act('search_sql', { sql })).toMatchObject({ status: 200 })
      expect(await act('search_sql', { sql })).toMatchObject({ status: 200 })
      expect(await lookUps()).toEqual(before)
    })
  }

  test('what DuckDB calls volatile is not repeatable here', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const rows = await connection.runAndReadAll(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')",
    )
    const names = rows.getRows().map(([name]) => String(name))
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter(isRepeatable)).toEqual([])
    expect(isRepeatable('what_somebody_added')).toBe(false)
    connection.closeSync()
    instance.closeSync()
  })
})

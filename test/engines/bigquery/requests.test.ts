import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import { serviceAccount } from '../../services/credentials.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { openBigquery, openOn } from './open.ts'

const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }
const RECORDS = [
  { k: 1, v: 'oak', n: 1.5 },
  { k: 2, v: 'elm', n: 2 },
]

/** A query that takes longer is asked for again, which costs nothing. */
const WAITING = /^GET \/queries\/[\da-f-]{36}$/

describe.skipIf(reasonWithoutBigquery() !== undefined)('requests to Google', () => {
  let opened: Awaited<ReturnType<typeof openBigquery>>
  const kit = new Kit(() => opened.engine)
  let id: string
  beforeAll(async () => {
    opened = await openBigquery()
    id = await kit.make(COLUMNS, RECORDS, { key: ['k'] })
    await kit.rows(id)
  }, 60_000)
  afterAll(() => opened?.close())

  /** `POST /queries` for a statement that reads, `POST /jobs` for a script, and so on. */
  async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
    // What was looked at more than ten seconds ago is looked at again, and the machine may be slow.
    await opened.engine.describe(id)
    opened.services.bigquery.requests.splice(0)
    await work()
    const requests = opened.services.bigquery.requests.map(
      ({ method, path }) =>
        `${method} ${path
          .replace(/^.*\/projects\/[^/]+/, '')
          .replace(/[?].*/, '')
          .replace(/ckan-datastore-[\w-]+/, 'JOB')
          .replace(/table-\d+$/, 'TABLE')}`,
    )
    return requests.filter((request) => !WAITING.test(request))
  }

  const search = ['POST /queries']
  const script = ['POST /jobs', 'GET /queries/JOB']
  const look = ['POST /queries']
  /** When Google says that a write was, so that a write of others is told from it. */
  const time = ['GET /datasets/portal/tables/TABLE']

  const cases: [name: string, work: () => Promise<unknown>, requests: string[]][] = [
    ['a page', () => kit.rows(id), search],
    ['a page with a filter and its total', () => kit.rows(id, { filters: { k: 1 } }), search],
    ['a page by words that have no stems', () => kit.rows(id, { q: 'oak', language: 'simple' }), search],
    ['a page by words that have stems', () => kit.rows(id, { q: 'oaks', language: 'english' }), [...search, ...look]],
    ['a dump', () => kit.dump(id, 'csv'), search],
    ['a description', () => kit.table(id), []],
    ['an insert', () => kit.upsert(id, [{ v: 'no key' }], { method: 'insert' }), [...script, ...time]],
    ['an insert with a key', () => kit.upsert(id, [{ k: 3 }], { method: 'insert' }), [...look, ...script, ...time]],
    ['an upsert', () => kit.upsert(id, [{ k: 1, v: 'fir' }]), [...look, ...script, ...time]],
    ['an upsert by _id', () => kit.upsert(id, [{ _id: 1, v: 'fir' }]), [...look, ...look, ...script, ...time]],
    ['a deletion of rows', () => kit.deleteRows(id, { k: 3 }), [...look, ...script, ...time]],
  ]
  test.each(cases)('%s', async (_name, work, requests) => {
    expect(await requestsOf(work)).toEqual(requests)
  })

  test('upserts of one key at once wait for each other: none is run twice', async () => {
    const own = await kit.make(COLUMNS, RECORDS, { key: ['k'] })
    const calls = Array.from({ length: 6 }, (_, call) => [{ k: 1, v: `call ${call}` }])
    const requests = await requestsOf(() => Promise.all(calls.map((records) => kit.upsert(own, records))))
    const count = (wanted: string) => requests.filter((request) => request === wanted).length
    expect([count('POST /jobs'), count('POST /queries')]).toEqual([calls.length, calls.length])
    expect(await kit.values(own, 'v')).toEqual(['call 5', 'elm'])
  })

  test('reads go by the one account, writes by the other, which alone may write', async () => {
    const { services } = opened
    const engine = await openOn(services, {
      BIGQUERY_CREDENTIALS: serviceAccount('rw'),
      BIGQUERY_CREDENTIALS_RO: serviceAccount('ro'),
    })
    const split = new Kit(() => engine)
    const own = await split.make(COLUMNS, RECORDS, { key: ['k'] })
    services.bigquery.requests.splice(0)
    await split.upsert(own, [{ k: 1, v: 'fir' }])
    await split.rows(own, { filters: { v: 'fir' } })
    expect(await split.counted(own)).toBe(2)
    const accounts = services.bigquery
      .statements()
      .map(({ sql, account }) => `${account} ${/^\W*(\w+)/.exec(sql)?.[1]}`)
    expect(accounts.filter((line) => line.startsWith('ro'))).toEqual(expect.arrayContaining(['ro SELECT']))
    expect(accounts.filter((line) => !/^r[ow] (SELECT|BEGIN)$/.test(line))).toEqual([])
    expect(accounts).toContain('rw BEGIN')
    await engine.close()
  })

  test('no statement has a value in its text', async () => {
    opened.services.bigquery.requests.splice(0)
    await kit.upsert(id, [{ k: 77, v: 'secret-value' }])
    await kit.rows(id, { filters: { v: 'secret-value' } })
    for (const language of ['simple', 'english']) await kit.rows(id, { q: 'secrets', language })
    await kit.deleteRows(id, { v: 'secret-value' })
    expect(opened.services.bigquery.statements().filter(({ sql }) => sql.includes('secret'))).toEqual([])
  })
})

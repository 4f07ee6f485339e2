import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../src/api/byte-budget.ts'
import { ServiceUnavailable } from '../../src/core/errors.ts'
import { testDatastore } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'

const SEARCH = '/api/3/action/datastore_search'
const UPSERT = '/api/3/action/datastore_upsert'
const CREATE = '/api/3/action/datastore_create'
const FORM = 'application/x-www-form-urlencoded'
const MB = 1024 * 1024

const times = (count: number, text: (index: number) => string, between = ',') =>
  Array.from({ length: count }, (_, index) => text(index)).join(between)
const multipart = (count: number) =>
  `${times(count, (index) => `--b\r\nContent-Disposition: form-data; name="a${index}"\r\n\r\n1\r\n`, '')}--b--\r\n`

/** Requests that would take long, or much memory, on the one thread that serves everybody. */
const hostile: [what: string, line: string, status: number, type?: string][] = [
  ['a query of many names', `GET ${SEARCH}?id=trees&${times(600, (index) => `a${index}=1`, '&')}`, 400],
  ['a form of many names', `POST ${UPSERT} ${times(1_000_000, (index) => `a${index}=1`, '&')}`, 400, FORM],
  ['a form of nothing but &', `POST ${UPSERT} ${'&'.repeat(10 * MB)}`, 400, FORM],
  ['a multipart form of many parts', `POST ${UPSERT} ${multipart(200_000)}`, 400, 'multipart/form-data; boundary=b'],
  ['a multipart form without an end', `POST ${UPSERT} ${'--b\r\n'.repeat(MB)}`, 400, 'multipart/form-data; boundary=b'],
  ['JSON of many names', `POST ${UPSERT} {${times(500_000, (index) => `"a${index}":1`)}}`, 400],
  ['JSON of many long names', `POST ${CREATE} {${times(400, (index) => `"${index}${'a'.repeat(50_000)}":1`)}}`, 413],
  ['parameters beside records', `POST ${UPSERT} {"id": "trees", "x": "${'x'.repeat(5 * MB)}"}`, 413],
  ['the same as a form', `POST ${UPSERT} id=trees&x=${'x'.repeat(5 * MB)}`, 413, FORM],
  ['the body of a read', `POST ${SEARCH} {"id": "trees", "q": "${'x'.repeat(5 * MB)}"}`, 413],
]

const list = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index))
const SPACES = ' '.repeat(100_000)

/** What passes as parameters and would keep the server busy all the same, and the key of the answer. */
const contents: [what: string, action: string, params: object, key: string][] = [
  ['values of a filter', 'datastore_search', { filters: { species: list(10_001, String) } }, 'filters'],
  [
    'values of two filters',
    'datastore_delete',
    { filters: { $or: list(2, () => ({ species: list(6000, String) })) } },
    'filters',
  ],
  ['empty groups', 'datastore_search', { filters: { $or: list(300_000, () => ({})) } }, 'filters'],
  ['a list of empty filters', 'datastore_search', { filters: list(300_000, () => ({})) }, 'filters'],
  ['a long number', 'datastore_search', { filters: { _id: '1'.repeat(1_000_000) } }, 'query'],
  ['blanks in a sort', 'datastore_search', { sort: [`species${SPACES}x`] }, 'sort'],
  ['blanks before a direction', 'datastore_search', { sort: [`species${SPACES}desc${SPACES}x`] }, 'sort'],
  ['many sorts', 'datastore_search', { sort: list(300_000, () => 'species') }, 'sort'],
  ['a long text query', 'datastore_search', { q: 'oak '.repeat(300_000) }, 'q'],
  ['the same of a column', 'datastore_search', { q: { species: 'oak '.repeat(300_000) } }, 'q'],
  ['the same in words of its own', 'datastore_search', { full_text: '!'.repeat(300_000) }, 'full_text'],
  ['columns', 'datastore_create', { fields: list(100_000, (index) => ({ id: `c${index}`, type: 'text' })) }, 'fields'],
  [
    'columns of a schema',
    'datastore_create',
    { schema: { fields: list(60_000, (index) => ({ name: `c${index}` })) } },
    'fields',
  ],
  [
    'keys of the first record',
    'datastore_create',
    { records: [Object.fromEntries(list(50_000, (index) => [`k${index}`, 1]))] },
    'records',
  ],
  ['indexes', 'datastore_create', { indexes: list(300_000, () => 'species') }, 'index'],
  ['aliases', 'datastore_create', { aliases: list(300_000, (index) => `a${index}`) }, 'alias'],
]

describe('requests that would wear the server out', () => {
  for (const [what, line, status, type = 'application/json'] of hostile) {
    test(`${what}: ${status}, at once`, async () => {
      const { ask, engine } = await testDatastore()
      const start = performance.now()
      const response = await ask(line, { headers: { 'Content-Type': type } })
      expect([response.status, (await response.text()).slice(0, 300)]).toEqual([status, expect.stringMatching(/\w/)])
      expect(performance.now() - start).toBeLessThan(1000)
      expect(engine.calls).toEqual([])
    })
  }

  for (const [what, action, params, key] of contents) {
    test(`${what}: 409 under ${key}, at once`, async () => {
      const { ask, engine } = await testDatastore()
      const line = `POST /api/3/action/${action} ${JSON.stringify({ id: 'trees', ...params })}`
      const start = performance.now()
      await expectError(await ask(line), 409, 'Validation Error', { [key]: [expect.stringMatching(/\w/)] })
      expect(performance.now() - start).toBeLessThan(1500)
      expect(engine.calls.filter((name) => name !== 'describe')).toEqual([])
    })
  }

  test('records may take all of MAX_REQUEST_BODY_MB, in JSON and in a form', async () => {
    const { ask } = await testDatastore()
    const records = `[${times(5000, (index) => `{"species": "${index}${'s'.repeat(1000)}"}`)}]`
    expect((await ask(`POST ${UPSERT} {"id": "trees", "records": ${records}}`)).status).toBe(200)
    const form = { headers: { 'Content-Type': FORM } }
    expect((await ask(`POST ${UPSERT} id=trees&records=${encodeURIComponent(records)}`, form)).status).toBe(200)
  })

  test('links that nobody could follow are left out', async () => {
    const { ask } = await testDatastore()
    const links = async (length: number) => {
      const values = times(length, (index) => `"value ${index}"`)
      const body = await (
        await ask(`POST ${SEARCH} {"id": "trees", "limit": 1, "filters": {"species": [${values}]}}`)
      ).json()
      return body.result._links
    }
    expect(await links(10)).toMatchObject({
      start: expect.stringContaining('value'),
      page: 1,
      next: expect.any(String),
    })
    expect(await links(9000)).toEqual({ page_size: 1, page: 1, total_pages: 3 })
  })
})

describe('bodies in memory', () => {
  const budget = () => new ByteBudget({ bytes: 100, waitSeconds: 0.05, sentence: 'Too many.' })

  test('who finds no room waits for it', async () => {
    const shared = budget()
    const [first, second] = [shared.share(), shared.share()]
    await first.take(60)
    const waiting = second.take(60)
    first.release()
    await waiting
  })

  test('in the order of asking, and not for ever', async () => {
    const shared = budget()
    const [first, second, third] = [shared.share(), shared.share(), shared.share()]
    await first.take(90)
    const refused = expect(second.take(60)).rejects.toThrow(ServiceUnavailable)
    const behind = third.take(10)
    await refused
    await behind
    await expect(second.take(1)).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
  })

  test('what was refused holds nothing', async () => {
    const shared = budget()
    const [first, second] = [shared.share(), shared.share()]
    await first.take(100)
    await expect(second.take(1)).rejects.toThrow('Too many.')
    second.release()
    first.release()
    await second.take(100)
  })

  test('of reads, which need no token, keep no writer out', async () => {
    const { ask } = await testDatastore({ env: { MAX_REQUEST_BODY_MB: '2' } })
    const ends: (() => void)[] = []
    const text = new TextEncoder().encode(`{"id": "trees"}${' '.repeat(2 * MB - 100)}`)
    const send = () => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(text)
          ends.push(() => controller.close())
        },
      })
      return ask(`POST ${SEARCH}`, {
        body,
        headers: { 'Content-Type': 'application/json' },
        duplex: 'half',
      } as RequestInit)
    }
    const held = Array.from({ length: 9 }, send)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const start = performance.now()
    const records = `[${times(1500, (index) => `{"species": "${index}${'s'.repeat(1000)}"}`)}]`
    expect((await ask(`POST ${UPSERT} {"id": "trees", "records": ${records}}`)).status).toBe(200)
    expect(performance.now() - start).toBeLessThan(2000)
    for (const end of ends) end()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(Array(9).fill(200))
  })

  test('of requests: the ninth large one waits, and is answered when one of the others is through', async () => {
    const { ask } = await testDatastore({ env: { MAX_REQUEST_BODY_MB: '2' } })
    const ends: (() => void)[] = []
    const text = new TextEncoder().encode(`{"id": "trees", "records": []}${' '.repeat(2 * MB - 100)}`)
    const send = () => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(text)
          ends.push(() => controller.close())
        },
      })
      const headers = { 'Content-Type': 'application/json', 'Content-Length': String(text.length) }
      return ask(`POST ${UPSERT}`, { body, headers, duplex: 'half' } as RequestInit)
    }
    const held = Array.from({ length: 8 }, send)
    await new Promise((resolve) => setTimeout(resolve, 20))
    let isAnswered = false
    const ninth = send().then((response) => {
      isAnswered = true
      return response
    })
    ends[8]?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(isAnswered).toBe(false)
    ends[0]?.()
    expect((await ninth).status).toBe(200)
    for (const end of ends.slice(1, 8)) end()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual(Array(8).fill(200))
  })
})

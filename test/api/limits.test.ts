import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../src/api/byte-budget.ts'
import { ServiceUnavailable } from '../../src/core/errors.ts'
import { testDatastore } from '../fixtures/datastore.ts'

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
  ['a form of nothing but &', `POST ${UPSERT} ${'&'.repeat(40 * MB)}`, 400, FORM],
  ['a multipart form of many parts', `POST ${UPSERT} ${multipart(200_000)}`, 400, 'multipart/form-data; boundary=b'],
  ['a multipart form without an end', `POST ${UPSERT} ${'--b\r\n'.repeat(MB)}`, 400, 'multipart/form-data; boundary=b'],
  ['JSON of many names', `POST ${UPSERT} {${times(500_000, (index) => `"a${index}":1`)}}`, 400],
  ['JSON of many long names', `POST ${CREATE} {${times(400, (index) => `"${index}${'a'.repeat(50_000)}":1`)}}`, 413],
  ['parameters beside records', `POST ${UPSERT} {"id": "trees", "x": "${'x'.repeat(5 * MB)}"}`, 413],
  ['the same as a form', `POST ${UPSERT} id=trees&x=${'x'.repeat(5 * MB)}`, 413, FORM],
  ['the body of a read', `POST ${SEARCH} {"id": "trees", "q": "${'x'.repeat(5 * MB)}"}`, 413],
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

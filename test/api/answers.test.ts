import { Value } from '@sinclair/typebox/value'
import { describe, expect, test } from 'vitest'
import { operations } from '../../src/api/routes.ts'
import {
  BadRequest,
  ConflictError,
  type DatastoreError,
  TooManyRequests,
  ValidationError,
} from '../../src/core/errors.ts'
import { SuccessEnvelope } from '../../src/schemas/envelope.ts'
import { testDatastore } from '../fixtures/datastore.ts'
import { expectBadRequest, expectError } from '../fixtures/envelope.ts'
import { streamOf } from '../fixtures/fake-engine.ts'

const SEARCH = 'GET /api/3/action/datastore_search?resource_id=trees'

describe('§1.6 success envelope', () => {
  for (const { name, kind, result } of operations) {
    const path: Record<string, string> = {
      datastore_search: 'GET /api/action/datastore_search?id=trees&limit=2',
      datastore_info: 'GET /api/3/action/datastore_info?id=trees',
      datastore_create: 'POST /api/3/action/datastore_create {"id": "new", "fields": [{"id": "a", "type": "text"}]}',
      datastore_delete: 'POST /api/3/action/datastore_delete {"id": "trees"}',
      datastore_records_delete: 'POST /api/3/action/datastore_records_delete {"id": "trees", "filters": {}}',
      help_show: 'GET /api/3/action/help_show?name=datastore_search',
    }
    const line = path[name]
    if (kind !== 'action' || !line) continue
    test(`of ${name}`, async () => {
      const { ask } = await testDatastore()
      const response = await ask(line)
      const body: unknown = await response.json()
      expect([...Value.Errors(SuccessEnvelope(result), body)], JSON.stringify(body)).toEqual([])
      expect(body).toMatchObject({ help: `http://localhost:8000/api/3/action/help_show?name=${name}` })
      expect(response.headers.get('content-type')).toBe('application/json;charset=utf-8')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    })
  }

  const rows = (records: string | (string | Error)[]) => ({
    search: async () => ({
      records: typeof records === 'string' ? new TextEncoder().encode(records) : streamOf(records),
      rows: 1,
      total: 1,
      revision: 1,
    }),
  })

  test('records go out as they are, digits and all', async () => {
    const { ask } = await testDatastore({ engine: rows('{"_id":1,"n":10.50},{"_id":2,"n":12345678901234567890}') })
    const response = await ask(SEARCH)
    const text = await response.text()
    expect(text).toContain('"records": [{"_id":1,"n":10.50},{"_id":2,"n":12345678901234567890}]')
    expect(JSON.parse(text)).toMatchObject({ success: true })
    expect(response.headers.get('content-length')).toBe(String(new TextEncoder().encode(text).length))
  })

  test('records that stream', async () => {
    const { ask } = await testDatastore({ engine: rows(['{"_id":1}', ',{"_id":2}']) })
    const response = await ask(SEARCH)
    expect(response.headers.get('content-length')).toBe(null)
    expect(await response.json()).toMatchObject({ result: { records: [{ _id: 1 }, { _id: 2 }] } })
  })

  test('no records', async () => {
    const { ask } = await testDatastore({ engine: rows('') })
    expect(await (await ask(SEARCH)).json()).toMatchObject({ result: { records: [] } })
    expect(await (await ask(`${SEARCH}&records_format=csv`)).json()).toMatchObject({ result: { records: '' } })
  })

  test('csv becomes one string, whatever it holds and however it is cut', async () => {
    const csv = `1,"a ""quoted"" \\ one",\u0000\u0001\b\t\n\f\r\u001f\u007f\u2028,ü😀\n`
    const bytes = new TextEncoder().encode(csv)
    const cut = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      },
    })
    for (const records of [bytes, cut]) {
      const { ask } = await testDatastore({ engine: { search: async () => ({ records, total: 1, revision: 1 }) } })
      const body = (await (await ask(`${SEARCH}&records_format=csv`)).json()) as { result: { records: string } }
      expect(body.result.records).toBe(csv)
    }
  })

  test('warnings', async () => {
    const { ask } = await testDatastore()
    const body = await (await ask('POST /api/3/action/datastore_upsert {"id": "trees", "colour": 1}')).json()
    expect(body).toMatchObject({ warnings: ['The parameter "colour" is unknown here and was ignored.'] })
  })

  test('§8.1 create echoes what it does not know', async () => {
    const { ask } = await testDatastore()
    const body = await (await ask('POST /api/3/action/datastore_create {"id": "new", "colour": "red"}')).json()
    expect(body).toMatchObject({ result: { __extras: { colour: 'red' } } })
  })
})

describe('§1.7 JSONP', () => {
  test('wraps a GET', async () => {
    const { ask } = await testDatastore()
    const response = await ask(`${SEARCH}&callback=show<me>`)
    expect(response.headers.get('content-type')).toBe('application/javascript;charset=utf-8')
    expect(await response.text()).toMatch(/^show&lt;me&gt;\(\{"help".*\}\);$/)
  })
  test('not a POST', async () => {
    const { ask } = await testDatastore()
    const response = await ask('POST /api/3/action/datastore_search {"id": "trees", "callback": "f"}')
    expect(await response.json()).toMatchObject({ success: true })
  })
  test('not an error', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask(`${SEARCH}&limit=x&callback=f`), 409, 'Validation Error')
  })
})

/** What an engine throws, and what the client reads (contract §2.2, §10.3). */
const thrown: [DatastoreError, number, string, Record<string, unknown>][] = [
  [
    new ValidationError({ query: ['Search took too long'] }),
    409,
    'Validation Error',
    {
      message: 'query: Search took too long',
      query: ['Search took too long'],
      fields: { query: ['Search took too long'] },
    },
  ],
  [
    new ValidationError({ fields: [{}, { id: ['"_x" is not a valid field name'] }] }),
    409,
    'Validation Error',
    { message: 'fields: "_x" is not a valid field name', fields: [{}, { id: ['"_x" is not a valid field name'] }] },
  ],
  [
    new ValidationError({ records: ['bad'], records_row: 7 }),
    409,
    'Validation Error',
    { records: ['bad'], records_row: 7, fields: { records: ['bad'] } },
  ],
  [new ConflictError('n is an integer'), 409, 'Conflict Error', { message: 'n is an integer' }],
  [new TooManyRequests('Too much SQL at once', 2.5), 429, 'Too Many Requests', { message: 'Too much SQL at once' }],
]

describe('§10.3 errors', () => {
  for (const [error, status, type, detail] of thrown) {
    test(error.message, async () => {
      const { ask } = await testDatastore({ engine: { search: () => Promise.reject(error) } })
      const body = await expectError(await ask(SEARCH), status, type)
      expect(body).toEqual({ __type: type, message: error.message, ...detail })
    })
  }

  test('429 says when to come again', async () => {
    const { ask } = await testDatastore({ engine: { search: () => Promise.reject(new TooManyRequests('x', 2.5)) } })
    expect((await ask(SEARCH)).headers.get('retry-after')).toBe('3')
  })

  test('a bare 400 stays one', async () => {
    const { ask } = await testDatastore({ engine: { search: () => Promise.reject(new BadRequest('so')) } })
    await expectBadRequest(await ask(SEARCH), 'Bad request: so')
  })

  const defect = Object.assign(new Error(`It can't be: cast failed for value "secret-cell" of 'secret-table'`), {
    detail: 'secret-detail',
  })

  test('a defect is a bare 500; the log has it without the values', async () => {
    const { ask, log } = await testDatastore({ engine: { search: () => Promise.reject(defect) } })
    const response = await ask(SEARCH, { headers: { 'X-Request-Id': 'r-1' } })
    const body = await expectError(response, 500, 'Internal Server Error')
    expect(body).toEqual({ __type: 'Internal Server Error', message: 'Internal Server Error' })
    const entry = log.find(({ properties }) => properties.error === 'Error')
    expect(entry?.properties).toMatchObject({
      requestId: 'r-1',
      action: 'datastore_search',
      reason: "It can't be: cast failed for value … of …",
    })
    expect(JSON.stringify(log)).not.toMatch(/secret/)
  })

  test('a stream that fails at once is an error like any other', async () => {
    const records = streamOf([defect])
    const { ask } = await testDatastore({ engine: { dump: async () => ({ kind: 'stream', stream: records }) } })
    await expectError(await ask('GET /datastore/dump/trees?format=ndjson'), 500, 'Internal Server Error')
  })

  test('a stream that fails later breaks', async () => {
    const stream = streamOf(['{"_id":1}\n', defect])
    const { ask, log } = await testDatastore({ engine: { dump: async () => ({ kind: 'stream', stream }) } })
    const response = await ask('GET /datastore/dump/trees?format=ndjson')
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect(log.at(-1)?.properties).toMatchObject({ action: 'dump', status: 200, bytes: 10, cut: 'failed' })
  })
})

describe('§9.6 _links', () => {
  const links = async (line: string, init: RequestInit = {}) => {
    const { ask } = await testDatastore({ env: { SITE_URL: 'https://data.example.org' } })
    const body = (await (await ask(line, init)).json()) as { result: { _links: Record<string, unknown> } }
    return body.result._links
  }
  const site = 'https://data.example.org/api/3/action/datastore_search'

  test('first page', async () =>
    expect(await links(`${SEARCH}&limit=2`)).toEqual({
      start: `${site}?resource_id=trees&limit=2`,
      next: `${site}?resource_id=trees&limit=2&offset=2`,
      page_size: 2,
      page: 1,
      total_pages: 2,
    }))
  test('second page', async () =>
    expect(await links(`${SEARCH}&offset=2&limit=2`)).toEqual({
      start: `${site}?resource_id=trees&limit=2`,
      prev: `${site}?resource_id=trees&limit=2&offset=0`,
      page_size: 2,
      page: 2,
      total_pages: 2,
    }))
  test('past the end', async () =>
    expect(await links(`${SEARCH}&offset=9&limit=2`)).toEqual({
      start: `${site}?resource_id=trees&limit=2`,
      prev: `${site}?resource_id=trees&limit=2&offset=7`,
      page_size: 2,
    }))
  test('counting only', async () =>
    expect(await links(`${SEARCH}&limit=0`)).toEqual({ start: `${site}?resource_id=trees&limit=0` }))
  test('of a POST: as the GET that it amounts to', async () =>
    expect(
      await links(
        'POST /api/action/datastore_search {"id": "trees", "limit": 2, "fields": ["species", "height"], "q": null}',
      ),
    ).toMatchObject({
      next: 'https://data.example.org/api/action/datastore_search?id=trees&limit=2&fields=species&fields=height&offset=2',
    }))
  test('never hold a callback', async () => {
    const { ask } = await testDatastore()
    expect(await (await ask(`${SEARCH}&limit=1&callback=f`)).text()).not.toMatch(/callback=/)
  })
})

import { describe, expect, test, vi } from 'vitest'
import { testDatastore } from '../fixtures/datastore.ts'
import { expectBadRequest, expectError } from '../fixtures/envelope.ts'

const SEARCH = '/api/3/action/datastore_search'
const UPSERT = '/api/3/action/datastore_upsert'
const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

const found = async (line: string, type?: string) => {
  const { ask } = await testDatastore()
  const response = await ask(line, { headers: type === undefined ? {} : { 'Content-Type': type } })
  const body = (await response.json()) as { result?: { limit: number; resource_id: string } }
  return [response.status, body.result?.resource_id, body.result?.limit]
}

/** Contract §1.3: where parameters come from. Each finds `trees` with limit 2. */
const sources: [name: string, line: string, type?: string][] = [
  ['query', `GET ${SEARCH}?resource_id=trees&limit=2`],
  ['JSON', `POST ${SEARCH} {"resource_id": "trees", "limit": 2}`],
  [
    'JSON with a media type of its own',
    `POST ${SEARCH} {"id": "trees", "limit": "2"}`,
    'application/vnd.api+json; charset=utf-8',
  ],
  ['urlencoded form', `POST ${SEARCH} resource_id=trees&limit=2`, FORM],
  ['JSON sent as a form, as by curl -d', `POST ${SEARCH} {"resource_id": "trees", "limit": 2}`, FORM],
  ['the same with = and & in it', `POST ${SEARCH} {"resource_id": "trees", "limit": 2, "q": "a=b&c"}`, FORM],
  ['encoded JSON sent as a form', `POST ${SEARCH} ${encodeURIComponent('{"resource_id": "trees", "limit": 2}')}`, FORM],
  [
    'the same with a value of 1',
    `POST ${SEARCH} ${encodeURIComponent('{"resource_id": "trees", "limit": 2}')}=1`,
    FORM,
  ],
  ['query rather than a JSON body', `POST ${SEARCH}?resource_id=trees&limit=2 {"resource_id": "x", "limit": 9}`],
  ['form rather than the query', `POST ${SEARCH}?resource_id=x&limit=9 resource_id=trees&limit=2`, FORM],
]

describe('§1.3 parameters come from', () => {
  for (const [name, line, type] of sources) {
    test(name, async () => expect(await found(line, type)).toEqual([200, 'trees', 2]))
  }

  test('multipart form', async () => {
    const { ask } = await testDatastore()
    const form = new FormData()
    form.set('resource_id', 'trees')
    form.set('limit', new File(['2'], 'limit.txt'))
    const response = await ask(`POST ${SEARCH}`, { body: form })
    expect(await response.json()).toMatchObject({ success: true, result: { limit: 2 } })
  })

  test('nothing: an empty JSON body', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask(`POST ${SEARCH}`), 409, 'Validation Error', { resource_id: ['Missing value'] })
  })

  test('never the query of a write', async () => {
    const { ask } = await testDatastore()
    const response = await ask(`POST ${UPSERT}?resource_id=trees {"records": []}`)
    await expectError(response, 409, 'Validation Error', { resource_id: ['Missing value'] })
  })

  test('a name given twice: a list', async () => {
    const { ask } = await testDatastore()
    const response = await ask(`GET ${SEARCH}?resource_id=trees&limit=1&limit=2`)
    await expectError(response, 409, 'Validation Error', { limit: ['Invalid integer'] })
  })
})

const ERROR = 'Bad request: JSON Error: '
const refusals: [line: string, type: string, start: string][] = [
  [
    `POST ${SEARCH} {"a": `,
    JSON_TYPE,
    `${ERROR}Error decoding JSON data. Error: Expecting value: line 1 column 7 (char 6)`,
  ],
  [`POST ${SEARCH} {"a": 1} x`, JSON_TYPE, `${ERROR}Error decoding JSON data. Error: Extra data`],
  [`POST ${SEARCH} [1]`, JSON_TYPE, `${ERROR}Request data JSON decoded to [1] but it needs to be a dictionary.`],
  [`POST ${SEARCH} "x"`, JSON_TYPE, `${ERROR}Request data JSON decoded to 'x' but it needs to be a dictionary.`],
  [`POST ${SEARCH} resource_id=1`, FORM, `${ERROR}Error decoding JSON data.`],
  [`POST ${SEARCH} resource_id=`, FORM, `${ERROR}Error decoding JSON data.`],
  [`POST ${SEARCH} {"filters": ${'['.repeat(100)}${']'.repeat(100)}}`, JSON_TYPE, `${ERROR}Error decoding JSON data.`],
  [`POST ${SEARCH} --x`, 'multipart/form-data; boundary=y', `${ERROR}the multipart form could not be read`],
  [`GET ${UPSERT}?resource_id=trees`, '', `${ERROR}Invalid request. Please use POST method for your request`],
  ['GET /api/3/action/datastore_nothing', '', 'Bad request: Action name not known: datastore_nothing'],
  ['POST /api/action/datastore_nothing {', JSON_TYPE, 'Bad request: Action name not known: datastore_nothing'],
]

describe('§1.2, §1.3 refused with a bare 400', () => {
  for (const [line, type, start] of refusals) {
    test(line.slice(0, 80), async () => {
      const { ask, engine } = await testDatastore()
      await expectBadRequest(await ask(line, { headers: { 'Content-Type': type } }), start)
      expect(engine.calls).toEqual([])
    })
  }
})

describe('§1.3 refused with 415', () => {
  for (const type of ['text/plain', 'application/xml', 'application/jsonx']) {
    test(type, async () => {
      const { ask } = await testDatastore()
      const response = await ask(`POST ${SEARCH} {"resource_id": "trees"}`, { headers: { 'Content-Type': type } })
      await expectError(response, 415, 'Unsupported Media Type')
    })
  }
})

describe('body limit', () => {
  const LIMIT = { env: { MAX_REQUEST_BODY_MB: '1' } }
  const large = 'x'.repeat(1024 * 1024)

  test('by Content-Length, before anything is read', async () => {
    const { ask } = await testDatastore(LIMIT)
    const pull = vi.fn()
    const body = new ReadableStream({ pull }, { highWaterMark: 0 })
    const init = { body, duplex: 'half', headers: { 'Content-Length': '1048577', 'Content-Type': JSON_TYPE } }
    await expectError(await ask(`POST ${UPSERT}`, init as RequestInit), 413, 'Payload Too Large')
    expect(pull).not.toHaveBeenCalled()
  })

  test('while it streams in', async () => {
    const { ask, engine } = await testDatastore(LIMIT)
    let sent = 0
    const body = new ReadableStream(
      {
        pull(controller) {
          sent++
          controller.enqueue(new TextEncoder().encode(`{"records": "${large}`))
        },
      },
      { highWaterMark: 0 },
    )
    const init = { body, duplex: 'half', headers: { 'Content-Type': JSON_TYPE } }
    await expectError(await ask(`POST ${UPSERT}`, init as RequestInit), 413, 'Payload Too Large')
    expect(sent).toBeLessThan(3)
    expect(engine.calls).toEqual([])
  })
})

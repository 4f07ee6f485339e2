// biome-ignore-all format: one case a line
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../src/app.ts'
import { NotAuthorized } from '../../src/core/errors.ts'
import { spyingProvider, testDatastore, toRequest } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'
import { unzip } from '../fixtures/unzip.ts'
import { readParquet } from '../suites/engine/parquet.ts'

let path: string
let datastore: Datastore
let denied = false

const { provider } = spyingProvider(({ resourceId }) => {
  if (denied || resourceId === 'closed') throw new NotAuthorized('no')
  return {}
})
const ask = (line: string, headers: Record<string, string> = {}) =>
  datastore.fetch(toRequest(line, { headers: { Authorization: 'x', ...headers } }))
const act = async (action: string, params: object) => {
  const response = await ask(`POST /api/3/action/datastore_${action} ${JSON.stringify(params)}`)
  expect([response.status, await response.json()]).toMatchObject([200, { success: true }])
}
const get = (query: string, headers?: Record<string, string>) => ask(`GET /datastore/dump/${query}`, headers)
const tagOf = async (query: string) => (await get(query)).headers.get('etag') as string

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'downloads-'))
  datastore = await createDatastore({ env: { DUCKDB_PATH: path, LOG_LEVEL: 'CRITICAL' }, auth: provider })
  const fields = ['species', 'height'].map((id) => ({ id, type: 'text' }))
  const records = Array.from({ length: 1_000 }, (_, row) => ({ species: `ö${row}`, height: `${row}` }))
  await act('create', { resource_id: 'trees', aliases: 'forest', fields, records })
  await act('create', { resource_id: 'empty', fields: [{ id: 'a', type: 'int' }] })
})
afterAll(async () => {
  await datastore.close()
  await rm(path, { recursive: true, force: true })
})

describe('the version of a download', () => {
  test('is told by ETag, Last-Modified and how long it may be kept', async () => {
    const { headers } = await get('trees')
    expect(Object.fromEntries(headers)).toMatchObject({
      etag: expect.stringMatching(/^"[\w-]+"$/),
      'cache-control': 'private, no-cache',
      vary: expect.stringMatching(/^(?=.*Authorization)(?=.*Accept-Encoding)/),
    })
    const age = Date.now() - Date.parse(headers.get('last-modified') as string)
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(60_000)
  })

  const same = ['trees', 'forest', 'trees.csv', 'trees?format=csv', 'trees?format=', 'trees?bom=no', 'trees?nonsense=1', 'trees?offset=0&offset=7']
  test('is the same for the same file, however it is asked for', async () => {
    expect(new Set(await Promise.all(same.map(tagOf))).size).toBe(1)
  })

  const others = ['trees', 'trees?format=tsv', 'trees?bom=true', 'trees?limit=1', 'trees?offset=1', 'trees?fields=height', 'trees?sort=height', 'trees?filters={"height":"1"}', 'trees?q=1', 'trees?distinct=true', 'empty']
  test('is another for every other file', async () => {
    expect(new Set(await Promise.all(others.map(tagOf))).size).toBe(others.length)
  })

  test('moves with a write', async () => {
    const before = await tagOf('empty')
    await act('upsert', { resource_id: 'empty', method: 'insert', records: [{ a: 1 }] })
    const again = await get('empty', { 'If-None-Match': before })
    expect([again.status, await again.text()]).toEqual([200, '_id,a\r\n1,1\n'])
    await act('delete', { resource_id: 'empty', filters: {}, force: true })
    await act('create', { resource_id: 'empty', fields: [{ id: 'a', type: 'int' }] })
    expect(await tagOf('empty')).not.toBe(before)
  })

  test('makes a 304 for whoever has it', async () => {
    const tag = await tagOf('trees')
    for (const held of [tag, `W/${tag}`, `"x", ${tag}`, '*', `${tag.slice(0, -1)}-gzip"`]) {
      const { status, headers, body } = await get('trees', { 'If-None-Match': held })
      expect([held, status, body, headers.get('cache-control')]).toEqual([held, 304, null, 'private, no-cache'])
    }
    expect((await get('trees?limit=1', { 'If-None-Match': tag })).status).toBe(200)
  })

  test('is told to nobody who may not read', async () => {
    const tag = await tagOf('trees')
    denied = true
    const answer = await get('trees', { 'If-None-Match': tag })
    denied = false
    await expectError(answer, 404, 'Not Found Error')
  })
})

describe('HEAD of a download', () => {
  test('says what GET says, and asks the engine for nothing', async () => {
    const { ask, engine } = await testDatastore()
    const [head, full] = [await ask('HEAD /datastore/dump/trees.ndjson'), await ask('GET /datastore/dump/trees.ndjson')]
    for (const name of ['content-type', 'content-disposition', 'etag', 'last-modified', 'vary', 'cache-control']) {
      expect([name, head.headers.get(name)]).toEqual([name, full.headers.get(name)])
    }
    expect([head.status, await head.text(), engine.calls.filter((name) => name === 'dump')]).toEqual([200, '', ['dump']])
  })

  const mistakes: [string, number][] = [
    ['nothing', 404],
    ['trees?format=doc', 409],
    ['trees?fields=nothing', 409],
    ['trees?filters={"nothing":1}', 409],
  ]
  test.each(mistakes)('%s: %i', async (query, status) => {
    expect((await ask(`HEAD /datastore/dump/${query}`)).status).toBe(status)
  })
})

describe('Content-Length of a download', () => {
  const known = ['csv', 'tsv', 'json', 'ndjson', 'parquet']
  test.each(known.flatMap((format) => [`${format}`, `${format}&limit=0`, `${format}&limit=1&bom=true`]))('%s', async (query) => {
    const response = await get(`trees?format=${query}`)
    const { byteLength } = await response.arrayBuffer()
    expect(response.headers.get('content-length')).toBe(String(byteLength))
  })

  test.each(['xml', 'gzip'])('%s is not known before', async (format) => {
    const response = await get(`trees?format=${format}`)
    expect([(await response.arrayBuffer()).byteLength > 0, response.headers.get('content-length')]).toEqual([true, null])
  })
})

describe('a name that ends as a file does', () => {
  const names: [string, string][] = [
    ['trees.csv', 'text/csv; charset=utf-8'],
    ['forest.tsv', 'text/tab-separated-values; charset=utf-8'],
    ['trees.json', 'application/json; charset=utf-8'],
    ['trees.xml', 'text/xml; charset=utf-8'],
    ['trees.ndjson?format=ndjson', 'application/x-ndjson; charset=utf-8'],
    ['trees.parquet', 'application/vnd.apache.parquet'],
    ['trees.csv.gz', 'application/gzip'],
  ]
  test.each(names)('%s', async (name, type) => {
    const { status, headers } = await get(`${name}${name.includes('?') ? '&' : '?'}limit=1`)
    const file = name.replace('forest', 'trees').replace(/\?.*/, '')
    expect([status, headers.get('content-type'), headers.get('content-disposition')]).toEqual([
      200,
      type,
      `attachment; filename="${file}"`,
    ])
  })

  test('is the name of a table first', async () => {
    await act('create', { resource_id: 'trees.tsv', fields: [{ id: 'own', type: 'int' }] })
    expect(await (await get('trees.tsv')).text()).toBe('_id,own\r\n')
    expect(await (await get('trees.tsv.json')).text()).toContain('"own"')
    await act('delete', { resource_id: 'trees.tsv', force: true })
    expect(await (await get('trees.tsv?limit=0')).text()).toBe('_id\tspecies\theight\r\n')
  })

  const mistakes: [string, number][] = [
    ['trees.csv?format=json', 409],
    ['trees.doc', 404],
    ['.csv', 404],
    ['nothing.csv', 404],
    ['trees.csv.csv', 404],
  ]
  test.each(mistakes)('%s: %i', async (name, status) => {
    expect((await get(name)).status).toBe(status)
  })
})

describe('the result of a statement', () => {
  const line = `/datastore/dump/query?sql=${encodeURIComponent('SELECT * FROM "trees"')}`

  test('where the engine can write it', async () => {
    const { ask } = await testDatastore()
    const response = await ask(`GET ${line}`)
    expect([response.status, await response.text()]).toEqual([200, 'species,height\r\noak,0\nelm,1\nash,2\n'])
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="query.csv"')
  })

  test('too large, or elsewhere', async () => {
    const tooLarge = await testDatastore({ engine: { dumpSql: async () => ({ kind: 'too large', hint: 'Less, please.' }) } })
    await expectError(await tooLarge.ask(`GET ${line}`), 413, 'Payload Too Large', { message: 'Less, please.' })
    const elsewhere = await testDatastore({ engine: { dumpSql: async () => ({ kind: 'redirect', url: 'https://files.example.org/x' }) } })
    expect((await elsewhere.ask(`GET ${line}`)).headers.get('location')).toBe('https://files.example.org/x')
  })

  test.each(['GET', 'HEAD'])('%s is 501 where it can not, before anybody is asked', async (method) => {
    const { provider, questions } = spyingProvider()
    const { ask } = await testDatastore({ auth: provider, engine: { supports: {} } })
    expect((await ask(`${method} ${line}`)).status).toBe(501)
    expect(questions).toEqual([])
  })

  test('is no table', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask('GET /datastore/dump/query'), 409, 'Validation Error', { sql: ['Missing value'] })
    await expectError(await ask('POST /api/3/action/datastore_create {"resource_id": "query", "fields": []}'), 409, 'Validation Error')
  })
})

describe('parts=zip', () => {
  test('is a zip file, however many files the engine makes', async () => {
    const response = await get('trees.parquet?parts=zip')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="trees.zip"',
    })
    const files = await unzip(new Uint8Array(await response.arrayBuffer()))
    expect([...files.keys()]).toEqual(['trees.parquet'])
    expect(await readParquet(files.get('trees.parquet') as Uint8Array)).toHaveLength(1_000)
    const head = await ask('HEAD /datastore/dump/trees?format=parquet&parts=zip')
    expect(head.headers.get('content-type')).toBe('application/zip')
  })

  test('of an SQL result', async () => {
    const response = await get(`query?${new URLSearchParams({ sql: 'SELECT species FROM trees LIMIT 2', format: 'parquet', parts: 'zip' })}`)
    const files = await unzip(new Uint8Array(await response.arrayBuffer()))
    expect(await readParquet(files.get('query.parquet') as Uint8Array)).toHaveLength(2)
  })

  test('is refused for formats that are one file anyway', async () => {
    for (const query of ['trees?parts=zip', 'trees?format=parquet&parts=tar', 'query?sql=SELECT+1&parts=zip'])
      await expectError(await get(query), 409, 'Validation Error', { parts: [expect.any(String)] })
  })
})

// biome-ignore-all format: one case a line
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { serve } from '../../adapters/node/serve.ts'
import { readAcceptEncoding } from '../../src/api/accept-encoding.ts'
import { createLogger } from '../../src/core/log.ts'
import { testDatastore } from '../fixtures/datastore.ts'
import { createFakeEngine, type FakeEngine, streamOf } from '../fixtures/fake-engine.ts'

const GZIP = { 'Accept-Encoding': 'gzip' }
const SEARCH = 'GET /api/3/action/datastore_search?id=trees'
const SQL = `GET /api/3/action/datastore_search_sql?sql=${encodeURIComponent('SELECT * FROM "trees"')}`
const INFO = 'GET /api/3/action/datastore_info?id=trees'
const DUMP = 'GET /datastore/dump/trees'

describe('Accept-Encoding', () => {
  const cases: [string | null, string][] = [
    [null, 'plain'],
    ['', 'plain'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1, br;q=0.9', 'gzip'],
    ['br;q=0, gzip;q=0.1', 'gzip'],
    ['gzip ; q=0.5 , identity;q=0.5', 'gzip'],
    ['gzip;q=0.5, identity', 'plain'],
    ['identity, gzip', 'gzip'],
    ['zstd, deflate', 'plain'],
    ['gzip;q=0', 'plain'],
    ['gzip;q=0.000', 'plain'],
    ['*', 'br'],
    ['*;q=0', 'plain'],
    ['br;q=0, *', 'gzip'],
    ['br;q=0, gzip;q=0, *', 'plain'],
    ['identity;q=0', 'plain'],
    ['identity;q=0, gzip', 'only gzip'],
    ['gzip, *;q=0', 'only gzip'],
    ['identity;q=0, *', 'only br'],
    ['identity;q=0, gzip;q=0', 'plain'],
    ['gzip;q=', 'plain'],
    ['gzip;q=2', 'plain'],
    ['gzip;q=x', 'plain'],
    [';;,,=', 'plain'],
  ]
  test.each(cases)('%s: %s', (header, outcome) => {
    const { encoding = 'plain', required } = readAcceptEncoding(header, ['br', 'gzip'])
    expect(`${required ? 'only ' : ''}${encoding}`).toBe(outcome)
  })
})

/** Some rows of 40 bytes each. */
const rowsOf = (count: number) => Array.from({ length: count }, (_, row) => ({ _id: row + 1, species: `oak ${row}`, height: '1' }))

async function datastore(rows: number, env: Record<string, string> = {}, engine: Partial<FakeEngine> = {}) {
  const tested = await testDatastore({ env, engine })
  tested.engine.rows.set('trees', rowsOf(rows))
  return tested
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('an answer with data', () => {
  const calls = [`${SEARCH}&limit=1000`, `${SEARCH}&limit=1000&callback=f`, SQL, DUMP, `${DUMP}.tsv`, `${DUMP}.json`, `${DUMP}?bom=true`]
  test.each(calls)('%s is compressed for who accepts that', async (line) => {
    const { ask } = await datastore(200)
    const [plain, gzip] = [await ask(line), await ask(line, { headers: GZIP })]
    expect([plain.headers.get('content-encoding'), gzip.headers.get('content-encoding')]).toEqual([null, 'gzip'])
    for (const { headers } of [plain, gzip]) expect(headers.get('vary')).toContain('Accept-Encoding')
    expect(gzip.headers.get('content-type')).toBe(plain.headers.get('content-type'))
    const bytes = await bytesOf(gzip)
    expect([null, String(bytes.length)]).toContain(gzip.headers.get('content-length'))
    expect(gunzipSync(bytes).equals(await bytesOf(plain))).toBe(true)
  })

  test('of a table with many columns: datastore_info', async () => {
    const { ask } = await datastore(1)
    const fields = Array.from({ length: 30 }, (_, at) => ({ id: `column_${at}`, type: 'text' }))
    await ask(`POST /api/3/action/datastore_create ${JSON.stringify({ resource_id: 'wide', fields })}`)
    const line = INFO.replace('trees', 'wide')
    const gzip = await ask(line, { headers: GZIP })
    expect(gzip.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(await bytesOf(gzip)).equals(await bytesOf(await ask(line)))).toBe(true)
  })

  test('of a megabyte and more', async () => {
    const { ask } = await datastore(40_000, { SEARCH_RESULT_ROWS_MAX: '100000' })
    const line = `${SEARCH}&limit=40000`
    const gzip = await bytesOf(await ask(line, { headers: GZIP }))
    const plain = await bytesOf(await ask(line))
    expect(plain.length).toBeGreaterThan(1024 * 1024)
    expect(gunzipSync(gzip).equals(plain)).toBe(true)
  })

  const small: [string, number, Record<string, string>, string | null][] = [
    [SEARCH, 1, GZIP, null],
    [DUMP, 1, GZIP, null],
    [INFO, 1, GZIP, null],
    [DUMP, 100, GZIP, 'gzip'],
    [SEARCH, 1, { 'Accept-Encoding': 'gzip, identity;q=0' }, 'gzip'],
    [DUMP, 1, { 'Accept-Encoding': 'gzip, identity;q=0' }, 'gzip'],
    [DUMP, 100, { 'Accept-Encoding': 'identity;q=0' }, null],
    [DUMP, 100, { 'Accept-Encoding': 'br' }, null],
    [`${DUMP}.parquet`, 100, GZIP, null],
    [`${DUMP}.csv.gz`, 100, { 'Accept-Encoding': 'gzip, identity;q=0' }, null],
    ['GET /health', 1, { 'Accept-Encoding': 'gzip, identity;q=0' }, null],
    [`POST /api/3/action/datastore_upsert {"resource_id":"trees","include_records":true,"method":"insert","records":[${'{"species":"oak"},'.repeat(99)}{"species":"oak"}]}`, 1, GZIP, null],
  ]
  test.each(small)('%s of %i rows with %j: %s', async (line, rows, headers, encoding) => {
    const { ask } = await datastore(rows)
    const response = await ask(line, { headers })
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, encoding])
    await response.arrayBuffer()
  })

  test('errors go out as they are', async () => {
    const { ask } = await datastore(1)
    const { status, headers } = await ask(`GET /api/3/action/datastore_search?id=${'x'.repeat(2000)}`, { headers: GZIP })
    expect([status, headers.get('content-encoding')]).toEqual([404, null])
  })

  test('COMPRESSION=false', async () => {
    const { ask } = await datastore(200, { COMPRESSION: 'false' })
    for (const line of [`${SEARCH}&limit=200`, DUMP, SQL]) {
      const response = await ask(line, { headers: GZIP })
      expect([response.headers.get('content-encoding'), response.status]).toEqual([null, 200])
      await response.arrayBuffer()
    }
  })
})

describe('the version of a compressed answer', () => {
  test.each([`${SEARCH}&limit=100`, DUMP])('%s has a tag of its own, and either is enough for a 304', async (line) => {
    const { ask } = await datastore(100)
    const plain = (await ask(line)).headers.get('etag') as string
    const gzip = (await ask(line, { headers: GZIP })).headers.get('etag') as string
    expect(gzip).toBe(`${plain.slice(0, -1)}-gzip"`)
    for (const held of [plain, gzip]) {
      for (const headers of [{}, GZIP]) {
        const response = await ask(line, { headers: { ...headers, 'If-None-Match': held } })
        expect([response.status, response.headers.get('etag')]).toEqual([304, held])
      }
    }
  })
})

describe('Node', () => {
  test('compresses with what it has', async () => {
    const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
    const { url, close } = await serve({ env: { PORT: '0' }, engine: createFakeEngine(), logger })
    const ask = (encoding: string) => fetch(`${url}/datastore/dump/trees`, { headers: { 'Accept-Encoding': `${encoding}, identity;q=0` } })
    const answers = await Promise.all(['gzip', 'br', 'gzip, br', 'deflate'].map(ask))
    expect(answers.map(({ headers }) => headers.get('content-encoding'))).toEqual(['gzip', 'br', 'br', null])
    expect(new Set(answers.map(({ headers }) => headers.get('etag'))).size).toBe(3)
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1)
    await close(0)
  })
})

describe('an answer that is kept', () => {
  afterEach(() => void vi.unstubAllGlobals())

  test('is compressed once, and again after a write', async () => {
    let made = 0
    vi.stubGlobal('CompressionStream', class extends CompressionStream {
      constructor(format: CompressionFormat) {
        super(format)
        made += 1
      }
    })
    const { ask, engine } = await datastore(100)
    const get = async () => gunzipSync(await bytesOf(await ask(`${SEARCH}&limit=100`, { headers: GZIP }))).toString()
    const [first, second] = [await get(), await get()]
    expect([first === second, made, engine.calls.filter((name) => name === 'search').length]).toEqual([true, 1, 1])
    const plain = await (await ask(`${SEARCH}&limit=100`)).text()
    expect([plain === first, await get()]).toEqual([true, first])
    expect(made).toBe(1)
  })
})

describe('an answer that fails', () => {
  const rows = Array.from({ length: 20_000 }, (_, row) => `${row},${Math.random()}\n`)

  test('before its start is an error', async () => {
    const { ask } = await datastore(1, {}, { dump: async () => ({ kind: 'stream', stream: streamOf(['1,2\n', new Error('disk')]) }) })
    const response = await ask(`${DUMP}?format=ndjson`, { headers: GZIP })
    expect([response.status, response.headers.get('content-encoding'), response.headers.get('content-type')]).toEqual([500, null, 'application/json;charset=utf-8'])
  })

  test.each(['gzip', 'br'])('half-way breaks the connection: %s', async (encoding) => {
    const failing = () => new TransformStream<Uint8Array, Uint8Array>({ flush: () => sleep(50).then(() => Promise.reject(new Error('disk'))) })
    const dump: FakeEngine['dump'] = async () => ({ kind: 'stream', stream: streamOf(rows).pipeThrough(failing()) })
    const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
    const running = await serve({ env: { PORT: '0' }, engine: Object.assign(createFakeEngine(), { dump }), logger })
    const response = await fetch(`${running.url}/datastore/dump/trees?format=ndjson`, { headers: { 'Accept-Encoding': encoding } })
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, encoding])
    await expect(response.text()).rejects.toThrow()
    await running.close(0)
  })

  test('to be read lets go of its source', async () => {
    const cancel = vi.fn()
    const line = new TextEncoder().encode('x,y\n'.repeat(10_000))
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(line), cancel }, { highWaterMark: 0 })
    const { ask, log } = await datastore(1, {}, { dump: async () => ({ kind: 'stream', stream }) })
    const reader = (await ask(DUMP, { headers: GZIP })).body?.getReader()
    await reader?.read()
    await reader?.cancel('enough')
    expect(cancel).toHaveBeenCalledOnce()
    expect(log.at(-1)?.properties).toMatchObject({ action: 'dump', cut: 'aborted' })
  })
})

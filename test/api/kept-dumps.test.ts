// biome-ignore-all format: one case a line
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { readConfig } from '../../src/core/config.ts'
import { NotAuthorized } from '../../src/core/errors.ts'
import { createLogger, type LogRecord } from '../../src/core/log.ts'
import { loadEngine } from '../../src/infrastructure/engines/registry.ts'
import { spyingProvider } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'

/** Some megabytes of csv, in many pieces: more than sockets hold. */
const ROWS = 40_000
const NOISE = 'noise '.repeat(40)

let folder: string
let running: Running
let log: LogRecord[] = []
/** What the engine was asked to write. */
let dumps = 0
/** What every piece of a dump but the first waits for. */
let gate: Promise<void> | undefined
let denied = false

const { provider } = spyingProvider(() => {
  if (denied) throw new NotAuthorized('no')
  return {}
})

async function start(env: Record<string, string> = {}): Promise<void> {
  const settings = { DUCKDB_PATH: folder, PORT: '0', MAX_REQUEST_BODY_MB: '100', ...env }
  const logger = createLogger({ logLevel: 'INFO' }, (record) => log.push(record))
  const engine = await loadEngine('duckdb', { config: readConfig(settings, { embedded: true }).config, logger })
  const counted = {
    ...engine,
    async dump(...given: Parameters<typeof engine.dump>) {
      dumps += 1
      const dumped = await engine.dump(...given)
      return dumped.kind === 'stream' ? { ...dumped, stream: gated(dumped.stream) } : dumped
    },
  }
  running = await serve({ env: settings, engine: counted, auth: provider, logger })
}

function gated(stream: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  let pieces = 0
  return new ReadableStream({
    async pull(controller) {
      if (pieces++ > 0) await gate
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 })
}

async function act(action: string, body: unknown): Promise<void> {
  const headers = { 'Content-Type': 'application/json', Authorization: 'x', Connection: 'close' }
  const response = await fetch(`${running.url}/api/3/action/datastore_${action}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect([response.status, await response.json()]).toMatchObject([200, { success: true }])
}
const write = (id = 'trees') => act('upsert', { resource_id: id, method: 'insert', records: [{ k: dumps, v: 'new' }] })
const get = (query = 'trees', headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${running.url}/datastore/dump/${query}`, { method, headers: { Authorization: 'x', 'Accept-Encoding': 'identity', ...headers } })
/** The same rows as a file that is never kept. */
const rowsNow = async (query = 'trees?') => (await get(`${query}&limit=1000000`)).text()
const kept = async (query = 'trees') => {
  const response = await get(query)
  const bytes = Buffer.from(await response.arrayBuffer())
  await until(async () => (await get(query, {}, 'HEAD')).headers.has('content-length'))
  return { response, bytes, tag: (await get(query, {}, 'HEAD')).headers.get('etag') as string }
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(10)
}
const inFolder = (name: string) => readdir(join(folder, name))

/** A client that asks and reads nothing. */
function ask(path: string): Socket {
  const { hostname, port } = new URL(running.url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on('error', () => {})
  socket.write(`GET /datastore/dump/${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: x\r\n\r\n`)
  return socket
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kept-dumps-'))
  await start()
  const records = Array.from({ length: ROWS }, (_, k) => ({ k, v: `${NOISE}${k}` }))
  await act('create', { resource_id: 'trees', fields: [{ id: 'k', type: 'int' }, { id: 'v', type: 'text' }], records })
  await act('create', { resource_id: 'few', fields: [{ id: 'k', type: 'int' }, { id: 'v', type: 'text' }], records: [{ k: 1, v: 'x' }] })
}, 60_000)
afterAll(async () => {
  await running.close(0)
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  dumps = 0
  gate = undefined
  log = []
})

describe('a download of a whole table', () => {
  test('is written once for twenty clients at once, and not again for the next', { timeout: 60_000 }, async () => {
    await write()
    const expected = await rowsNow()
    dumps = 0
    const texts = await Promise.all(Array.from({ length: 20 }, async () => (await get()).text()))
    expect([dumps, texts.every((text) => text === expected)]).toEqual([1, true])
    const { response, bytes } = await kept()
    expect([dumps, response.headers.get('content-length'), response.headers.get('accept-ranges')]).toEqual([1, String(bytes.length), 'bytes'])
    expect(bytes.toString()).toBe(expected)
  })

  const same: [string, string][] = [['few', 'few.csv'], ['few', 'few?format=csv&bom=no'], ['few', 'few?sort=_id'], ['few', 'few?offset=0&q=']]
  test.each(same)('%s and %s are one file', async (one, other) => {
    await write('few')
    dumps = 0
    await kept(one)
    await (await get(other)).text()
    expect(dumps).toBe(1)
  })

  const others = ['few?limit=9', 'few?offset=1', 'few?fields=k', 'few?sort=k', 'few?sort=_id desc', 'few?filters={"k":1}', 'few?q=x', 'few?distinct=true']
  test.each(others)('%s is no whole table', async (query) => {
    for (const time of [1, 2]) {
      const response = await get(query, { Range: 'bytes=0-0' })
      await response.text()
      expect([dumps, response.status, response.headers.get('accept-ranges')]).toEqual([time, 200, null])
    }
  })

  for (const format of ['csv', 'tsv', 'json', 'ndjson', 'xml', 'parquet', 'gzip', 'csv&bom=true']) {
    test(`${format}: the same bytes again, and in parts`, async () => {
      const query = `few?format=${format}`
      await write('few')
      const { bytes, tag } = await kept(query)
      const whole = await get(query)
      expect([whole.headers.get('etag'), Buffer.from(await whole.arrayBuffer())]).toEqual([tag, bytes])
      const rest = await get(query, { Range: 'bytes=3-', 'If-Range': tag })
      expect([rest.status, Buffer.from(await rest.arrayBuffer())]).toEqual([206, bytes.subarray(3)])
      expect((await get(query, { 'If-None-Match': tag })).status).toBe(304)
      expect(dumps).toBe(1)
    })
  }

  test('is for those alone who may read', async () => {
    const { tag } = await kept()
    denied = true
    const answers = [await get(), await get('trees', { Range: 'bytes=0-9', 'If-Range': tag }), await get('trees', {}, 'HEAD')]
    denied = false
    for (const answer of answers.slice(0, 2)) await expectError(answer, 404, 'Not Found Error')
    expect(answers.map(({ status, headers }) => [status, headers.get('etag')])).toEqual([[404, null], [404, null], [404, null]])
  })

  for (const [encoding, decode] of [['gzip', gunzipSync], ['br', brotliDecompressSync]] as const) {
    test(`compressed with ${encoding}`, async () => {
      const { bytes, tag } = await kept()
      const socket = await raw(`trees HTTP/1.1\r\nAccept-Encoding: ${encoding}`)
      expect(socket.head).toMatch(new RegExp(`etag: ${tag.slice(0, -1)}-${encoding}"`, 'i'))
      expect(socket.head).not.toMatch(/accept-ranges|content-length/i)
      expect(decode(dechunk(socket.body)).equals(bytes)).toBe(true)
      const rest = await get('trees', { 'Accept-Encoding': encoding, Range: 'bytes=5-9' })
      expect([rest.status, rest.headers.get('content-encoding'), await rest.text()]).toEqual([206, null, bytes.subarray(5, 10).toString()])
      const other = await get('trees', { 'Accept-Encoding': encoding, Range: 'bytes=5-9', 'If-Range': `${tag.slice(0, -1)}-${encoding}"` })
      expect([other.status, (await other.text()).length]).toEqual([200, bytes.length])
    })
  }
})

/** An answer as it comes over the wire. */
async function raw(target: string): Promise<{ head: string; body: Buffer }> {
  const { hostname, port } = new URL(running.url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET /datastore/dump/${target}\r\nHost: localhost\r\nAuthorization: x\r\nConnection: close\r\n\r\n`)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const all = Buffer.concat(chunks)
  const end = all.indexOf('\r\n\r\n')
  return { head: all.subarray(0, end).toString(), body: all.subarray(end + 4) }
}

function dechunk(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, lineEnd).toString(), 16)
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}

describe('parts of a file', () => {
  // What comes of a file of so many bytes: the part, or nothing where there is none, or all.
  const cases: [string, (size: number) => [number, number] | 'none' | 'whole'][] = [
    ['bytes=0-0', () => [0, 1]],
    ['bytes=0-', (size) => [0, size]],
    ['bytes=10-19', () => [10, 20]],
    ['bytes=5-99999999999999999999', (size) => [5, size]],
    ['bytes=-1', (size) => [size - 1, size]],
    ['bytes=-99999999999', (size) => [0, size]],
    ['Bytes=3-4', () => [3, 5]],
    ['bytes= 3-4 ', () => [3, 5]],
    ['bytes=-0', () => 'none'],
    ['bytes=99999999-', () => 'none'],
    ['bytes=99999999-99999999', () => 'none'],
    ['bytes=0-1,3-4', () => 'whole'],
    ['bytes=4-3', () => 'whole'],
    ['bytes=-', () => 'whole'],
    ['bytes=', () => 'whole'],
    ['bytes', () => 'whole'],
    ['bytes=a-b', () => 'whole'],
    ['bytes=1.5-2', () => 'whole'],
    ['bytes=-1-2', () => 'whole'],
    ['rows=0-1', () => 'whole'],
    ['0-1', () => 'whole'],
  ]
  test.each(cases)('%s', async (range, expected) => {
    const { bytes } = await kept('few.json')
    const response = await get('few.json', { Range: range })
    const { status, headers } = response
    const part = expected(bytes.length)
    if (part === 'none') {
      expect([status, headers.get('content-range'), headers.get('accept-ranges')]).toEqual([416, `bytes */${bytes.length}`, 'bytes'])
      await expectError(response, 416, 'Range Not Satisfiable')
      return
    }
    const [start, end] = part === 'whole' ? [0, bytes.length] : part
    expect([status, headers.get('content-length'), headers.get('content-range')]).toEqual([
      part === 'whole' ? 200 : 206,
      String(end - start),
      part === 'whole' ? null : `bytes ${start}-${end - 1}/${bytes.length}`,
    ])
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes.subarray(start, end))
    expect(log.at(-1)?.properties).toMatchObject({ status, bytes: end - start })
  })

  test('HEAD knows no parts', async () => {
    const { bytes } = await kept('few.json')
    const { status, headers } = await get('few.json', { Range: 'bytes=0-0' }, 'HEAD')
    expect([status, headers.get('content-length'), headers.get('content-range')]).toEqual([200, String(bytes.length), null])
  })

  test('an empty file has none', async () => {
    await act('create', { resource_id: 'nothing', fields: [{ id: 'a', type: 'int' }] })
    expect((await kept('nothing.ndjson')).bytes.length).toBe(0)
    for (const range of ['bytes=0-', 'bytes=-5']) expect([range, (await get('nothing.ndjson', { Range: range })).status]).toEqual([range, 416])
  })

  test('a part of a file that is not there yet comes once it is whole', async () => {
    await write()
    const expected = await rowsNow()
    dumps = 0
    const parts = await Promise.all([0, 1, 2].map(async (index) => (await get('trees', { Range: `bytes=${index * 1000}-${index * 1000 + 999}` })).text()))
    expect([parts.join(''), dumps]).toEqual([expected.slice(0, 3000), 1])
  })

  test('only a client that has a part of this very file gets the rest', async () => {
    const { tag, bytes, response } = await kept()
    const modified = response.headers.get('last-modified') as string
    const ranged = async (ifRange: string) => (await get('trees', { Range: 'bytes=7-', 'If-Range': ifRange })).status
    expect([await ranged(tag), await ranged(`W/${tag}`), await ranged('"other"'), await ranged(modified)]).toEqual([206, 200, 200, 200])
    await write()
    const whole = await get('trees', { Range: 'bytes=7-', 'If-Range': tag })
    expect([whole.status, (await whole.text()) === (await rowsNow()), whole.headers.get('etag') === tag]).toEqual([200, true, false])
    expect(bytes.length).toBeGreaterThan(1_000_000)
  })

  test('a file that was made anew goes on where its format gives the same bytes again', async () => {
    const of = async (format: string) => (await kept(`trees.${format}`)).tag
    const [csv, parquet] = [await of('csv'), await of('parquet')]
    await running.close(0)
    await start()
    expect((await get('trees.csv', { Range: 'bytes=7-8', 'If-Range': csv })).status).toBe(206)
    expect((await get('trees.parquet', { Range: 'bytes=7-8', 'If-Range': parquet })).status).toBe(200)
    expect((await get('trees.parquet', { 'If-None-Match': parquet })).status).toBe(304)
  })
})

describe('while a file is being written', () => {
  let open: () => void
  beforeEach(async () => {
    await write()
    gate = new Promise((resolve) => {
      open = resolve
    })
  })

  afterEach(() => open())
  const cut = () => log.filter(({ properties }) => properties.cut === 'aborted' || properties.status === 499)

  test('a client has its beginning', async () => {
    const reader = ((await get()).body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    while (text.length < 10) text += Buffer.from((await reader.read()).value as Uint8Array).toString()
    expect(text).toMatch(/^_id,k,v\r\n1,/)
    await reader.cancel()
    await until(async () => (await inFolder('export')).length === 0)
  })

  test('those who read nothing hold no transaction and no piece', async () => {
    const clients = [1, 2, 3].map(() => ask('trees'))
    open()
    await until(async () => (await get('trees', {}, 'HEAD')).headers.has('content-length'))
    expect([dumps, await inFolder('export')]).toEqual([1, []])
    for (const client of clients) client.destroy()
    await until(() => cut().length === 3)
  })

  test('all of them hang up: nobody writes on, and no file is left', async () => {
    const clients = [1, 2, 3].map(() => ask('trees.tsv'))
    await until(async () => dumps === 1 && (await inFolder('export')).length > 0)
    for (const client of clients) client.destroy()
    await until(async () => cut().length === 3 && (await inFolder('export')).length === 0)
    open()
    await until(async () => !(await get('trees.tsv', {}, 'HEAD')).headers.has('content-length'))
    const before = await rowsNow('trees.tsv?')
    expect((await (await get('trees.tsv')).text()) === before).toBe(true)
  })

  test('a write leaves those who read already the rows of before', async () => {
    gate = undefined
    const before = await rowsNow()
    gate = new Promise((resolve) => {
      open = resolve
    })
    const old = await get()
    await write()
    const fresh = await get()
    open()
    const [oldText, freshText] = [await old.text(), await fresh.text()]
    expect([oldText === before, freshText.startsWith(oldText), freshText.length > oldText.length]).toEqual([true, true, true])
    expect(fresh.headers.get('etag')).not.toBe(old.headers.get('etag'))
    expect((await kept()).bytes.toString() === freshText).toBe(true)
  })

  test('a failure breaks every connection, and leaves nothing', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => get()))
    gate = Promise.reject(new Error('the disk is gone'))
    gate.catch(() => {})
    open()
    // The pieces before it wait for the gate of then.
    for (const answer of answers) await expect(answer.text()).rejects.toThrow()
    expect(log.filter(({ properties }) => properties.cut === 'failed')).toHaveLength(3)
    gate = undefined
    await until(async () => (await inFolder('export')).length === 0)
    expect((await (await get()).text()) === (await rowsNow())).toBe(true)
  })

  test('the end of the service breaks every connection and leaves an empty folder', async () => {
    const answer = await get()
    await Promise.all([running.close(0), expect(answer.text()).rejects.toThrow()])
    expect([await inFolder('dumps'), await inFolder('export')]).toEqual([[], []])
    open()
    await start()
  })
})

test('DUMP_CACHE_MB=0 keeps nothing', async () => {
  await running.close(0)
  await start({ DUMP_CACHE_MB: '0' })
  for (const time of [1, 2]) {
    const { status, headers } = await get('trees', { Range: 'bytes=0-9' })
    expect([status, headers.get('accept-ranges'), dumps]).toEqual([200, null, time])
  }
  expect(await inFolder('dumps')).toEqual([])
})

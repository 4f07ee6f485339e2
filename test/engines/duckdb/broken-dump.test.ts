import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../../adapters/node/serve.ts'
import { createLogger, type LogRecord } from '../../../src/core/log.ts'

/** 45 MB of csv: much more than sockets and the two pieces at hand hold. */
const ROWS = 100_000
const CLIENTS = process.env.FULL ? 200 : 50

let loaded: string
let folder: string
let running: Running
let log: LogRecord[]

beforeAll(async () => {
  loaded = await mkdtemp(join(tmpdir(), 'loaded-'))
  await start(loaded)
  for (let from = 0; from < ROWS; from += 25_000) {
    const records = Array.from({ length: 25_000 }, (_, index) => ({ k: from + index, v: noise() }))
    await act('datastore_create', { resource_id: 'trees', fields: FIELDS, records })
  }
  await running.close()
}, 60_000)
afterAll(() => rm(loaded, { recursive: true, force: true }))

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broken-dump-'))
  await cp(loaded, folder, { recursive: true })
  await start(folder)
})
afterEach(async () => {
  await running.close(0)
  await rm(folder, { recursive: true, force: true })
})

let state = 1

/** 450 characters that do not compress well. */
function noise(): string {
  let text = ''
  while (text.length < 450) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += state.toString(36)
  }
  return text.slice(0, 450)
}

const FIELDS = [
  { id: 'k', type: 'int' },
  { id: 'v', type: 'text' },
]

async function start(path: string): Promise<void> {
  log = []
  const logger = createLogger({ logLevel: 'INFO' }, (record) => log.push(record))
  running = await serve({
    env: { AUTH_TYPE: 'anonymous', DUCKDB_PATH: path, PORT: '0', MAX_REQUEST_BODY_MB: '100', DUMP_CACHE_MB: '0' },
    logger,
  })
}

async function act(action: string, body: unknown): Promise<Record<string, unknown>> {
  // A connection that idles while rows are made may just be closing when the next request takes it.
  const headers = { 'Content-Type': 'application/json', Connection: 'close' }
  const response = await fetch(`${running.url}/api/3/action/${action}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  const { result } = (await response.json()) as { result: Record<string, unknown> }
  expect(response.status).toBe(200)
  return result
}

/** A client that asks for a dump and reads nothing. */
function ask(path: string): Socket {
  const { hostname, port } = new URL(running.url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return socket
}

/**
 * The same, until it is told to read on. Not through Node: libuv takes a reset for an orderly end when it comes
 * together with data. `cat` reads to the end, or fails.
 */
function askInShell(path: string, version: string) {
  const { hostname, port } = new URL(running.url)
  const request = `GET ${path} HTTP/${version}\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n`
  const child = spawn('bash', [
    '-c',
    `exec 3<>/dev/tcp/${hostname}/${port}; printf '${request}' >&3; read -r; exec cat <&3`,
  ])
  let bytes = 0
  let tail = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    tail = Buffer.concat([tail, chunk]).subarray(-64)
  })
  const over = once(child, 'close').then(([code]) => ({
    end: code === 0 ? 'orderly' : 'reset',
    bytes,
    tail: tail.toString('latin1'),
  }))
  return { over, readOn: () => child.stdin.write('\n') }
}

const exported = () => readdir(join(folder, 'export'))

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(20)
}

/** Until the server has written all that a client which reads nothing lets it write. */
async function untilStalled(): Promise<void> {
  let before: string[] = []
  await until(async () => {
    await sleep(150)
    const now = await exported()
    const same = now.length > 0 && now.join() === before.join()
    before = now
    return same
  })
}

/** Compressing what does not compress well takes long. */
const uncompressed = { headers: { 'Accept-Encoding': 'identity' } }

const requests = () => log.filter(({ properties }) => properties.route !== undefined || properties.path !== undefined)

describe('a download that DuckDB can not finish', () => {
  for (const version of ['1.1', '1.0']) {
    for (const format of ['csv', 'json', 'gzip']) {
      test(`its folder is gone: HTTP/${version}, ${format}`, async () => {
        const { readOn, over } = askInShell(`/datastore/dump/trees?format=${format}`, version)
        await untilStalled()
        await rename(join(folder, 'export'), join(folder, 'elsewhere'))
        readOn()
        const { end, bytes, tail } = await over
        // A client of HTTP/1.1 knows a whole body by its last chunk, one of 1.0 by nothing but an orderly end.
        expect(end).toBe('reset')
        expect(tail).not.toMatch(/\r\n0\r\n\r\n$/)
        expect(bytes).toBeGreaterThan(100_000)
        expect(tail).not.toContain('Error')
        expect(log.some(({ rawMessage, level }) => level === 'error' && rawMessage === 'answer cut short')).toBe(true)
      })
    }
  }

  test('fetch throws; the next download, with the folder back, is whole', { timeout: 60_000 }, async () => {
    const response = await fetch(`${running.url}/datastore/dump/trees`, uncompressed)
    await untilStalled()
    await rename(join(folder, 'export'), join(folder, 'elsewhere'))
    await expect(response.text()).rejects.toThrow()
    await rename(join(folder, 'elsewhere'), join(folder, 'export'))
    const text = await (await fetch(`${running.url}/datastore/dump/trees`, uncompressed)).text()
    expect(text.trimEnd().split('\n')).toHaveLength(ROWS + 1)
  })

  test('what fails at once is an error, not a broken answer', async () => {
    await rename(join(folder, 'export'), join(folder, 'elsewhere'))
    for (const format of ['csv', 'parquet']) {
      const response = await fetch(`${running.url}/datastore/dump/trees?format=${format}`)
      expect(response.status).toBe(500)
      expect(await response.json()).toMatchObject({ success: false })
    }
  })

  test('a damaged data file: the rows before the damage, then a broken connection', async () => {
    await running.close()
    await damage(join(folder, 'datastore.duckdb'))
    await start(folder)
    const { readOn, over } = askInShell('/datastore/dump/trees', '1.0')
    readOn()
    const { end, bytes } = await over
    expect(bytes).toBeGreaterThan(200_000)
    expect(end).toBe('reset')
  })
})

/** Overwrites a block of the file that holds nothing but some of the last rows of a column. */
async function damage(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(
    "SELECT block_id, (SELECT block_size FROM pragma_database_size() LIMIT 1) FROM pragma_storage_info('trees') " +
      "WHERE column_name = 'v' AND segment_type = 'VARCHAR' AND block_id >= 0 ORDER BY row_group_id DESC, segment_id DESC LIMIT 1 OFFSET 5",
  )
  const [block, size] = (reader.getRows()[0] ?? []).map(Number)
  connection.closeSync()
  instance.closeSync()
  const file = await open(path, 'r+')
  const headers = 3 * 4096
  await file.write(Buffer.alloc(4096, 0xa5), 0, 4096, headers + (block as number) * Number(size) + 8192)
  await file.close()
}

describe(`${CLIENTS} clients that open a download and read nothing`, () => {
  test('keep nobody else waiting, and leave nothing behind when they hang up', { timeout: 120_000 }, async () => {
    const clients = Array.from({ length: CLIENTS }, () => ask('/datastore/dump/trees'))
    await untilStalled()
    for (let round = 0; round < 10; round += 1) {
      const { total, records } = await act('datastore_search', { resource_id: 'trees', limit: 1, offset: round * 1000 })
      expect({ total, rows: (records as unknown[]).length }).toEqual({ total: ROWS, rows: 1 })
    }
    await act('datastore_search', { resource_id: 'trees', filters: { v: 'nobody' }, sort: 'v desc' })
    await act('datastore_create', { resource_id: 'others', records: [{ a: 1 }] })
    const response = await fetch(`${running.url}/datastore/dump/others`)
    expect(await response.text()).toBe('_id,a\r\n1,1\n')

    for (const socket of clients) socket.destroy()
    await until(() => requests().filter(({ properties }) => properties.cut === 'aborted').length === CLIENTS)
    await until(async () => (await exported()).length === 0)
    expect(await (await fetch(`${running.url}/datastore/dump/others`)).text()).toBe('_id,a\r\n1,1\n')
  })

  test('that hang up at once leave nothing behind either', async () => {
    const clients = Array.from({ length: CLIENTS }, (_, index) =>
      ask(`/datastore/dump/trees?sort=${index % 2 ? 'v' : '_id'}`),
    )
    await sleep(50)
    for (const socket of clients) socket.destroy()
    await until(async () => (await exported()).length === 0)
    const { total } = await act('datastore_search', { resource_id: 'trees', limit: 1 })
    expect(total).toBe(ROWS)
    await running.close()
    expect((await readdir(folder)).sort()).toEqual(['datastore.duckdb', 'dumps', 'export', 'load', 'rejected', 'tmp'])
    expect(await exported()).toEqual([])
    await start(folder)
  })
})

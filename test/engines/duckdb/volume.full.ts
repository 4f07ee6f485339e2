import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServerProcess } from '../../fixtures/server-process.ts'
import { peakMemory, resetPeakMemory, startServer, untilIdle } from '../../fixtures/server-process.ts'
import { csvLine, FIELDS, recordsText } from '../../fixtures/volume.ts'

const MILLION = 1_000_000
const HEADER = `_id,${FIELDS.map(({ id }) => id).join(',')}\r`

let folder: string
let server: ServerProcess
const start = () => startServer({ env: { DUCKDB_PATH: folder, DUCKDB_MEMORY_LIMIT: '512MB' } })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volume-'))
  server = await start()
  const created = await server.act('datastore_create', { resource_id: 'volume', fields: FIELDS })
  expect(created.status).toBe(200)
})
afterAll(async () => {
  server.kill('SIGTERM')
  await server.ended
  await rm(folder, { recursive: true, force: true })
})

async function load(from: number, to: number, perCall: number): Promise<void> {
  const began = performance.now()
  for (let next = from; next <= to; next += perCall) {
    const body = `{"resource_id":"volume","method":"insert","records":${recordsText(next, perCall)}}`
    expect((await server.act('datastore_upsert', body)).status).toBe(200)
  }
  const { result } = await server.act('datastore_search', { resource_id: 'volume', limit: 1, offset: to - 1 })
  expect(result.total).toBe(to)
  expect((result.records as { _id: number }[])[0]?._id).toBe(to)
  console.log(`rows ${from}–${to} loaded in ${seconds(began)} s`)
}

const seconds = (began: number) => ((performance.now() - began) / 1000).toFixed(1)

/** Downloads the table and hands over its lines, header included. */
async function readDump(query: string, onLine: (line: string, index: number) => void): Promise<void> {
  const began = performance.now()
  const response = await fetch(`${server.url}/datastore/dump/volume${query}`)
  const decoder = new TextDecoder()
  let first: string | undefined
  let rest = ''
  let index = 0
  let bytes = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    first ??= (performance.now() - began).toFixed(0)
    bytes += chunk.length
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() as string
    for (const line of lines) onLine(line, index++)
  }
  expect(rest).toBe('')
  console.log(`dump${query}: first byte after ${first} ms, ${(bytes / 1e6).toFixed(0)} MB in ${seconds(began)} s`)
}

/** Peak resident memory of a fresh server during one whole download, once the full-text index is built. */
async function peakOfDump(rows: number): Promise<number> {
  const began = performance.now()
  await untilIdle(server.pid)
  console.log(`idle after ${seconds(began)} s`)
  server.kill('SIGTERM')
  expect((await server.ended).code).toBe(0)
  server = await start()
  await server.act('datastore_search', { resource_id: 'volume', limit: 1 })
  await resetPeakMemory(server.pid)
  let last = 0
  let ordered = true
  await readDump('', (line, index) => {
    if (index === 0) return
    const id = Number(line.slice(0, line.indexOf(',')))
    ordered &&= id === last + 1
    last = id
  })
  expect({ last, ordered }).toEqual({ last: rows, ordered: true })
  const peak = await peakMemory(server.pid)
  console.log(`peak memory at ${rows} rows: ${(peak / 1e6).toFixed(0)} MB`)
  return peak
}

let small: number

test('a million rows, loaded by 10,000 a call, are downloaded as they were sent', async () => {
  await load(1, MILLION, 10_000)
  let wrong: string | undefined
  let lines = 0
  await readDump('?format=csv', (line, index) => {
    lines += 1
    const expected = index === 0 ? HEADER : csvLine(index)
    if (line !== expected) wrong ??= `${line} instead of ${expected}`
  })
  expect({ lines, wrong }).toEqual({ lines: MILLION + 1, wrong: undefined })
  expect(await readdir(join(folder, 'export'))).toEqual([])
  if (process.platform === 'linux') small = await peakOfDump(MILLION)
})

test.runIf(process.platform === 'linux')(
  'a download of five times the rows needs no more memory than a fifth more',
  async () => {
    await load(MILLION + 1, 5 * MILLION, 50_000)
    expect(await peakOfDump(5 * MILLION)).toBeLessThanOrEqual(1.2 * small)
  },
  1_200_000,
)

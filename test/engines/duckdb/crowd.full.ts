import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../fixtures/server-process.ts'
import { peakMemory, resetPeakMemory, startServer, untilIdle } from '../../fixtures/server-process.ts'
import { csvLine, FIELDS } from '../../fixtures/volume.ts'

const ROWS = 1_000_000
const BATCH = 10_000
const CLIENTS = 20
const HANG_UPS = 200
const NEWLINE = 10

/** Rows of a file to load: those of a dump without their `_id`. */
function file(from: number, count: number): string {
  const lines = Array.from({ length: count }, (_, index) => csvLine(from + index).replace(/^\d+,/, ''))
  return `${FIELDS.map(({ id }) => id).join(',')}\n${lines.join('\n')}\n`
}

interface Download {
  /** Of so many first bytes as were asked for. */
  digest: string
  bytes: number
  /** Line ends beyond these bytes. */
  linesBeyond: number
}

describe.each<{ kept: string; env: Record<string, string> }>([
  { kept: 'kept as files', env: {} },
  { kept: 'made for each client', env: { DUMP_CACHE_MB: '0' } },
])('downloads by many, $kept', ({ env }) => {
  let folder: string
  let server: ServerProcess

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crowd-'))
    server = await startServer({ env: { DUCKDB_PATH: folder, DUCKDB_MEMORY_LIMIT: '512MB', ...env } })
    await server.act('datastore_create', { resource_id: 'crowd', fields: FIELDS })
    for (let from = 1; from <= ROWS; from += ROWS / 10) await load(from, ROWS / 10)
  }, 300_000)
  afterAll(async () => {
    server.kill('SIGTERM')
    await server.ended
    await rm(folder, { recursive: true, force: true })
  })

  async function load(from: number, count: number): Promise<void> {
    const response = await fetch(`${server.url}/datastore/load/crowd?format=csv`, {
      method: 'POST',
      // One that idles while a file is made may just be closing.
      headers: { Connection: 'close' },
      body: file(from, count),
    })
    expect([response.status, await response.text()]).toMatchObject([200, expect.stringContaining(`"rows":${count}`)])
  }

  async function download(first = Number.POSITIVE_INFINITY): Promise<Download> {
    const hash = createHash('sha256')
    let bytes = 0
    let linesBeyond = 0
    const response = await fetch(`${server.url}/datastore/dump/crowd`, { headers: { 'Accept-Encoding': 'identity' } })
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      const head = chunk.subarray(0, Math.max(0, first - bytes))
      if (head.length > 0) hash.update(head)
      for (const byte of chunk.subarray(head.length)) if (byte === NEWLINE) linesBeyond += 1
      bytes += chunk.length
    }
    return { digest: hash.digest('hex'), bytes, linesBeyond }
  }

  /** Files that nobody waits for any more. */
  async function leftovers(): Promise<string[]> {
    const folders = ['export', 'load', 'tmp']
    return (await Promise.all(folders.map((name) => readdir(join(folder, name))))).flat()
  }

  test(`${CLIENTS} clients download a million rows while another loads: all whole and equal`, async () => {
    const before = await download()
    await untilIdle(server.pid)
    await resetPeakMemory(server.pid)
    const idle = await peakMemory(server.pid)
    let over = false
    let loads = 0
    const loading = (async () => {
      while (!over) {
        await load(ROWS + 1 + loads * BATCH, BATCH)
        loads += 1
      }
    })()
    const downloads = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, index) => {
        await sleep(index * 100)
        return download(before.bytes)
      }),
    ).finally(() => {
      over = true
    })
    await loading
    const added = new Set(downloads.map(({ linesBeyond }) => linesBeyond / BATCH))
    const peak = await peakMemory(server.pid)
    console.log(`${loads} loads beside, ${added.size} states seen, memory ${mb(idle)} idle, ${mb(peak)} at its peak`)
    expect(new Set(downloads.map(({ digest }) => digest))).toEqual(new Set([before.digest]))
    expect([...added].every((count) => Number.isInteger(count) && count <= loads)).toBe(true)
    expect(peak).toBeLessThan(1.2e9)
    const { result } = await server.act('datastore_search', { resource_id: 'crowd', limit: 0 })
    expect(result.total).toBe(ROWS + loads * BATCH)
    expect(await leftovers()).toEqual([])
  })

  test(`${HANG_UPS} clients that hang up leave no query running and no file behind`, async () => {
    const slow = encodeURIComponent(
      'SELECT a.code, count(*) FROM crowd a, crowd b WHERE a.station < b.station GROUP BY 1',
    )
    const asks = [
      '/datastore/dump/crowd',
      '/datastore/dump/crowd?format=json&sort=name',
      '/datastore/dump/crowd?format=parquet&sort=visits',
      '/datastore/dump/crowd.csv.gz?q=buche',
      '/datastore/dump/crowd?format=xml&offset=500000',
      `/datastore/dump/query?format=ndjson&sql=${slow}`,
      `/api/3/action/datastore_search_sql?sql=${slow}`,
      '/api/3/action/datastore_search?resource_id=crowd&limit=32000&sort=name,visits desc&q=linde',
    ]
    const started = Array.from({ length: HANG_UPS }, async (_, index) => {
      await sleep(index * 25)
      const left = new AbortController()
      setTimeout(() => left.abort(), (index * 37) % 400)
      await fetch(`${server.url}${asks[index % asks.length]}`, { signal: left.signal })
        .then((response) => response.body?.getReader().read())
        .catch(() => undefined)
      await sleep(400)
      left.abort()
    })
    await Promise.all(started)
    await Promise.race([untilIdle(server.pid), sleep(60_000).then(() => Promise.reject(new Error('still busy')))])
    await expect.poll(leftovers, { timeout: 10_000 }).toEqual([])
    const { status, result } = await server.act('datastore_search', { resource_id: 'crowd', limit: 1 })
    expect([status, result.total]).toEqual([200, expect.any(Number)])
  })
})

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

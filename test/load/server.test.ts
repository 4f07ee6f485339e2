import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'

const MEGABYTE = 1024 * 1024
const clean: (() => unknown)[] = []
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step()
})

async function start(env: Record<string, string> = {}, folder?: string): Promise<Running & { folder: string }> {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'datastore-load-')))
  if (!folder) clean.push(() => rm(path, { recursive: true, force: true }))
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const running = await serve({ env: { PORT: '0', DUCKDB_PATH: path, AUTH_TYPE: 'anonymous', ...env }, logger })
  clean.push(() => running.close(0))
  return { ...running, folder: path }
}

const rowsOf = async (url: string, id: string) => {
  const response = await fetch(`${url}/api/3/action/datastore_search?resource_id=${id}&limit=0`)
  return ((await response.json()) as { result?: { total: number } }).result?.total
}
const leftovers = (folder: string) => readdir(join(folder, 'load'))

async function emptied(folder: string): Promise<void> {
  for (let turn = 0; turn < 200 && (await leftovers(folder)).length > 0; turn++) await sleep(20)
  expect(await leftovers(folder)).toEqual([])
}

async function post(url: string, body: BodyInit) {
  const response = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
  return { status: response.status, body: (await response.json()) as { error?: { message: string } } }
}

/** A file of so many bytes, in chunks that are made when they are asked for. */
function big(bytes: number): ReadableStream<Uint8Array> {
  const line = new TextEncoder().encode('1,x\n'.repeat(16_384))
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent === 0) controller.enqueue(new TextEncoder().encode('a,b\n'))
      if (sent >= bytes) return controller.close()
      sent += line.length
      controller.enqueue(line)
    },
  })
}

/** Begins a load and leaves the rest to the test. */
function begin(url: string, headers: Record<string, string> = {}) {
  const sent = request(url, { method: 'POST', headers })
  sent.on('error', () => {})
  sent.write(`a,b\n${'1,x\n'.repeat(500_000)}`)
  return sent
}

describe('a client that', () => {
  test('hangs up in the middle leaves the table as it was, and no file', async () => {
    const { url, folder } = await start()
    await post(`${url}/datastore/load/t`, 'a,b\n1,x\n')
    for (let turn = 0; turn < 5; turn++) {
      const sent = begin(`${url}/datastore/load/t?method=replace`)
      while ((await leftovers(folder)).length === 0) await sleep(5)
      sent.destroy()
      await emptied(folder)
    }
    expect(await rowsOf(url, 't')).toBe(1)
  })

  test('promises more than it sends', async () => {
    const { url, folder } = await start()
    const sent = begin(`${url}/datastore/load/t`, { 'Content-Length': String(50 * MEGABYTE) })
    while ((await leftovers(folder)).length === 0) await sleep(5)
    sent.destroy()
    await emptied(folder)
    expect(await rowsOf(url, 't')).toBeUndefined()
  })

  test('sends three times the limit', async () => {
    const { url, folder } = await start({ MAX_LOAD_MB: '2' })
    const answer = await post(`${url}/datastore/load/t`, big(6 * MEGABYTE))
    expect([answer.status, answer.body.error?.message]).toEqual([413, expect.stringMatching(/larger than 2 MB/)])
    await emptied(folder)
    expect(await rowsOf(url, 't')).toBeUndefined()
  })

  test('declares three times the limit is told before it sends', async () => {
    const { url, folder } = await start({ MAX_LOAD_MB: '2' })
    const sent = request(`${url}/datastore/load/t`, {
      method: 'POST',
      headers: { 'Content-Length': String(6 * MEGABYTE) },
    })
    sent.on('error', () => {})
    sent.flushHeaders()
    const [response] = await once(sent, 'response')
    expect([response.statusCode, response.headers.connection]).toEqual([413, 'close'])
    sent.destroy()
    await emptied(folder)
  })

  test('sends a small gzip that unpacks to more than the limit', async () => {
    const { url, folder } = await start({ MAX_LOAD_MB: '2' })
    const packed = new Response(big(6 * MEGABYTE).pipeThrough(new CompressionStream('gzip') as never))
    const answer = await post(`${url}/datastore/load/t`, await packed.arrayBuffer())
    expect(answer.status).toBe(413)
    await emptied(folder)
  })

  test('takes its time stops nobody', async () => {
    const { url, folder } = await start()
    const slow = Array.from({ length: 50 }, (_, index) => begin(`${url}/datastore/load/slow-${index}`))
    while ((await leftovers(folder)).length < 50) await sleep(20)
    expect((await post(`${url}/datastore/load/quick`, 'a,b\n1,x\n')).status).toBe(200)
    expect(await rowsOf(url, 'quick')).toBe(1)
    for (const sent of slow) sent.destroy()
    await emptied(folder)
  })
})

describe('a disk that is full', () => {
  test('refuses the file, keeps the table and leaves no file', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'datastore-full-'))
    clean.push(() => rm(folder, { recursive: true, force: true }))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      return context.skip('a tmpfs can be mounted by root alone')
    }
    clean.push(() => execFileSync('umount', [folder]))
    const data = join(folder, 'data')
    await mkdir(data)
    const { url } = await start({}, data)
    await post(`${url}/datastore/load/t`, 'a,b\n1,x\n')
    const answer = await post(`${url}/datastore/load/t`, big(200 * MEGABYTE))
    expect([answer.status, answer.body.error?.message]).toEqual([503, expect.stringMatching(/disk is (nearly )?full/)])
    await emptied(data)
    expect(await rowsOf(url, 't')).toBe(1)
    expect((await post(`${url}/datastore/load/t`, 'a,b\n2,y\n')).status).toBe(200)
  })
})

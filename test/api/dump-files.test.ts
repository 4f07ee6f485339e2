// biome-ignore-all format: one case a line
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDumpFiles } from '../../adapters/node/dump-files.ts'
import type { DumpFiles, FileKey, HeldFile, Rendering } from '../../src/services/dump-files.ts'
import { streamOf } from '../fixtures/fake-engine.ts'

const BUDGET = 1_000_000

let folder: string
let files: DumpFiles
let written: string[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dump-files-'))
  files = createDumpFiles({ folder, bytesMax: BUDGET })
  written = []
})
afterEach(async () => {
  await files.close()
  await rm(folder, { recursive: true, force: true })
})

const keyOf = (table: string, revision = 1): FileKey => ({ table, revision, form: 'csv' })
const rendering = (text: string, rest: Partial<Rendering> = {}): Rendering => ({ stream: streamOf([text]), revision: 1, length: text.length, ...rest })

async function hold(key: FileKey, make: () => Rendering): Promise<HeldFile> {
  const opened = await files.open(key, async () => {
    written.push(`${key.table} ${key.revision}`)
    return make()
  }, {})
  if (!opened || !('held' in opened)) throw new Error('not kept')
  return opened.held
}
const textOf = (held: Pick<HeldFile, 'read'>) => new Response(held.read()).text()
const read = async (table: string, bytes: number, revision = 1) =>
  textOf(await hold(keyOf(table, revision), () => rendering(table.repeat(bytes), { revision })))

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(5)
}
const filesLeft = async (count: number) => until(async () => (await readdir(folder)).length === count)

describe('room', () => {
  test('those used least recently make room for others', async () => {
    for (const table of ['a', 'b', 'a', 'c', 'a', 'b']) expect(await read(table, 400_000)).toBe(table.repeat(400_000))
    expect(written).toEqual(['a 1', 'b 1', 'c 1', 'b 1'])
    await filesLeft(2)
  })

  test('a small file counts for more than it has, so that there are never too many', async () => {
    for (let table = 0; table < 40; table += 1) await read(String.fromCharCode(65 + table), 1)
    await filesLeft(Math.floor(BUDGET / 65_536))
  })

  test('a client reads on when its file makes room', async () => {
    const held = await hold(keyOf('a'), () => rendering('a'.repeat(400_000)))
    for (const table of ['b', 'c', 'd']) await read(table, 400_000)
    expect([files.find(keyOf('a')), await textOf(held)]).toEqual([undefined, 'a'.repeat(400_000)])
    await filesLeft(2)
  })

  test('a write makes the older files of its table useless, and no other', async () => {
    await read('a', 10)
    await read('b', 10)
    await read('a', 20, 2)
    expect([files.find(keyOf('a')), files.find(keyOf('b'))?.length, files.find(keyOf('a', 2))?.length]).toEqual([undefined, 10, 20])
    await filesLeft(2)
  })

  const large: [string, Partial<Rendering>][] = [
    ['more than half of the room', { length: BUDGET / 2 + 1 }],
    ['about more than half of the room', { length: undefined, estimatedBytes: BUDGET / 2 + 1 }],
    ['nobody knows how much', { length: undefined }],
  ]
  test.each(large)('%s is not kept: the first has it as it is, others make their own', async (_name, rest) => {
    const ask = () => files.open(keyOf('a'), async () => rendering('a', rest), {})
    const outcomes = await Promise.all([ask(), ask(), ask()])
    expect(outcomes.map((outcome) => outcome && Object.keys(outcome))).toEqual([['passed'], undefined, undefined])
    expect(await readdir(folder)).toEqual([])
  })

  test('without its folder a file is passed on', async () => {
    await rm(folder, { recursive: true })
    const opened = await files.open(keyOf('a'), async () => rendering('a'), {})
    expect(opened && 'passed' in opened && (await new Response(opened.passed.stream).text())).toBe('a')
  })
})

describe('what is not as it was promised', () => {
  test('a file of another length than it said fails, and is forgotten', async () => {
    for (const length of [3, 5]) await expect(textOf(await hold(keyOf('a'), () => rendering('aaaa', { length })))).rejects.toThrow(/wrote 4 of \d bytes/)
    await filesLeft(0)
    expect(await read('a', 4)).toBe('aaaa')
  })

  test('what fails before there is anything, all are told who wait', async () => {
    const fail = () => files.open(keyOf('a'), () => Promise.reject(new Error('no')), {})
    const outcomes = await Promise.allSettled([fail(), fail()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await read('a', 4)).toBe('aaaa')
  })

  test('a file that somebody took away is made again', async () => {
    await read('a', 4)
    await until(async () => files.find(keyOf('a')) !== undefined)
    for (const name of await readdir(folder)) await rm(join(folder, name))
    expect([await read('a', 4), written]).toEqual(['aaaa', ['a 1', 'a 1']])
  })

  test('a file that somebody cut fails', async () => {
    await read('a', 400_000)
    for (const name of await readdir(folder)) await writeFile(join(folder, name), 'a')
    await expect(read('a', 400_000)).rejects.toThrow(/less bytes/)
  })

  test('rows of a later revision are kept as such', async () => {
    const held = await hold(keyOf('a', 1), () => rendering('new', { revision: 3 }))
    expect([held.revision, await textOf(held)]).toEqual([3, 'new'])
    expect([files.find(keyOf('a', 1)), files.find(keyOf('a', 3))?.length]).toEqual([undefined, 3])
  })
})

describe('who leaves', () => {
  test('one who gives up while the first bytes are made stops the making', async () => {
    const client = new AbortController()
    let made: AbortSignal | undefined
    const opening = files.open(keyOf('a'), (signal) => {
      made = signal
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }, { signal: client.signal })
    client.abort(new Error('hung up'))
    await expect(opening).rejects.toThrow('hung up')
    expect(made?.aborted).toBe(true)
  })

  test('one who gives up just before the file is made', async () => {
    const client = new AbortController()
    let cancelled = false
    const stream = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}), cancel: () => { cancelled = true } }, { highWaterMark: 0 })
    const opening = files.open(keyOf('a'), async () => {
      process.nextTick(() => client.abort(new Error('hung up')))
      return { stream, revision: 1, estimatedBytes: 10 }
    }, { signal: client.signal })
    await expect(opening).rejects.toThrow('hung up')
    await until(async () => cancelled)
    await filesLeft(0)
  })

  test('one of two who read: the other reads on', async () => {
    const [first, second] = await Promise.all(['a', 'a'].map((table) => hold(keyOf(table), () => rendering('a'.repeat(400_000)))))
    await first?.read().cancel()
    expect(await textOf(second as HeldFile)).toBe('a'.repeat(400_000))
  })

  test('the store itself: every stream breaks, no file is left, nobody is let in', async () => {
    const held = await hold(keyOf('a'), () => rendering('a'.repeat(400_000)))
    await read('b', 10)
    const reader = held.read().getReader()
    await reader.read()
    await files.close()
    await expect(reader.read()).rejects.toThrow('closing')
    expect(await readdir(folder)).toEqual([])
    await expect(read('c', 1)).rejects.toThrow('closing')
  })
})

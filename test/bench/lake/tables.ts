import { quantile } from '../harness/figures.ts'
import type { LakeBench, Sizes } from './lake-bench.ts'
import { cpuOf, expectOk, residentOf } from './lake-bench.ts'
import { prepareTables } from './prepare-tables.ts'

const COLUMNS = 16
/** Tables that are made one by one where so many are there. */
const CREATES = 30
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/**
 * Many tables: how long a create and a write to a table that is there take, what the next request to another process pays for a
 * create, how much memory both have had at most, and what a process that is started then needs. Most of the tables are made at once.
 */
export async function tables(bench: LakeBench, { tables }: Sizes): Promise<void> {
  const [writer, reader] = await bench.serve(2)
  if (!writer || !reader) return
  const fields = Array.from({ length: COLUMNS }, (_, index) => ({
    id: `c${index}`,
    type: index === 0 ? 'int' : 'text',
  }))
  let made = 0
  const create = () => {
    made += 1
    const table = { resource_id: `t${made}`, fields, primary_key: ['c0'], records: [{ c0: 1 }] }
    return expectOk(writer.act('datastore_create', table))
  }
  const read = () => expectOk(reader.act('datastore_search', { resource_id: `t${made}`, limit: 1 }))
  let text = 0
  const upsert = () => {
    text += 1
    return expectOk(writer.act('datastore_upsert', { resource_id: 't1', records: [{ c0: 1, c1: `x${text}` }] }))
  }
  await create()
  for (const share of [4, 2, 1]) {
    const there = Math.floor(tables / share) - CREATES
    const ids = Array.from({ length: Math.max(0, there - made) }, (_, index) => `t${made + index + 1}`)
    await prepareTables(bench.lake.env, 't1', ids)
    made += ids.length
    await read()
    const [creates, firsts, nexts, upserts] = [
      new Times(writer),
      new Times(reader),
      new Times(reader),
      new Times(writer),
    ]
    let most = [0, 0]
    for (let turn = 0; turn < CREATES; turn += 1) {
      await creates.take(create)
      await firsts.take(read)
      await nexts.take(read)
      await upserts.take(upsert)
      most = [writer, reader].map(({ pid }, index) => Math.max(most[index] ?? 0, residentOf(pid)))
    }
    bench.say(
      `${made} tables: a create ${creates}; in another process the first read after it ${firsts}, the next ${nexts}; an upsert ` +
        `${upserts}; memory at most ${most.map(mebibytes).join(' and ')}`,
    )
  }
  const began = performance.now()
  const late = (await bench.serve(3))[2]
  if (!late) return
  await expectOk(late.act('datastore_search', { resource_id: `t${made}`, limit: 1 }))
  bench.say(
    `a third process answers its first read ${((performance.now() - began) / 1000).toFixed(1)} s after its start, with ${mebibytes(residentOf(late.pid))}`,
  )
}

/** How long something takes, and how much of it the process itself computes: a busy machine changes that less. */
class Times {
  readonly #pid: number
  readonly #times: number[] = []
  #cpu = 0

  constructor({ pid }: { pid: number }) {
    this.#pid = pid
  }

  async take(work: () => Promise<void>): Promise<void> {
    const before = cpuOf(this.#pid)
    const began = performance.now()
    await work()
    this.#times.push(performance.now() - began)
    this.#cpu += cpuOf(this.#pid) - before
  }

  toString(): string {
    const [median, least] = [quantile(this.#times, 0.5), Math.min(...this.#times)]
    return `${median.toFixed(0)} ms (least ${least.toFixed(0)}, CPU ${(this.#cpu / this.#times.length).toFixed(0)})`
  }
}

import type { LakeBench, Sizes } from './lake-bench.ts'
import { expectOk, residentOf } from './lake-bench.ts'

const COLUMNS = 16
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/**
 * Many tables: how long a create and a write to a table that is there take, what the next request to another process pays for a
 * create, how much memory both have had at most, and what a process that is started then needs.
 */
export async function tables(bench: LakeBench, { tables }: Sizes): Promise<void> {
  const [writer, reader] = await bench.serve(2)
  if (!writer || !reader) return
  const fields = Array.from({ length: COLUMNS }, (_, index) => ({
    id: `c${index}`,
    type: index === 0 ? 'int' : 'text',
  }))
  const create = (id: string) =>
    timed(() =>
      expectOk(writer.act('datastore_create', { resource_id: id, fields, primary_key: ['c0'], records: [{ c0: 1 }] })),
    )
  const read = (id: string) => timed(() => expectOk(reader.act('datastore_search', { resource_id: id, limit: 1 })))
  const write = () =>
    timed(() => expectOk(writer.act('datastore_upsert', { resource_id: 't1', records: [{ c0: 1, c1: 'x' }] })))
  let milliseconds = 0
  const most = new Map<number, number>()
  const look = () => {
    for (const { pid } of bench.servers) most.set(pid, Math.max(most.get(pid) ?? 0, residentOf(pid)))
  }
  for (let table = 1; table <= tables; table += 1) {
    milliseconds += await create(`t${table}`)
    look()
    if (table % (tables / 5) !== 0) continue
    const first = await read(`t${table}`)
    const second = await read(`t${table}`)
    await write()
    const upsert = await write()
    bench.say(
      `${table} tables: the last ${tables / 5} creates ${(milliseconds / (tables / 5)).toFixed(0)} ms each; in another process the first ` +
        `read ${first.toFixed(0)} ms, the next ${second.toFixed(0)} ms; an upsert ${upsert.toFixed(0)} ms; memory at most ` +
        `${mebibytes(most.get(writer.pid) ?? 0)} and ${mebibytes(most.get(reader.pid) ?? 0)}`,
    )
    milliseconds = 0
    most.clear()
  }
  const began = performance.now()
  const late = (await bench.serve(3))[2]
  if (!late) return
  await expectOk(late.act('datastore_search', { resource_id: `t${tables}`, limit: 1 }))
  bench.say(
    `a third process answers its first read ${((performance.now() - began) / 1000).toFixed(1)} s after its start, with ${mebibytes(residentOf(late.pid))}`,
  )
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

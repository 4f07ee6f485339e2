import type { LakeBench, Sizes } from './lake-bench.ts'
import { expectOk, residentOf } from './lake-bench.ts'

const COLUMNS = 16
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

/** Many tables: how long a create takes, what the next request to another process pays for it, and memory of both. */
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
  let milliseconds = 0
  for (let table = 1; table <= tables; table += 1) {
    milliseconds += await create(`t${table}`)
    if (table % (tables / 5) !== 0) continue
    const first = await read(`t${table}`)
    const second = await read(`t${table}`)
    bench.say(
      `${table} tables: the last ${tables / 5} creates ${(milliseconds / (tables / 5)).toFixed(0)} ms each; in another process the first ` +
        `read ${first.toFixed(0)} ms, the next ${second.toFixed(0)} ms; memory ${mebibytes(residentOf(writer.pid))} and ${mebibytes(residentOf(reader.pid))}`,
    )
    milliseconds = 0
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

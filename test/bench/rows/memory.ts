import type { Bench } from '../harness/bench.ts'
import { LARGE, MEDIUM, type Size } from '../harness/data.ts'
import { median } from '../harness/figures.ts'

const LIMIT = { DUCKDB_MEMORY_LIMIT: '512MB' }

/** Memory at the peak of CSV dumps, over that of the idle server whose buffer pool holds what fits. */
export default async function memory(bench: Bench): Promise<void> {
  const client = bench.client()
  const server = await bench.serve(LIMIT)
  const largest = bench.full ? LARGE : MEDIUM
  const columns = ['id', 'cat', 'note', 'amount', 'ratio', 'flag', 'day', 'seen', 'ref', 'tags'].map(
    (name) => `count("${name}")`,
  )
  const warm = async () => {
    await server.act('datastore_search_sql', { sql: `SELECT ${columns.join(', ')} FROM "${largest.table}"` })
    return (await server.memory()).now
  }
  const peak = async (size: Size): Promise<{ peak: number; over: number }> => {
    const idle = await warm()
    await server.forgetPeak()
    await client.call('inTurn', { url: server.url, asks: [{ method: 'GET', path: `/datastore/dump/${size.table}` }] })
    const { peak } = await server.memory()
    return { peak, over: peak - idle }
  }
  // Once for nothing: the first dump also pays for what the process keeps.
  await peak(MEDIUM)
  const medium = [await peak(MEDIUM), await peak(MEDIUM), await peak(MEDIUM)]
  const note = `with DUCKDB_MEMORY_LIMIT=512MB, after a query that read all columns of ${largest.table}`
  report(
    bench,
    MEDIUM,
    medium.map(({ over }) => over),
    note,
  )
  if (!bench.full) return bench.skip('CSV dump of 10,000,000 rows: peak memory', 'only with --full')
  const large = [await peak(LARGE), await peak(LARGE)]
  report(
    bench,
    LARGE,
    large.map(({ over }) => over),
    note,
  )
  bench.add({
    work: 'CSV dump of 10,000,000 rows: peak memory',
    unit: 'MB',
    ours: median(large.map(({ peak }) => peak)),
    limit: median(medium.map(({ peak }) => peak)),
    limitOf: 'the same at 1,000,000 rows',
    wanted: { atMost: 1.2 },
    note,
  })
}

function report(bench: Bench, { rows }: Size, over: readonly number[], note: string): void {
  bench.add({
    work: `CSV dump of ${rows.toLocaleString('en')} rows: memory over idle`,
    unit: 'MB',
    ours: median(over),
    wanted: { atMost: 150 },
    note,
  })
}

import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { action, type Bench, p50 } from '../harness/bench.ts'
import { columns, fields, KEY, rowsSql } from '../harness/data.ts'
import { RunningServer } from '../harness/server.ts'

const ROWS = 20

/** Thousands of tables of 20 rows: what most portals hold. */
export default async function smallTables(bench: Bench): Promise<void> {
  const count = bench.full ? 5000 : 500
  const folder = bench.prepared.empty()
  const bare = await bench.bare()
  const client = bench.client()
  const records = JSON.parse(
    await bare.call(
      'value',
      `SELECT to_json(list(p))::VARCHAR FROM (SELECT ${columns.map(({ name }) => name).join(', ')} FROM (${rowsSql(1, ROWS)})) p`,
    ),
  ) as Record<string, unknown>[]
  const body = (n: number) => ({
    resource_id: `small-${n}`,
    fields,
    primary_key: KEY,
    records: records.map(({ tags, ...row }) => ({ ...row, tags: JSON.parse(String(tags)) })),
  })

  const first = await RunningServer.start(folder)
  const start = performance.now()
  for (let n = 0; n < count; n++) await first.act('datastore_create', body(n))
  const each = (performance.now() - start) / count
  await first.stop()
  const named = `${count.toLocaleString('en')} tables of ${ROWS} rows`
  bench.add({ work: `${named}: to make one`, unit: 'ms', ours: each })
  bench.add({
    work: `${named}: disk for each`,
    unit: 'KB',
    ours: (await sizeOf(folder)) / 1000 / count,
    wanted: { atMost: 100 },
  })

  const server = await RunningServer.start(folder)
  try {
    bench.add({ work: `${named}: restart`, unit: 's', ours: server.startMs / 1000, wanted: { atMost: 2 } })
    const pages = (target: { url: string; table(name: string): string }) =>
      Array.from({ length: count }, (_, n) =>
        action('datastore_search', { resource_id: target.table(`small-${(n * 389) % count}`), limit: 100 }),
      )
    const target = { url: server.url, table: (name: string) => name }
    bench.add({
      work: `${named}: a page, every table once: p50`,
      unit: 'ms',
      ours: await p50(client, pages)(target),
      wanted: { atMost: 10 },
    })
    bench.add({
      work: `${named}: memory after that`,
      unit: 'MB',
      ours: (await server.memory()).now,
      wanted: { atMost: 500 },
    })
  } finally {
    await server.stop()
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true })
  const sizes = await Promise.all(names.map(async (name) => stat(join(folder, name))))
  return sizes.filter((entry) => entry.isFile()).reduce((sum, { size }) => sum + size, 0)
}

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { LakeBench, Sizes } from './lake-bench.ts'

const CLIENTS = 16

/** Pages, counts and filters of one table, by one, two and four server processes. */
export async function reads(bench: LakeBench, { rows }: Sizes): Promise<void> {
  const [server] = await bench.serve(1)
  const file = join(bench.lake.folder, 'rows.parquet')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(
    `COPY (SELECT i AS k, 'city ' || (i * 7919) % 50000 AS city, i % 365 AS day, random() AS rain, 'text of row ' || i AS note,
      DATE '2020-01-01' + (i % 2000)::INTEGER AS seen, i % 2 = 0 AS flag, (i * 31) % 1000 AS a, (i * 17) % 10000 AS b, i / 7 AS c
      FROM range(${rows}) t(i)) TO '${file}' (FORMAT parquet)`,
  )
  connection.closeSync()
  instance.closeSync()
  const loaded = await fetch(`${server?.url}/datastore/load/big?format=parquet`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/vnd.apache.parquet' },
    body: await readFile(file),
  })
  if (!loaded.ok) throw new Error(await loaded.text())
  const kinds: Record<string, (random: number) => object> = {
    'a page of 100 rows': (random) => ({ offset: Math.floor(random * rows), limit: 100 }),
    'a count': () => ({ limit: 0, filters: { flag: true } }),
    'a filter with 20 rows': (random) => ({ filters: { city: `city ${Math.floor(random * 50_000)}` } }),
  }
  for (const processes of [1, 2, 4]) {
    const servers = await bench.serve(processes)
    for (const [name, params] of Object.entries(kinds)) {
      await bench.measure(`${name}, ${processes} processes, ${CLIENTS} clients`, CLIENTS, async (client) => {
        const response = await fetch(`${servers[client % processes]?.url}/api/3/action/datastore_search`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ resource_id: 'big', ...params(Math.random()) }),
        })
        const text = await response.text()
        if (!response.ok) throw new Error(text)
      })
    }
  }
}

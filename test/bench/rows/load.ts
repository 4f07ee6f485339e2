import assert from 'node:assert/strict'
import type { Bench, Target } from '../harness/bench.ts'
import { fields, KEY, MEDIUM, readColumns, SMALL } from '../harness/data.ts'
import { storedFigure } from '../harness/figures.ts'
import { loadFile } from '../harness/prepare.ts'

const { rows } = MEDIUM

/** A CSV file into an empty table. */
export default async function load(bench: Bench): Promise<void> {
  const [server, bare] = [await bench.serve({}, 'empty'), await bench.bare()]
  const file = bench.prepared.csv(MEDIUM)
  let tables = 0
  const create = async () => {
    const name = `loaded-${++tables}`
    await server.act('datastore_create', { resource_id: name, fields, primary_key: KEY })
    return name
  }
  const probe = await create()
  if (!(await loadFile(server.url, probe, bench.prepared.csv(SMALL)))) {
    return bench.skip('bulk load of CSV', 'this server has no /datastore/load')
  }
  const { total } = await server.act('datastore_search', { resource_id: probe, limit: 0 })
  assert.equal(total, SMALL.rows)
  const read = `read_csv('${file}', header = true, columns = ${readColumns})`
  await bench.compare(server, {
    work: 'bulk load of CSV, 1,000,000 rows',
    unit: 'rows/s',
    async ours(target: Target) {
      const name = await create()
      const start = performance.now()
      await loadFile(target.url, name, file)
      const seconds = (performance.now() - start) / 1000
      await server.act('datastore_delete', { resource_id: name })
      return rows / seconds
    },
    limit: {
      of: 'read_csv into a table',
      async measure() {
        const [ms] = await bare.call('time', [
          `CREATE TABLE loaded AS SELECT row_number() OVER () AS _id, * FROM ${read}`,
        ])
        await bare.call('time', ['DROP TABLE loaded'])
        return (rows * 1000) / (ms as number)
      },
    },
    wanted: { atLeast: 0.8 },
    ckan: { stored: 'insertRows', wanted: 100, measure: false },
    note: `CKAN: its JSON ingest, ${storedFigure('insertRows')} rows/s`,
  })
}

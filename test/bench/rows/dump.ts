import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BareTasks } from '../harness/bare-process.ts'
import type { Bench, Target } from '../harness/bench.ts'
import { MEDIUM, readColumns, SMALL } from '../harness/data.ts'
import { median } from '../harness/figures.ts'
import type { Worker } from '../harness/worker.ts'
import { rowsOf } from './check.ts'

const { table, rows } = MEDIUM
const readable = readColumns.replace('{', "{'_id': 'BIGINT', ")

const path = (name: string, format: string) => `/datastore/dump/${name}?format=${format}`

/** The whole table as a file, over HTTP, beside DuckDB writing it to a file. */
export default async function dump(bench: Bench): Promise<void> {
  const [server, bare, client] = [await bench.serve(), await bench.bare(), bench.client()]
  const scratch = await bench.prepared.copy()
  const firstBytes = new Map<string, number[]>()
  let megabytes = 0
  const rate = (format: string) => async (target: Target) => {
    const ask = { method: 'GET', path: path(target.table(table), format) } as const
    const [answer] = await client.call('inTurn', { url: target.url, headers: target.headers, asks: [ask] })
    if (!answer) throw new Error('no answer')
    if (target === server) {
      firstBytes.set(format, [...(firstBytes.get(format) ?? []), answer.firstByteMs])
      megabytes = answer.bytes / 1e6
    }
    return (rows * 1000) / answer.ms
  }
  const copyRate = (options: string) => async () => {
    const file = join(scratch, 'copy.out')
    const [ms] = await bare.call('time', [`COPY "${table}" TO '${file}' (${options})`])
    await rm(file)
    return (rows * 1000) / (ms as number)
  }

  await sameFile(
    server,
    bare,
    scratch,
    'csv',
    `read_csv(FILE, header = true, columns = ${readable}, auto_detect = false, strict_mode = false)`,
  )
  await bench.compare(server, {
    work: 'CSV dump, 1,000,000 rows',
    unit: 'rows/s',
    ours: rate('csv'),
    limit: { of: 'COPY to a file', measure: copyRate('FORMAT csv, HEADER') },
    wanted: { atLeast: 0.8 },
  })
  bench.add({
    work: 'CSV dump: first byte',
    unit: 'ms',
    ours: median(firstBytes.get('csv') ?? []),
    wanted: { atMost: 100 },
  })
  const { ours = 0 } = bench.figures.at(-2) ?? {}
  bench.add({
    work: 'CSV dump, 1,000,000 rows',
    unit: 'MB/s',
    ours: (ours / rows) * megabytes,
    ...(await bench.stored(
      { stored: 'dumpCsvMegabytes', wanted: 3 },
      async (ckan) => ((await rate('csv')(ckan)) / rows) * megabytes,
    )),
  })

  await sameLists(server, bare)
  await bench.compare(server, {
    work: 'JSON dump, 1,000,000 rows',
    unit: 'rows/s',
    ours: rate('json'),
    limit: { of: 'COPY to a JSON array', measure: copyRate('FORMAT json, ARRAY true') },
    wanted: { atLeast: 0.7 },
    ckan: { stored: 'dumpJsonRows', wanted: 12 },
  })
  await sameFile(
    server,
    bare,
    scratch,
    'ndjson',
    `read_json(FILE, format = 'newline_delimited', columns = ${readable})`,
  )
  await bench.compare(server, {
    work: 'NDJSON dump, 1,000,000 rows',
    unit: 'rows/s',
    ours: rate('ndjson'),
    limit: { of: 'COPY to NDJSON', measure: copyRate('FORMAT json') },
    wanted: { atLeast: 0.7 },
  })
}

/** Reads the dump back with DuckDB and holds it against the table. */
async function sameFile(
  server: Target,
  bare: Worker<BareTasks>,
  folder: string,
  format: string,
  reader: string,
): Promise<void> {
  const file = join(folder, `dump.${format}`)
  const { body } = await fetch(server.url + path(table, format))
  await pipeline(Readable.fromWeb(body as never), createWriteStream(file))
  const read = `(SELECT * FROM ${reader.replace('FILE', `'${file}'`)})`
  const difference = `SELECT count(*) FROM (${read} EXCEPT ALL SELECT * FROM "${table}")`
  assert.deepEqual(
    [await bare.call('value', difference), await bare.call('value', `SELECT count(*) FROM ${read}`)],
    ['0', String(rows)],
  )
  await rm(file)
}

/** The lists of a JSON dump against the rows, on the small table. */
async function sameLists(server: Target, bare: Worker<BareTasks>): Promise<void> {
  const answer = (await (await fetch(server.url + path(SMALL.table, 'json'))).json()) as {
    fields: { id: string }[]
    records: unknown[][]
  }
  const objects = answer.records.map((list) =>
    Object.fromEntries(answer.fields.map(({ id }, index) => [id, list[index]])),
  )
  const expected = await bare.call(
    'value',
    `SELECT string_agg(to_json(t)::VARCHAR, ',' ORDER BY _id) FROM "${SMALL.table}" t`,
  )
  assert.deepEqual(rowsOf(JSON.stringify(objects)), rowsOf(`[${expected}]`))
}

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BareTasks } from '../harness/bare-process.ts'
import { action, type Bench, type Target } from '../harness/bench.ts'
import type { Ask } from '../harness/client-process.ts'
import { columns, KEY, MEDIUM, readColumns, recordsSql } from '../harness/data.ts'
import { quantile } from '../harness/figures.ts'
import type { Worker } from '../harness/worker.ts'
import { sameRows } from './check.ts'

const { table, rows } = MEDIUM

interface Kind {
  method: 'upsert' | 'insert'
  records: number
  /** Numbers of more digits than a JSON parser keeps. DuckDB's reader takes none: it is given short ones instead. */
  long?: boolean
}

interface Batch {
  file: string
  first: number
  last: number
}

const TEN_THOUSAND = [
  { work: 'upsert of 10,000 records', method: 'upsert', wanted: { atLeast: 0.6 }, ckan: 'upsertRows' },
  { work: 'upsert of 10,000 records with long numbers', method: 'upsert', long: true, ckan: 'upsertRows' },
  { work: 'insert of 10,000 records', method: 'insert', ckan: 'insertRows' },
] as const

const FEW = [
  { work: 'upsert of 1,000 records: p50', records: 1000, ckan: { stored: 'upsert1000', wanted: 15 } },
  { work: 'upsert of 1 record: p50', records: 1, ckan: { stored: 'upsert1', wanted: 3 } },
]

/** Records that are written by key, or appended, in one durable call. */
export default async function upsert(bench: Bench): Promise<void> {
  const [server, bare, client] = [await bench.serve(), await bench.bare(), bench.client()]
  const batches = new Batches(bare, await bench.prepared.copy())
  const ours = async (target: Target, kind: Kind, calls: number) =>
    batches.use(kind, calls, async (made) => {
      const asks = made.map(({ file }) => upsertAsk(target, kind, file))
      const answers = await client.call('inTurn', { url: target.url, headers: target.headers, asks })
      return quantile(
        answers.map(({ ms }) => ms),
        0.5,
      )
    })
  const merged = (kind: Kind, calls: number) =>
    batches.use({ ...kind, long: false }, calls, async (made) =>
      quantile(
        await bare.call(
          'time',
          made.map(({ file }) => writeSql(kind, file)),
        ),
        0.5,
      ),
    )

  await batches.use({ method: 'upsert', records: 2000 }, 1, async ([batch]) => {
    const { file, first, last } = batch as Batch
    await client.call('inTurn', {
      url: server.url,
      asks: [upsertAsk(server, { method: 'upsert', records: 2000 }, file)],
    })
    await bare.call('time', [writeSql({ method: 'upsert', records: 2000 }, file)])
    const filters = { [KEY]: { gte: first, lte: last } }
    const changed = action('datastore_search', { resource_id: table, limit: 2000, filters })
    await sameRows(
      server,
      changed,
      bare,
      `SELECT * FROM "${table}" WHERE ${KEY} BETWEEN ${first} AND ${last} ORDER BY _id`,
    )
    return 0
  })
  for (const row of TEN_THOUSAND) {
    const kind: Kind = { records: 10_000, ...row }
    const perSecond = (ms: number) => (kind.records * 1000) / ms
    await bench.compare(server, {
      work: row.work,
      unit: 'rows/s',
      ours: async (target) => perSecond(await ours(target, kind, 3)),
      limit: {
        of: kind.method === 'insert' ? 'read_json and INSERT' : 'read_json and MERGE',
        measure: async () => perSecond(await merged(kind, 3)),
      },
      ...('wanted' in row && { wanted: row.wanted }),
      ckan: { stored: row.ckan, wanted: 25 },
    })
  }
  for (const { work, records, ckan } of FEW) {
    const kind: Kind = { method: 'upsert', records }
    await bench.compare(server, {
      work,
      unit: 'ms',
      ours: (target) => ours(target, kind, 10),
      limit: { of: 'read_json and MERGE', measure: () => merged(kind, 10) },
      ckan,
    })
  }
}

/** Files of records, no two alike: each changes the rows that it finds, or adds rows. */
class Batches {
  readonly #bare: Worker<BareTasks>
  readonly #folder: string
  #salt = 0
  #next = rows + 1

  constructor(bare: Worker<BareTasks>, folder: string) {
    this.#bare = bare
    this.#folder = folder
  }

  /** Makes files, hands them over and takes them away. */
  async use(kind: Kind, count: number, work: (batches: readonly Batch[]) => Promise<number>): Promise<number> {
    const made: Batch[] = []
    for (let n = 0; n < count; n++) made.push(await this.#make(kind))
    try {
      return await work(made)
    } finally {
      for (const { file } of made) await rm(file)
    }
  }

  async #make({ method, records, long }: Kind): Promise<Batch> {
    this.#salt += 1000
    const salt = this.#salt
    const first = method === 'insert' ? this.#next : 1 + ((salt * 131) % (rows - records))
    if (method === 'insert') this.#next += records
    const last = first + records - 1
    const file = join(this.#folder, `records-${salt}.json`)
    await this.#bare.call('write', { statement: recordsSql(first, last, { salt, long }), file })
    return { file, first, last }
  }
}

function upsertAsk(target: Target, { method }: Kind, bodyFile: string): Ask {
  const before = `{"resource_id": "${target.table(table)}", "method": "${method}", "force": true, "records": `
  return { method: 'POST', path: '/api/3/action/datastore_upsert', bodyFile, wrap: [before, '}'] }
}

/** The same by DuckDB itself, `_id` included. */
function writeSql({ method }: Kind, file: string): string {
  const names = columns.map(({ name }) => name)
  const source = `(SELECT (SELECT max(_id) FROM "${table}") + row_number() OVER () AS _id, * FROM read_json('${file}', format = 'array', columns = ${readColumns}))`
  const all = ['_id', ...names]
  if (method === 'insert') return `INSERT INTO "${table}" (${all.join(', ')}) SELECT ${all.join(', ')} FROM ${source}`
  const set = names.filter((name) => name !== KEY).map((name) => `${name} = s.${name}`)
  return (
    `MERGE INTO "${table}" t USING ${source} s ON t.${KEY} = s.${KEY} WHEN MATCHED THEN UPDATE SET ${set.join(', ')} ` +
    `WHEN NOT MATCHED THEN INSERT (${all.join(', ')}) VALUES (${all.map((name) => `s.${name}`).join(', ')})`
  )
}

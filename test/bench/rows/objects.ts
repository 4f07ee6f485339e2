import { action, type Bench, bareP50, p50 } from '../harness/bench.ts'
import { MEDIUM } from '../harness/data.ts'
import { asJson, sameRows } from './check.ts'

const { table } = MEDIUM
const LIMIT = 32_000
const OFFSETS = [0, 320_000, 640_000]

/** The largest page, as JSON objects. */
export default async function objects(bench: Bench): Promise<void> {
  const [server, bare, client] = [await bench.serve(), await bench.bare(), bench.client()]
  const ask = (name: string, offset: number) => action('datastore_search', { resource_id: name, limit: LIMIT, offset })
  const rows = (offset: number) =>
    `SELECT * FROM "${table}" WHERE _id > ${offset} AND _id <= ${offset + LIMIT} ORDER BY _id`
  await sameRows(server, ask(table, 0), bare, rows(0))
  await bench.compare(server, {
    work: 'search limit=32000 as objects: p50',
    unit: 'ms',
    ours: p50(client, (target) => OFFSETS.map((offset) => ask(target.table(table), offset))),
    limit: {
      of: 'to_json and string_agg',
      measure: bareP50(
        bare,
        OFFSETS.map((offset) => asJson(rows(offset))),
      ),
    },
    wanted: { atMost: 1.5 },
    ckan: { stored: 'objects', wanted: 2 },
  })
}

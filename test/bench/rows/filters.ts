import { action, type Bench, bareP50, p50, type Target } from '../harness/bench.ts'
import type { Ask } from '../harness/client-process.ts'
import { INDEXED, KEY, MEDIUM, type Size } from '../harness/data.ts'
import { asJson, sameRows } from './check.ts'

const { table } = MEDIUM
const LIMIT = 100

const search =
  (params: Record<string, unknown>) =>
  (target: Target, name: string): Ask =>
    action('datastore_search', { resource_id: target.table(name), limit: LIMIT, ...params })

/** Filters and orders that are not those of `_id`. */
export default async function filters(bench: Bench): Promise<void> {
  const [server, bare, client] = [await bench.serve(), await bench.bare(), bench.client()]
  await flat(bench, { work: 'filter on the primary key', column: KEY, ckan: { stored: 'key', wanted: 4 } })
  await flat(bench, { work: 'filter on a column in `indexes`', column: INDEXED, ckan: { stored: 'key', wanted: 4 } })

  const cat = (n: number) => `category ${String(n).padStart(2, '0')}`
  const equal = (n: number) => search({ filters: { cat: cat(n) } })
  const equalSql = (n: number) => `SELECT * FROM "${table}" WHERE cat = '${cat(n)}' ORDER BY _id LIMIT ${LIMIT}`
  const some = Array.from({ length: 10 }, (_, n) => n)
  await sameRows(server, equal(7)(server, table), bare, equalSql(7))
  await bench.compare(server, {
    work: 'filter that 2 % of the rows pass, with total: p50',
    unit: 'ms',
    ours: p50(client, (target) => some.map((n) => equal(n)(target, table))),
    limit: {
      of: 'the page as JSON, then the count',
      async measure() {
        const page = await bareP50(
          bare,
          some.map((n) => asJson(equalSql(n))),
        )()
        return (
          page +
          (await bareP50(
            bare,
            some.map((n) => `SELECT count(*) FROM "${table}" WHERE cat = '${cat(n)}'`),
          )())
        )
      },
    },
    wanted: { atMost: 1.5 },
    ckan: { stored: 'equality', wanted: 10 },
  })

  const sorted = (offset: number) => search({ sort: 'amount desc, id', offset })
  const sortedSql = (offset: number) =>
    `SELECT * FROM "${table}" ORDER BY amount DESC NULLS FIRST, id NULLS LAST, _id LIMIT ${LIMIT} OFFSET ${offset}`
  await sameRows(server, sorted(0)(server, table), bare, sortedSql(0))
  await bench.compare(server, {
    work: 'sort by a number: p50',
    unit: 'ms',
    ours: p50(client, (target) => some.map((n) => sorted(n * LIMIT)(target, table))),
    limit: {
      of: 'the page as JSON',
      measure: bareP50(
        bare,
        some.map((n) => asJson(sortedSql(n * LIMIT))),
      ),
    },
    wanted: { atMost: 1.5 },
    ckan: { stored: 'sort', wanted: 8 },
  })

  /** The time must not grow with the table: the small table is the limit. */
  async function flat(
    bench: Bench,
    { work, column, ckan }: { work: string; column: string; ckan: { stored: string; wanted: number } },
  ) {
    const [small, ...larger] = bench.prepared.sizes as [Size, ...Size[]]
    const values = new Map<string, string[]>()
    for (const { table, rows } of bench.prepared.sizes) {
      const spread = `SELECT string_agg(${column}, ' ') FROM "${table}" WHERE _id % ${rows / 40} = 7 AND ${column} IS NOT NULL`
      values.set(table, (await bare.call('value', spread)).split(' '))
    }
    const asks = (target: Target, size: Size) =>
      (values.get(size.table) ?? []).map((value) =>
        search({ filters: { [column]: Number(value) } })(target, size.table),
      )
    const page = (value: string | undefined) => `SELECT * FROM "${table}" WHERE ${column} = ${value} ORDER BY _id`
    await sameRows(server, asks(server, MEDIUM)[3] as Ask, bare, page(values.get(table)?.[3]))
    for (const size of larger) {
      await bench.compare(server, {
        work: `${work}, ${size.rows.toLocaleString('en')} rows: p50`,
        unit: 'ms',
        ours: p50(client, (target) => asks(target, size)),
        limit: {
          of: `the same at ${small.rows.toLocaleString('en')} rows`,
          measure: () => p50(client, (target) => asks(target, small))(server),
        },
        wanted: { atMost: 1.5 },
        ...(size.table === table && { ckan }),
      })
    }
    await bench.compare(server, {
      work: `${work}, ${MEDIUM.rows.toLocaleString('en')} rows, beside DuckDB by itself: p50`,
      unit: 'ms',
      ours: p50(client, (target) => asks(target, MEDIUM)),
      limit: {
        of: 'the row as JSON',
        measure: bareP50(
          bare,
          (values.get(table) ?? []).map((value) => asJson(page(value))),
        ),
      },
    })
  }
}

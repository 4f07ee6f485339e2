import { action, type Bench, bareP50, p50, type Target } from '../harness/bench.ts'
import { MEDIUM } from '../harness/data.ts'
import { asJson, sameRows } from './check.ts'

const LIMIT = 100
const PAGES = 40
const { table, rows } = MEDIUM

const page = (name: string, offset: number) => action('datastore_search', { resource_id: name, limit: LIMIT, offset })
const pageSql = (offset: number) =>
  asJson(`SELECT * FROM "${table}" WHERE _id > ${offset} AND _id <= ${offset + LIMIT} ORDER BY _id`)

/** Neighbours of an offset, none asked for twice. */
const offsets = (first: number) => Array.from({ length: PAGES }, (_, index) => first + index * LIMIT)

/** A page of 100 rows in `_id` order, anywhere in the table. */
export default async function search(bench: Bench): Promise<void> {
  const [server, bare, client] = [await bench.serve(), await bench.bare(), bench.client()]
  for (const [name, first, stored] of [
    ['first pages', 0, 'page'],
    ['in the middle', rows / 2, 'pageDeep'],
    ['at 90 %', rows * 0.9, 'pageDeep'],
  ] as const) {
    await sameRows(
      server,
      page(table, first),
      bare,
      `SELECT * FROM "${table}" WHERE _id > ${first} AND _id <= ${first + LIMIT} ORDER BY _id`,
    )
    await bench.compare(server, {
      work: `search limit=100, ${name}: p50`,
      unit: 'ms',
      ours: p50(client, (target) => offsets(first).map((offset) => page(target.table(table), offset))),
      limit: { of: 'the rows by an `_id` range, as JSON', measure: bareP50(bare, offsets(first).map(pageSql)) },
      wanted: { atMost: 2 },
      ckan: { stored, wanted: 5 },
    })
  }
  await bench.compare(server, {
    work: 'search limit=100, 16 connections',
    unit: 'req/s',
    async ours(target: Target) {
      const asks = Array.from({ length: 500 }, (_, index) =>
        page(target.table(table), ((index * 7919) % (rows / LIMIT)) * LIMIT),
      )
      const { perSecond, errors } = await client.call('atOnce', {
        url: target.url,
        headers: target.headers,
        asks,
        connections: 16,
        seconds: 3,
      })
      if (errors > 0) throw new Error(`${errors} requests failed`)
      return perSecond
    },
    ckan: { stored: 'pageRate', wanted: 5 },
    rounds: 3,
  })
}

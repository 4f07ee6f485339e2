import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Target } from '../harness/bench.ts'
import type { Ask } from '../harness/client-process.ts'
import { columns, KEY, MEDIUM, readColumns, recordsSql } from '../harness/data.ts'
import { quantile } from '../harness/figures.ts'

const { table, rows } = MEDIUM
const CALLS = 3

interface Kind {
  work: string
  records: number
  method: 'upsert' | 'insert'
  long?: boolean
}

/** Records that are written by key, or appended, in one durable call. */
export default async function upsert(bench: Bench): Promise<void> {
  const [server, bare, client] = [await bench.serve(), await bench.bare(), bench.client()]
  const scratch = await bench.prepared.copy()
  let salt = 0
  let next = rows + 1

  /** Files with the records of the next calls: each changes what it finds, or adds what is not there. */
  const files = async ({ records, method, long }: Kind, calls: number): Promise<string[]> => {
    const made: string[] = []
    for (let call = 0; call < calls; call++) {
      salt += 1000
      const first = method === 'insert' ? next : 1 + ((salt * 131) % (rows - records))
      if (method === 'insert') next += records
      const file = join(scratch, `records-${salt}.json`)
      await bare.call('write', { statement: recordsSql(first, first + records - 1, { salt, long }), file })
      made.push(file)
    }
    return made
  }
  const asks = (target: Target, { method }: Kind, made: readonly string[]): Ask[] =>
    made.map((bodyFile) => ({
      method: 'POST',
      path: '/api/3/action/datastore_upsert',
      bodyFile,
      wrap: [`{"resource_id": "${target.table(table)}", "method": "${method}", "force": true, "records": `, '}'],
    }))
  const call = async (target: Target, kind: Kind, calls = CALLS): Promise<number> => {
    const made = await files(kind, calls)
    const answers = await client.call('inTurn', {
      url: target.url,
      headers: target.headers,
      asks: asks(target, kind, made),
    })
    for (const file of made) await rm(file)
    return quantile(
      answers.map(({ ms }) => ms),
      0.5,
    )
  }
  const merge = async (kind: Kind): Promise<number> => {
    const made = await files(kind, CALLS)
    const times = await bare.call(
      'time',
      made.map((file) => writeSql(kind, file)),
    )
    for (const file of made) await rm(file)
    return quantile(times, 0.5)
  }

  await sameAfter(bench, server)
  const kinds: (Kind & { wanted: { atLeast: number } | undefined; ckan: string })[] = [
    {
      work: 'upsert of 10,000 records',
      records: 10_000,
      method: 'upsert',
      wanted: { atLeast: 0.6 },
      ckan: 'upsertRows',
    },
    {
      work: 'upsert of 10,000 records with long numbers',
      records: 10_000,
      method: 'upsert',
      long: true,
      wanted: undefined,
      ckan: 'upsertRows',
    },
    { work: 'insert of 10,000 records', records: 10_000, method: 'insert', wanted: undefined, ckan: 'insertRows' },
  ]
  for (const { wanted, ckan, ...kind } of kinds) {
    const perSecond = (ms: number) => (kind.records * 1000) / ms
    await bench.compare(server, {
      work: kind.work,
      unit: 'rows/s',
      ours: async (target) => perSecond(await call(target, kind)),
      limit: {
        of: kind.method === 'insert' ? 'read_json and INSERT' : 'read_json and MERGE',
        measure: async () => perSecond(await merge(kind)),
      },
      wanted,
      ckan: { stored: ckan, wanted: 25 },
    })
  }
  for (const { records, stored, wanted } of [
    { records: 1000, stored: 'upsert1000', wanted: 15 },
    { records: 1, stored: 'upsert1', wanted: 3 },
  ]) {
    const kind: Kind = { work: '', records, method: 'upsert' }
    await bench.compare(server, {
      work: `upsert of ${records.toLocaleString('en')} record${records === 1 ? '' : 's'}: p50`,
      unit: 'ms',
      ours: (target) => call(target, kind, 10),
      limit: { of: 'read_json and MERGE', measure: () => merge(kind) },
      ckan: { stored, wanted },
    })
  }

  function writeSql({ method }: Kind, file: string): string {
    const names = columns.map(({ name }) => name)
    const source = `read_json('${file}', format = 'array', columns = ${readColumns})`
    const last = `(SELECT max(_id) FROM "${table}")`
    if (method === 'insert') {
      return `INSERT INTO "${table}" (_id, ${names.join(', ')}) SELECT ${last} + row_number() OVER (), ${names.join(', ')} FROM ${source}`
    }
    const set = names.filter((name) => name !== KEY).map((name) => `${name} = s.${name}`)
    return (
      `MERGE INTO "${table}" t USING (SELECT *, ${last} + row_number() OVER () AS fresh FROM ${source}) s ON t.${KEY} = s.${KEY} ` +
      `WHEN MATCHED THEN UPDATE SET ${set.join(', ')} ` +
      `WHEN NOT MATCHED THEN INSERT (_id, ${names.join(', ')}) VALUES (s.fresh, ${names.map((name) => `s.${name}`).join(', ')})`
    )
  }

  /** The same records leave the same rows. */
  async function sameAfter(bench: Bench, server: Target): Promise<void> {
    const kind: Kind = { work: '', records: 2000, method: 'upsert' }
    const made = await files(kind, 1)
    await client.call('inTurn', { url: server.url, asks: asks(server, kind, made) })
    await bare.call('time', [writeSql(kind, made[0] as string)])
    const sum = (target: string) =>
      `SELECT count(*) AS n, sum(amount)::VARCHAR AS amount, sum(ref) AS ref, min(seen)::VARCHAR AS seen, count(note) AS notes FROM ${target}`
    const { records } = await (
      server as unknown as { act(name: string, body: unknown): Promise<{ records: unknown[] }> }
    ).act('datastore_search_sql', { sql: sum(`"${table}"`) })
    assert.equal(records.length, 1)
    assert.equal(
      JSON.stringify(Object.values(records[0] as object).map(String)),
      await bare.call(
        'value',
        `SELECT to_json([n::VARCHAR, amount, ref::VARCHAR, seen, notes::VARCHAR])::VARCHAR FROM (${sum(`"${table}"`)})`,
      ),
    )
    for (const file of made) await rm(file)
    bench.row = 'upsert'
  }
}

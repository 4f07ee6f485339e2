import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatastore } from '../../../src/app.ts'
import { createLogger } from '../../../src/core/log.ts'
import { inferred, late, refused, shapes } from '../../load/files.ts'
import { filesSuite } from '../../load/files-suite.ts'
import { methodsSuite } from '../../load/methods.ts'
import type { LoadTarget } from '../../load/open.ts'
import { asking, openTarget } from '../../load/open.ts'
import { rejected } from '../../load/rejected.ts'
import { rejectedSuite } from '../../load/rejected-suite.ts'
import type { BigqueryServices } from '../../services/bigquery.ts'
import { reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import type { Recorded } from '../../services/proxy.ts'
import { settingsFor } from './open.ts'

const reason = reasonWithoutBigquery()

async function tablesOf({ url, project, dataset }: BigqueryServices): Promise<string[]> {
  const response = await fetch(`${url}/bigquery/v2/projects/${project}/datasets/${dataset}/tables?maxResults=1000`)
  const { tables = [] } = (await response.json()) as { tables?: { tableReference: { tableId: string } }[] }
  return tables.map(({ tableReference }) => tableReference.tableId)
}

/** A datastore on an emulator of its own. */
async function open(): Promise<LoadTarget & { services: BigqueryServices }> {
  const services = await startBigquery()
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const datastore = await createDatastore({ env: settingsFor(services), auth: 'anonymous', logger })
  return {
    ...asking(datastore),
    services,
    folder: '',
    leftovers: async () => (await tablesOf(services)).filter((name) => name.startsWith('_stage_')),
    async close() {
      await datastore.close()
      await services.close()
    },
  }
}

/** The emulator takes seconds for each; all of them run with FULL=1. */
const TELLING =
  /CRLF with LF|empty lines|trailing comma|doubled quotes|quote within|header alone|^ndjson$|^json$|nulls and empty|decimals of many|times in UTC/
const some = <T extends { name: string }>(cases: readonly T[]) =>
  process.env.FULL === '1' ? cases : cases.filter(({ name }) => TELLING.test(name))

describe.skipIf(reason !== undefined)(
  `loads into bigquery${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let target: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      target = await open()
    })
    afterAll(() => target.close())
    const shared = async () => ({ ...target, close: async () => {} })

    methodsSuite(shared)
    filesSuite(shared, { taken: { 'files of all shapes': some([...inferred, ...late, ...shapes]) }, refused })
    rejectedSuite(shared, rejected)

    describe('a load that fails at one of its requests leaves the table as it was', () => {
      const SCHEMA = { fields: [{ name: 'k' }, { name: 'n', type: 'integer' }], primaryKey: 'k' }
      const other = encodeURIComponent(JSON.stringify({ fields: [{ name: 'k', type: 'integer' }, { name: 'm' }] }))
      const cases: [method: string, file: string][] = [
        ['insert', 'k,n\nc,3\n'],
        ['upsert', 'k,n\na,7\nc,3\n'],
        ['replace', 'k,n\nc,3\n'],
        [`replace&schema=${other}`, 'k,m\n1,x\n'],
      ]
      test.each(cases)(
        '%s',
        async (method, file) => {
          const id = `failing-${cases.findIndex(([name]) => name === method)}`
          const records = [
            { k: 'a', n: 1 },
            { k: 'b', n: 2 },
          ]
          await target.act('create', { resource_id: id, schema: SCHEMA, records })
          const { bigquery } = target.services
          const before = await target.dump(id)
          for (let failing = 0; ; failing += 1) {
            let seen = -1
            const isWrite = ({ method, path }: Recorded) => method === 'POST' && !/\/cancel/.test(path)
            bigquery.fail({
              match: (request) => isWrite(request) && ++seen === failing,
              status: 400,
              reason: 'invalid',
              message: 'injected',
              times: 1,
            })
            const { status } = await target.load(`${id}?method=${method}`, file)
            bigquery.heal()
            if (seen < failing) {
              expect(status).toBe(200)
              break
            }
            if (status === 200) {
              // What failed was the removal of a stage, which expires.
              expect(await target.dump(id)).not.toBe(before)
              break
            }
            expect(await target.dump(id)).toBe(before)
            expect((await target.act('search', { resource_id: id })).body.result.total).toBe(2)
          }
        },
        120_000,
      )
    })

    test('parquet: what a duckdb table holds comes whole', async () => {
      const duckdb = await openTarget()
      try {
        const fields = Object.entries(COLUMNS).map(([id, type]) => ({ id, type }))
        await duckdb.act('create', { resource_id: 'source', fields, records: VALUES })
        const file = await duckdb.bytes('/datastore/dump/source?format=parquet')
        const { status, body } = await target.load('parquet?format=parquet', file)
        expect([status, body.error]).toEqual([200, undefined])
        const names = Object.keys(COLUMNS).join(',')
        expect(await target.dump(`parquet?fields=${names}`)).toBe(await duckdb.dump(`source?fields=${names}`))
      } finally {
        await duckdb.close()
      }
    })
  },
)

const COLUMNS = {
  a: 'int8',
  b: 'numeric',
  c: 'float8',
  d: 'bool',
  e: 'text',
  f: 'date',
  g: 'timestamp',
  h: 'timestamptz',
  i: 'time',
  j: 'jsonb',
}
const VALUES = [
  {
    a: '9223372036854775807',
    b: '12345678901234567890.123456',
    c: 0.1,
    d: true,
    e: 'ü€😀 "q"',
    f: '2020-02-29',
    g: '2020-01-01T10:00:00.123456',
    h: '2020-01-01T10:00:00.123456Z',
    i: '10:20:30.5',
    j: { a: [1, null, 'x'] },
  },
  { a: -1, b: '-0.000001', c: -1e300, d: false, e: '', f: '1900-01-01', g: '1969-12-31T23:59:59.999999' },
  {},
]

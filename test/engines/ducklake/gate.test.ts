import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DatastoreError } from '../../../src/core/errors.ts'
import type { Engine, Table } from '../../../src/infrastructure/engines/engine.ts'
import { checkStatement } from '../../../src/services/sql-gate/index.ts'
import { reasonWithoutLake, reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { Kit, textOf } from '../../suites/engine/kit.ts'
import { hostile } from '../../suites/sql/hostile.ts'
import { legitimate, TREES, WEATHER } from '../../suites/sql/legitimate.ts'
import type { TestLake } from './open.ts'
import { makeLake, openEngine } from './open.ts'

const TREE_COLUMNS = {
  ...{ species: 'text', height: 'numeric(18,2)', planted: 'date', seen: 'timestamp', checked: 'timestamptz' },
  ...{ alive: 'bool', 'Street Name': 'text', owner: 'json', tags: 'text[]', user: 'text' },
}
const trees = [
  {
    species: 'Oak',
    height: 12.5,
    planted: '1987-04-01',
    seen: '2024-05-01 10:30:00',
    alive: true,
    'Street Name': 'Elm Street',
    owner: { name: 'City', since: 1990, parks: ['A', 'B'] },
    tags: ['tall', 'old'],
    user: 'ann',
  },
  { species: 'Maple', height: 7.25, planted: '2005-03-30', checked: '2024-05-01 10:30:00Z', alive: false, tags: [] },
  { species: 'Linden', 'Street Name': 'Main Street' },
]
const WEATHER_COLUMNS = { day: 'date', city: 'text', rain: 'float8', temp_max: 'float8', kind: 'text' }
const weather = [
  { day: '2024-01-01', city: 'Seattle', rain: 0, temp_max: 12.8, kind: 'drizzle' },
  { day: '2024-02-02', city: 'Tacoma', rain: 1.3, temp_max: 8.9, kind: 'snow' },
]

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let postgres: PostgresServer | undefined
afterAll(() => postgres?.close())

/** What a caller's SQL meets beside the lake differs by its catalog. */
const catalogs = [
  {
    name: 'PostgreSQL',
    reason: reasonWithoutPostgresLake(),
    catalog: async () => {
      postgres = await startPostgres()
      return postgres.createDatabase()
    },
  },
  {
    name: 'SQLite',
    reason: process.env.FULL ? reasonWithoutLake() : 'with FULL=1',
    catalog: (folder: string) => `sqlite:${join(folder, 'catalog.sqlite')}`,
  },
]

describe.each(catalogs)('SQL on a lake in $name', ({ reason, catalog }) => {
  if (reason !== undefined) return void test.skip(reason)
  let lake: TestLake
  let engine: Engine

  beforeAll(async () => {
    lake = await makeLake(catalog)
    engine = await openEngine(lake.env)
    const kit = new Kit(() => engine)
    await kit.create(TREES, TREE_COLUMNS, { records: trees })
    await kit.create(WEATHER, WEATHER_COLUMNS, { records: weather })
    // Enough rows for files, so that what rows are compared with can reach the catalog.
    const rows = Array.from({ length: 2000 }, (_, k) => ({ k, v: `${k % 2 === 0 ? '!' : '~'}${k}` }))
    await kit.create('rows', { k: 'int', v: 'text' }, { records: rows })
    await kit.create('hidden', { v: 'text' }, { records: [{ v: 'secret' }] })
  })
  afterAll(async () => {
    await engine?.close()
    await lake?.close()
  })

  async function run(sql: string): Promise<string> {
    const checked = checkStatement(sql)
    const inspected = await engine.inspectSql(checked.sql)
    const resolved = new Map<string, Table>()
    for (const name of inspected.tables) resolved.set(name, (await engine.describe(name)) as Table)
    const result = await engine.runSql({ ...inspected, resolved, rowsMax: 100, format: 'lists' })
    return textOf(result.records)
  }

  test.each(Object.entries(hostile))('hostile: %s', async (_family, statements) => {
    for (const sql of statements) {
      const outcome = await run(sql).catch((error: unknown) => error)
      expect(outcome, sql).toBeInstanceOf(DatastoreError)
      expect([403, 409], sql).toContain((outcome as DatastoreError).status)
    }
  })

  test.each(Object.entries(legitimate))('legitimate: %s', async (_family, statements) => {
    for (const sql of statements) await expect(run(sql), sql).resolves.toBeTypeOf('string')
  })

  test('a table that nobody has authorized is not there', async () => {
    const inspected = { sql: 'SELECT * FROM hidden', tables: [], functions: [] }
    const plan = { ...inspected, resolved: new Map(), rowsMax: 10, format: 'lists' } as const
    await expect(engine.runSql(plan)).rejects.toMatchObject({ status: 404 })
  })

  // DuckLake copies what it prunes files by into SQL of its own and fills in placeholders there.
  const made = "chr(123) || 'DATA_PATH} x'"
  const shapes = [
    `SELECT count(*) FROM rows WHERE v = ${made}`,
    `SELECT count(*) FROM rows WHERE v > ${made}`,
    `SELECT count(*) FROM rows WHERE v IN (${made}, 'b')`,
    `SELECT count(*) FROM rows WHERE v BETWEEN ${made} AND '~~'`,
    `SELECT count(*) FROM rows WHERE v = ${made} OR v = 'b'`,
    `SELECT count(*) FROM rows a JOIN (SELECT ${made} AS v FROM generate_series(1, 2)) b USING (v)`,
    `SELECT count(*) FROM rows a WHERE v IN (SELECT ${made} FROM generate_series(1, 3))`,
    `SELECT count(*) FROM rows a WHERE v = (SELECT ${made})`,
    `SELECT count(*) FROM rows a WHERE v > (SELECT max(${made}) FROM generate_series(1, 3))`,
    `SELECT count(*) FROM rows a JOIN (SELECT ${made} AS v FROM generate_series(1, 2)) b ON a.v > b.v`,
    `SELECT count(*) FROM (SELECT v FROM rows UNION ALL SELECT ${made}) q WHERE v = ${made}`,
    `SELECT count(*) FROM rows GROUP BY v HAVING v = ${made}`,
    `WITH c AS (SELECT * FROM rows) SELECT count(*) FROM c a, c b WHERE a.v = ${made} AND b.v = ${made}`,
    `SELECT v FROM (SELECT v FROM rows UNION ALL SELECT ${made} FROM generate_series(1, 50)) q ORDER BY v LIMIT 3`,
  ]
  test.each(shapes)('a made-up placeholder stays data: %s', async (sql) => {
    expect(await run(sql)).toBeTypeOf('string')
  })

  const texts = ['{DATA_PATH} OR 1=1 --', '{SNAPSHOT_ID}', '{METADATA_CATALOG_NAME_LITERAL}', 'a\0b']
  test.each(texts)('the text %j is refused wherever rows are compared with it', async (text) => {
    const kit = new Kit(() => engine)
    await expect(kit.rows('rows', { filters: { v: text } })).rejects.toMatchObject({ status: 409 })
    await expect(kit.rows('rows', { filters: { v: { gt: text } } })).rejects.toMatchObject({ status: 409 })
    await expect(kit.dump('rows', 'csv', { filters: { v: text } })).rejects.toMatchObject({ status: 409 })
    await expect(kit.deleteRows('rows', { v: text })).rejects.toMatchObject({ status: 409 })
    await expect(kit.upsert('rows', [{ v: 'x' }, { v: text }], { method: 'insert' })).rejects.toMatchObject({
      detail: { records_row: 1, records_column: 'v' },
    })
    expect(await engine.describe(text)).toBeUndefined()
    expect(await kit.counted('rows')).toBe(2000)
  })
})

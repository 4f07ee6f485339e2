import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LogRecord } from '../../../src/core/log.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const COLUMNS = { k: 'int', v: 'text' }

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('a catalog that is put back', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres?.close())

  test('its tables are made anew under a process that waits for them: that answers 503 at most, and goes on', async () => {
    const lake = await makeLake(() => postgres.createDatabase())
    const log: LogRecord[] = []
    const engine = await openEngine(lake.env, log)
    const kit = new Kit(() => engine)
    const id = await kit.make(COLUMNS, [{ k: 1, v: 'kept' }], { key: ['k'] })
    const restore = new pg.Client({ connectionString: lake.env.DUCKLAKE_CATALOG })
    await restore.connect()
    for (const sql of [
      'BEGIN',
      'CREATE TABLE ducklake.copy (LIKE ducklake.ducklake_snapshot INCLUDING ALL)',
      'INSERT INTO ducklake.copy SELECT * FROM ducklake.ducklake_snapshot',
      'DROP TABLE ducklake.ducklake_snapshot',
      'ALTER TABLE ducklake.copy RENAME TO ducklake_snapshot',
    ])
      await restore.query(sql)
    const calls = [kit.table(id), kit.upsert(id, [{ k: 2 }]), engine.healthcheck()]
    const outcomes = Promise.all(calls.map((call) => call.catch((error) => error.status)))
    await sleep(1000)
    await restore.query('COMMIT')
    await restore.end()
    for (const outcome of await outcomes) if (typeof outcome === 'number') expect(outcome).toBe(503)
    for (let times = 0; times < 3; times += 1) {
      await vi.waitFor(() => kit.upsert(id, [{ k: 2, v: 'then' }]), { timeout: 20_000, interval: 100 })
      await engine.healthcheck()
    }
    expect(await kit.counted(id)).toBe(2)
    await engine.close()
    await lake.close()
  })

  const endConnections = (database: string) =>
    postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)

  test.each<[what: string, more: number]>([
    ['has come as far again', 0],
    ['has gone on further', 3],
  ])(
    'and %s under others is noticed: nothing that was known of the lost commits is shown or written',
    async (_what, more) => {
      const lake = await makeLake(() => postgres.createDatabase())
      const database = new URL(lake.env.DUCKLAKE_CATALOG as string).pathname.slice(1)
      const lastSnapshot = () =>
        Number(postgres.query('SELECT max(snapshot_id) FROM ducklake.ducklake_snapshot', database)[0]?.[0])
      const log: LogRecord[] = []
      const engines = [await openEngine(lake.env, log), await openEngine(lake.env, log)]
      const [a, b] = engines.map((engine) => new Kit(() => engine)) as [Kit, Kit]
      const id = await a.make(COLUMNS, [{ k: 1, v: 'kept' }], { key: ['k'] })
      await b.table(id)

      endConnections(database)
      postgres.query(`CREATE DATABASE kept TEMPLATE ${database}`)
      const revisions = new Set<number>()
      await vi.waitFor(() => a.create(id, { ...COLUMNS, lost: 'text' }), { timeout: 30_000 })
      for (const k of [10, 11, 12]) {
        await a.upsert(id, [{ k, v: 'lost', lost: 'x' }])
        revisions.add((await b.table(id)).revision)
      }
      expect((await b.rows(id)).length).toBe(4)
      const lost = lastSnapshot()

      endConnections(database)
      postgres.query(`DROP DATABASE ${database} WITH (FORCE)`)
      postgres.query(`ALTER DATABASE kept RENAME TO ${database}`)
      const other = await openEngine(lake.env)
      const c = new Kit(() => other)
      // As many changes of definitions, to other columns, and then rows.
      await c.create(id, { ...COLUMNS, other: 'int' })
      for (let k = 20; lastSnapshot() < lost + more; k += 1) await c.upsert(id, [{ k, v: 'new', other: k }])
      expect(lastSnapshot()).toBe(lost + more)

      const rows = await c.rows(id)
      for (const kit of [a, b]) {
        // The first calls meet connections that are gone, and what was known.
        await vi.waitFor(() => kit.table(id), { timeout: 30_000, interval: 100 })
        expect(await kit.rows(id)).toEqual(rows)
        expect([...revisions]).not.toContain((await kit.table(id)).revision)
      }
      for (const [index, kit] of [a, b].entries()) {
        await kit.upsert(id, [{ k: 100 + index, v: 'then', other: 1 }])
        const table = await c.table(id)
        expect(table.count).toBe(await c.counted(id))
        expect([...revisions]).not.toContain(table.revision)
      }
      const ids = (await c.rows(id)).map(({ _id }) => Number(_id))
      expect(new Set(ids).size).toBe(ids.length)
      expect(log.filter(({ message }) => JSON.stringify(message).includes('was set back'))).toHaveLength(2)
      for (const engine of [...engines, other]) await engine.close()
      await lake.close()
    },
  )
})

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { type BigqueryServices, reasonWithoutBigquery } from '../../services/bigquery.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { asked, behind, pass } from './behind.ts'
import { openBigquery, openOn } from './open.ts'

const reason = reasonWithoutBigquery()

describe.skipIf(reason !== undefined)(`writes of others${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let services: BigqueryServices
  let engine: Engine
  let closing: () => Promise<void>
  const kit = new Kit(() => engine)

  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const opened = await openBigquery({ strict: true })
    services = opened.services
    engine = opened.engine
    closing = async () => {
      await opened.close()
      vi.useRealTimers()
    }
  }, 300_000)
  afterAll(() => closing?.())
  beforeEach(() => pass(60))
  afterEach(async () => {
    for (const id of kit.takeMade())
      await behind(services, `DROP TABLE IF EXISTS \`${id}\`; DROP TABLE IF EXISTS \`_state_${id}\``)
  })

  /** A table that was looked at just now. */
  async function looked(): Promise<string> {
    const id = await kit.make({ name: 'text', n: 'int' }, [{ name: 'oak', n: 1 }])
    await kit.table(id)
    asked(services, id)
    pass(1)
    return id
  }

  test('are counted within ten seconds, by one free request', { timeout: 120_000 }, async () => {
    const id = await looked()
    const before = await kit.table(id)
    expect(asked(services, id)).toEqual([])

    await behind(services, `INSERT INTO \`${id}\` (_id, name, n) VALUES (7, 'elm', 2), (8, 'ash', 3)`)
    asked(services, id)
    expect((await kit.table(id)).count).toBe(1)
    expect(asked(services, id)).toEqual([])

    pass(10)
    const found = await kit.search(id)
    expect([found.total, found.rows]).toEqual([3, 3])
    expect(found.revision).toBe(before.revision + 1)
    expect(asked(services, id).filter((what) => what === 'get')).toEqual(['get'])
    const after = await kit.table(id)
    expect([after.count, after.revision, after.schemaRevision]).toEqual([3, before.revision + 1, before.schemaRevision])
    expect(asked(services, id)).toEqual([])

    pass(11)
    expect((await kit.table(id)).revision).toBe(before.revision + 1)
    expect(asked(services, id)).toEqual(['get'])

    await kit.upsert(id, [{ name: 'fir', n: 4 }], { method: 'insert' })
    expect(await kit.values(id, '_id')).toEqual([1, 7, 8, 9])
    pass(11)
    asked(services, id)
    expect((await kit.table(id)).revision).toBe(before.revision + 2)
    expect(asked(services, id)).toEqual(['get'])
  })

  test('right after one of ours are seen, though the number of rows is the same', { timeout: 120_000 }, async () => {
    const id = await looked()
    await kit.upsert(id, [{ name: 'elm', n: 2 }], { method: 'insert' })
    const { revision } = await kit.table(id)
    pass(0.01)
    await behind(services, `UPDATE \`${id}\` SET n = 9 WHERE name = 'elm'`)
    pass(10)
    expect((await kit.table(id)).revision).toBe(revision + 1)
  })

  test('are seen by a process that has just begun, and those of another of ours are not taken for them', {
    timeout: 120_000,
  }, async () => {
    const id = await looked()
    const { revision } = await kit.table(id)
    const other = await openOn(services)
    try {
      expect(await other.describe(id)).toMatchObject({ count: 1, revision })
      await kit.upsert(id, [{ name: 'elm', n: 2 }], { method: 'insert' })
      pass(11)
      expect(await other.describe(id)).toMatchObject({ count: 2, revision: revision + 1 })
    } finally {
      await other.close()
    }
    pass(60)
    await behind(services, `DELETE FROM \`${id}\` WHERE name = 'elm'`)
    const third = await openOn(services)
    try {
      expect(await third.describe(id)).toMatchObject({ count: 1, revision: revision + 2 })
    } finally {
      await third.close()
    }
  })

  test('bring and take columns', { timeout: 120_000 }, async () => {
    const id = await looked()
    await behind(
      services,
      `ALTER TABLE \`${id}\` DROP COLUMN n; ALTER TABLE \`${id}\` ADD COLUMN height NUMERIC; ALTER TABLE \`${id}\` ADD COLUMN seen TIMESTAMP; ALTER TABLE \`${id}\` ADD COLUMN tags ARRAY<STRING>`,
    )
    await behind(
      services,
      `UPDATE \`${id}\` SET height = NUMERIC '1.25', seen = TIMESTAMP '2026-01-02 03:04:05.678901+00' WHERE TRUE`,
    )
    pass(11)
    const table = await kit.table(id)
    expect(table.columns.map(({ name, declaredType }) => [name, declaredType])).toEqual([
      ['name', 'text'],
      ['height', 'numeric(38,9)'],
      ['seen', 'timestamptz'],
    ])
    expect(table.revision).toBe(table.schemaRevision)
    expect(await kit.rows(id)).toEqual([
      { _id: 1, name: 'oak', height: 1.25, seen: '2026-01-02T03:04:05.678901+00:00' },
    ])
    pass(11)
    expect((await kit.table(id)).revision).toBe(table.revision)
  })

  test('are told from a column that another process is about to declare', { timeout: 120_000 }, async () => {
    const id = await looked()
    pass(11)
    await behind(services, `ALTER TABLE \`${id}\` ADD COLUMN height NUMERIC`)
    expect((await kit.table(id)).columns).toHaveLength(2)
    pass(11)
    expect((await kit.table(id)).columns).toHaveLength(3)
  })

  test('may drop a table: it is not found, and its name is free again', { timeout: 120_000 }, async () => {
    const id = await looked()
    await behind(services, `DROP TABLE \`${id}\``)
    pass(11)
    expect(await engine.describe(id)).toBeUndefined()
    expect(await engine.describe(id)).toBeUndefined()
    await kit.create(id, { other: 'text' }, { records: [{ other: 'new' }] })
    expect(await kit.rows(id)).toEqual([{ _id: 1, other: 'new' }])
  })

  test('may leave a table without _id: that is told', { timeout: 120_000 }, async () => {
    const id = await looked()
    await behind(services, `CREATE OR REPLACE TABLE \`${id}\` AS SELECT 'oak' AS name`)
    pass(11)
    await expect(engine.describe(id)).rejects.toMatchObject({ message: expect.stringContaining('"_id"') })
    await expect(engine.describe(id)).rejects.toMatchObject({ message: expect.stringContaining('"_id"') })
  })

  test('are not looked for where there are none', { timeout: 120_000 }, async () => {
    const alone = await openOn(services, { BIGQUERY_EXTERNAL_WRITES: 'false' })
    const own = new Kit(() => alone)
    try {
      const id = await own.make({ name: 'text' }, [{ name: 'oak' }])
      asked(services, id)
      await own.table(id)
      pass(60)
      await own.search(id)
      expect(asked(services, id)).toEqual(['job'])
      await own.upsert(id, [{ name: 'elm' }], { method: 'insert' })
      expect(await alone.describe('nobody')).toBeUndefined()
      expect(asked(services, id)).not.toContain('get')
      await alone.delete({ id, what: 'table' })
    } finally {
      await alone.close()
    }
  })
})

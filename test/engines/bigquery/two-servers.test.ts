import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DatastoreError } from '../../../src/core/errors.ts'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { whileStale } from '../../../src/services/stale.ts'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import { freshId, Kit } from '../../suites/engine/kit.ts'
import { behind } from './behind.ts'
import { openBigquery, openOn } from './open.ts'

const ROUNDS = process.env.FULL ? 20 : 4

/** BigQuery changes a table's columns outside of any transaction: what another server writes meanwhile must stay. */
describe.skipIf(reasonWithoutBigquery() !== undefined)('two servers, one of which changes the table', () => {
  let opened: Awaited<ReturnType<typeof openBigquery>>
  let other: Engine
  const here = new Kit(() => opened.engine)
  const there = new Kit(() => other)
  beforeAll(async () => {
    opened = await openBigquery()
    other = await openOn(opened.services)
  }, 60_000)
  afterAll(async () => {
    await other?.close()
    await opened?.close()
  })

  /** Rows with these keys, one call each, until `done`; answers the keys that were acknowledged. */
  async function writeUntil(done: Promise<unknown>, id: string, from: number): Promise<number[]> {
    const stored: number[] = []
    let isDone = false
    done.then(
      () => (isDone = true),
      () => (isDone = true),
    )
    for (let k = from; !isDone; k += 1) {
      await whileStale(() => there.upsert(id, [{ k }]))
        .then(() => stored.push(k))
        .catch((error) => expect(error).toBeInstanceOf(DatastoreError))
    }
    return stored
  }

  async function expectWhole(kit: Kit, id: string): Promise<Record<string, unknown>[]> {
    const rows = await whileStale(() => kit.rows(id))
    expect((await kit.search(id)).total).toBe(rows.length)
    expect(await kit.counted(id)).toBe(rows.length)
    expect(new Set(rows.map(({ _id }) => _id)).size).toBe(rows.length)
    expect((await kit.table(id)).count).toBe(rows.length)
    return rows
  }

  const retried = async (work: () => Promise<unknown>) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await whileStale(work)
      } catch (error) {
        if (attempt === 20 || !(error instanceof DatastoreError) || error.status !== 503) throw error
      }
    }
  }

  const changes: Record<string, (id: string, round: number) => Promise<void>> = {
    async 'the type of a column'(id, round) {
      const v = round % 2 === 0 ? 'text' : 'int'
      await retried(() => here.create(id, { k: 'int', v }))
    },
    async 'a column that comes and goes'(id, round) {
      await retried(() =>
        here.create(id, { k: 'int', v: 'int', late: 'text' }, { records: [{ k: -1 - round, late: 'x' }] }),
      )
      await retried(async () => {
        const { schemaRevision } = await here.table(id)
        await opened.engine.delete({ id, what: 'columns', basedOn: schemaRevision, columns: ['late'] })
      })
    },
    async 'the key'(id, round) {
      await retried(() => here.create(id, { k: 'int', v: 'int' }, { key: round % 2 === 0 ? ['k', 'v'] : ['k'] }))
    },
  }
  test.each(Object.entries(changes))('%s', { timeout: 240_000 }, async (_name, change) => {
    const id = await here.make({ k: 'int', v: 'int' }, [{ k: 0, v: 7 }], { key: ['k'] })
    const changing = (async () => {
      for (let round = 0; round < ROUNDS; round += 1) await change(id, round)
    })()
    const stored = await writeUntil(changing, id, 1)
    await changing
    for (const kit of [here, there]) {
      const rows = await expectWhole(kit, id)
      const keys = new Set(rows.map(({ k }) => k))
      expect([0, ...stored].filter((k) => !keys.has(k))).toEqual([])
      expect(Number(rows.find(({ k }) => k === 0)?.v)).toBe(7)
    }
    await opened.discard?.([id])
  })

  test('a name that both make and drop', { timeout: 240_000 }, async () => {
    const id = freshId()
    const work = async (kit: Kit, mark: string) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const records = Array.from({ length: 3 }, (_, k) => ({ k, v: `${mark}${round}` }))
        const made = await whileStale(async () => {
          if (await kit.engine.describe(id)) return undefined
          return kit.create(id, { k: 'int', v: 'text' }, { records, key: ['k'] })
        }).catch((error) => expect(error).toBeInstanceOf(DatastoreError))
        // Whoever made it, all rows of one call are there, or the table is gone.
        const seen = await kit.rows(id).catch(() => undefined)
        if (seen && made) {
          expect(seen).toHaveLength(3)
          expect(new Set(seen.map(({ v }) => v)).size).toBe(1)
        }
        await kit.engine.delete({ id, what: 'table' }).catch((error) => expect(error).toBeInstanceOf(DatastoreError))
      }
    }
    await Promise.all([work(here, 'a'), work(there, 'b')])
    await retried(() => here.engine.delete({ id, what: 'table' })).catch(() => undefined)
    await retried(() => there.create(id, { k: 'int' }, { records: [{ k: 1 }] }))
    expect(await expectWhole(there, id)).toEqual([{ _id: 1, k: 1 }])
    await opened.discard?.([id])
  })

  test('while all rows are swapped, the old ones are never shown with the new count', {
    timeout: 120_000,
  }, async () => {
    const id = await here.make({ k: 'int' }, [{ k: 1 }, { k: 2 }], { key: ['k'] })
    const state = (assignments: string) =>
      behind(opened.services, `UPDATE \`_state_${id}\` SET ${assignments} WHERE TRUE`)
    const readers = {
      known: async () => (await whileStale(() => here.search(id))).total,
      unknown: async () => (await whileStale(() => there.search(id))).total,
      described: async () => (await there.engine.describe(id))?.count,
      download: async () => (await whileStale(() => here.dump(id, 'csv'))).trim().split('\n').length,
    }
    await state("locked_by = 'ahead-of-x', locked_at = CURRENT_TIMESTAMP(), row_count = 99, revision = revision + 1")
    const answers = Promise.all(Object.values(readers).map((read) => read()))
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await state('locked_by = NULL, locked_at = NULL, row_count = 2')
    expect(await answers).toEqual([2, 2, 2, 2])
    await opened.discard?.([id])
  })
})

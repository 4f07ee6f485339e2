import { beforeAll, describe, expect, test } from 'vitest'
import type { Kit } from './kit.ts'
import { refusal } from './kit.ts'

const ROWS = 100_000
const REASON = new Error('nobody waits any more')

export function aborts(kit: Kit): void {
  let big: string

  beforeAll(async () => {
    const records = Array.from({ length: ROWS }, (_, k) => ({
      k,
      v: `value ${(k * 7919) % ROWS}`,
      w: 'x'.repeat(k % 50),
    }))
    big = await kit.make({ k: 'int', v: 'text', w: 'text' }, records)
  })

  /** SQL that would run for hours. */
  async function endlessSql(signal: AbortSignal) {
    const table = await kit.table(big)
    const inspected = await kit.engine.inspectSql(
      `SELECT count(*) FROM "${big}" a, "${big}" b, "${big}" c WHERE a.k * b.k < c.k`,
    )
    const plan = { ...inspected, resolved: new Map([[big, table]]), rowsMax: 10, format: 'lists' as const }
    return kit.engine.runSql(plan, { signal })
  }

  const waiting: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    describe: (signal) => kit.engine.describe('a name that nobody asked for yet', { signal }),
    list: (signal) => kit.engine.list({ limit: 10 }, { signal }),
    search: (signal) => kit.search(big, { sort: ['v desc', 'w'] }, { signal }),
    'dump in _id order': (signal) =>
      kit.openDump(big, 'csv', {}, { signal }).then((stream) => new Response(stream).text()),
    'sorted dump': (signal) =>
      kit.openDump(big, 'csv', { sort: ['v desc', 'w'] }, { signal }).then((stream) => new Response(stream).text()),
    SQL: endlessSql,
    upsert: (signal) => kit.upsert(big, [{ k: 1 }], { method: 'insert' }, { signal }),
    create: (signal) => kit.create('never made', { k: 'int' }, {}, { signal }),
    healthcheck: (signal) => kit.engine.healthcheck({ signal }),
  }

  for (const [name, call] of Object.entries(waiting)) {
    test(`${name} does not begin for somebody who has left`, async () => {
      expect(await refusal(call(AbortSignal.abort(REASON)))).toBe(REASON)
    })
  }

  test('nothing of those was done', async () => {
    expect(await kit.counted(big)).toBe(ROWS)
    expect(await kit.engine.describe('never made')).toBeUndefined()
  })

  describe('stops under way', () => {
    for (const [name, ms] of [
      ['search', 5],
      ['dump in _id order', 30],
      ['sorted dump', 5],
      ['SQL', 200],
    ] as const) {
      test(name, async () => {
        const controller = new AbortController()
        const running = refusal((waiting[name] as (signal: AbortSignal) => Promise<unknown>)(controller.signal))
        setTimeout(() => controller.abort(REASON), ms)
        expect(await running).toBe(REASON)
        expect((await kit.search(big, { limit: 1 })).total).toBe(ROWS)
      })
    }

    test('more SQL than may run at once, wherever each one waits', async () => {
      const controllers = Array.from({ length: 12 }, () => new AbortController())
      const running = controllers.map(({ signal }) => refusal(endlessSql(signal)))
      for (const [index, controller] of controllers.entries()) setTimeout(() => controller.abort(REASON), 20 * index)
      expect(await Promise.all(running)).toEqual(controllers.map(() => REASON))
      expect(await kit.counted(big)).toBe(ROWS)
    })

    test('a write is done whole, or not at all', async () => {
      const id = await kit.make({ k: 'int', v: 'text' }, [], { key: ['k'] })
      const records = Array.from({ length: 2000 }, (_, k) => ({ k, v: 'x' }))
      for (const ms of [0, 2, 5, 10, 20, 40]) {
        const before = await kit.table(id)
        const controller = new AbortController()
        setTimeout(() => controller.abort(REASON), ms)
        const written = await kit
          .upsert(
            id,
            records.map((record) => ({ ...record, v: `${ms}` })),
            {},
            controller,
          )
          .catch(() => undefined)
        const values = new Set(await kit.values(id, 'v'))
        if (written) expect(values).toEqual(new Set([`${ms}`]))
        else expect(values.has(`${ms}`)).toBe(false)
        expect(await kit.counted(id)).toBe((await kit.table(id)).count)
        if (!written) expect(await kit.table(id)).toEqual(before)
      }
      expect((await kit.upsert(id, [{ k: 1, v: 'after' }])).affected).toBe(1)
    })
  })

  test('a dump that is aborted between two reads errors; it does not end', async () => {
    const controller = new AbortController()
    const stream = await kit.openDump(big, 'csv', {}, controller)
    const reader = stream.getReader()
    expect((await reader.read()).done).toBe(false)
    controller.abort(REASON)
    expect(
      await refusal(
        (async () => {
          while (!(await reader.read()).done);
        })(),
      ),
    ).toBe(REASON)
    expect((await kit.search(big, { limit: 1 })).rows).toBe(1)
  })
}

import { expect, test } from 'vitest'
import type { Kit } from './kit.ts'
import { freshId, textOf } from './kit.ts'

const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }

const outcomes = (results: PromiseSettledResult<unknown>[]) => results.map(({ status }) => status)

export function concurrency(kit: Kit): void {
  test('50 upserts of one key at once all succeed', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const calls = Array.from({ length: 50 }, (_, index) =>
      kit.upsert(id, [{ k: 1, v: `call ${index}` }, { k: 2 + (index % 5) }]),
    )
    expect(new Set(outcomes(await Promise.allSettled(calls)))).toEqual(new Set(['fulfilled']))
    expect((await kit.rows(id)).map(({ k }) => k).sort()).toEqual([1, 2, 3, 4, 5, 6])
    expect((await kit.table(id)).count).toBe(6)
    expect(await kit.counted(id)).toBe(6)
  })

  test('inserts at once get _ids without gap or double', async () => {
    const id = await kit.make(COLUMNS)
    const calls = Array.from({ length: 20 }, (_, call) =>
      kit.upsert(
        id,
        Array.from({ length: 50 }, (_, index) => ({ k: call, v: `${index}` })),
        { method: 'insert' },
      ),
    )
    await Promise.all(calls)
    const rows = await kit.rows(id)
    expect(rows.map(({ _id }) => _id)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1))
    for (let start = 0; start < 1000; start += 50) {
      const call = rows.slice(start, start + 50)
      expect(new Set(call.map(({ k }) => k)).size).toBe(1)
      expect(call.map(({ v }) => v)).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`))
    }
  })

  test('of creates that want one alias, one wins', async () => {
    const ids = Array.from({ length: 8 }, () => freshId())
    const results = await Promise.allSettled(ids.map((id) => kit.create(id, COLUMNS, { aliases: ['one for all'] })))
    expect(outcomes(results).filter((status) => status === 'fulfilled')).toHaveLength(1)
    const winner = ids[outcomes(results).indexOf('fulfilled')]
    expect((await kit.engine.describe('one for all'))?.id).toBe(winner)
    for (const id of ids) expect(Boolean(await kit.engine.describe(id))).toBe(id === winner)
  })

  test('of creates of one table, one wins and the others are stale', async () => {
    const id = freshId()
    const plans = await Promise.all(Array.from({ length: 8 }, (_, index) => kit.plan(id, { [`c${index}`]: 'int' })))
    const results = await Promise.allSettled(plans.map((plan) => kit.engine.create(plan)))
    expect(outcomes(results).filter((status) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_STALE_SCHEMA' })
    }
    expect((await kit.table(id)).columns).toHaveLength(1)
  })

  test('columns that change beside an open download keep what was updated since it began', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1, n: 1 }, { k: 2 }, { k: 3, n: '9'.repeat(38) }], { key: ['k'] })
    const before = await kit.dump(id, 'ndjson')
    const download = await kit.openDump(id, 'ndjson')
    await kit.upsert(
      id,
      [
        { k: 1, n: null },
        { k: 2, n: 1e6 },
      ],
      { method: 'update' },
    )
    await kit.deleteRows(id, { k: [3] })
    await kit.upsert(id, [{ k: 4, n: 0.5 }])
    expect(await kit.values(id, 'n')).toEqual([null, 1e6, 0.5])
    const second = await kit.openDump(id, 'ndjson')
    await kit.upsert(id, [{ k: 2, n: 7 }], { method: 'update' })
    await kit.create(id, COLUMNS, { records: [{ k: 5, n: 0.25 }] })
    expect(await kit.values(id, 'n')).toEqual([null, 7, 0.5, 0.25])
    expect(await textOf(download)).toBe(before)
    expect(
      (await textOf(second))
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).n),
    ).toEqual([null, 1e6, 0.5])
  })

  test('many tables are written at once', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => kit.make(COLUMNS, [], { key: ['k'] })))
    const calls = ids.flatMap((id) => Array.from({ length: 5 }, (_, k) => kit.upsert(id, [{ k, v: id }])))
    await Promise.all(calls)
    for (const id of ids) expect(await kit.values(id, 'v')).toEqual([id, id, id, id, id])
  })

  test('a reader never sees half of a write, and count, total and rows always agree', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    let writing = true
    const writes = (async () => {
      for (let round = 0; round < 15; round += 1) {
        await kit.upsert(
          id,
          Array.from({ length: 40 }, (_, k) => ({ k: k + round * 20, v: `round ${round}` })),
        )
        await kit.deleteRows(id, { k: { lt: round * 20 } })
      }
      writing = false
    })()
    const states: [number, number][] = []
    while (writing) {
      const found = await kit.search(id)
      const rows = JSON.parse(`[${found.text}]`) as { v: string }[]
      expect(found.total).toBe(rows.length)
      expect(rows.length % 20).toBe(0)
      states.push([found.revision, rows.length])
    }
    await writes
    expect(states.map(([revision]) => revision)).toEqual(states.map(([revision]) => revision).sort((a, b) => a - b))
    expect(await kit.counted(id)).toBe(40)
  })

  test('columns that come and go beside reads: answers or stale plans, nothing else', async () => {
    const id = await kit.make(
      COLUMNS,
      Array.from({ length: 100 }, (_, k) => ({ k, v: 'x' })),
    )
    let changing = true
    const changes = (async () => {
      for (let round = 0; round < 10; round += 1) {
        await kit.create(id, round % 2 === 0 ? { k: 'int' } : COLUMNS)
      }
      changing = false
    })()
    while (changing) {
      const results = await Promise.allSettled([kit.search(id), kit.dump(id, 'csv'), kit.counted(id)])
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_STALE_SCHEMA' })
      }
    }
    await changes
    expect(await kit.counted(id)).toBe(100)
  })

  test('what is described is what is there, also when tables come and go meanwhile', async () => {
    const ids = Array.from({ length: 6 }, () => freshId())
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(ids.map((id) => kit.create(id, COLUMNS, { aliases: [`${id} alias`] })))
      const asking = ids.flatMap((id) => Array.from({ length: 5 }, () => kit.engine.describe(`${id} alias`)))
      await Promise.all([...ids.map((id) => kit.engine.delete({ id, what: 'table' })), ...asking])
      for (const id of ids) {
        expect(await kit.engine.describe(id)).toBeUndefined()
        expect(await kit.engine.describe(`${id} alias`)).toBeUndefined()
      }
    }
  })
}

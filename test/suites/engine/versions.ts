import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../../src/core/config.ts'
import type { DumpFormat, Table, Version } from '../../../src/infrastructure/engines/engine.ts'
import { selectRows } from '../../../src/services/selection.ts'
import type { Columns, Kit, Page } from './kit.ts'
import { textOf } from './kit.ts'

const { config } = readConfig({})
const COLUMNS = { k: 'int', v: 'text' }

/** Reads of one version of a table. */
class Past {
  readonly #kit: Kit
  readonly table: Table

  constructor(kit: Kit, table: Table) {
    this.#kit = kit
    this.table = table
  }

  async search({ limit = 1000, offset = 0, ...params }: Page = {}) {
    const selected = selectRows(this.table, params, config)
    const plan = { ...selected, limit, offset, format: 'lists' as const, includeTotal: true, includeLastId: false }
    const found = await this.#kit.engine.search(plan)
    return { rows: JSON.parse(`[${await textOf(found.records)}]`) as unknown[][], total: found.total }
  }

  async dump(format: DumpFormat): Promise<string> {
    const dumped = await this.#kit.engine.dump({ ...selectRows(this.table, {}, config), format, offset: 0 })
    if (dumped.kind !== 'stream') throw new Error(`the dump came as a ${dumped.kind}`)
    return textOf(dumped.stream)
  }
}

/** Tables as they were. */
export function versions(kit: Kit): void {
  const isHeld = ({ skip }: { skip(reason: string): void }) => {
    if (!kit.engine.supports.history) skip('this engine keeps no older revisions')
  }
  const at = async (id: string, version: Version) =>
    (await kit.engine.describeVersion?.(await kit.table(id), version)) as Table | undefined
  const past = async (id: string, revision: number) => new Past(kit, (await at(id, { revision })) as Table)
  const revisionsOf = async (id: string, limit = 20) =>
    (await kit.engine.revisions?.(await kit.table(id), { limit }))?.map(({ revision }) => revision)
  const revisionOf = async (id: string) => (await kit.table(id)).revision

  test('an engine without history has none of it', ({ skip }) => {
    if (kit.engine.supports.history) skip('this engine keeps older revisions')
    expect([kit.engine.describeVersion, kit.engine.revisions]).toEqual([undefined, undefined])
  })

  describe('of a table that was written to, altered and emptied', () => {
    let id: string
    const revisions: number[] = []
    const note = async () => revisions.push(await revisionOf(id))
    const rows: [string, number, unknown[][]][] = [
      ['made', 0, [[1, 1, 'a oak'], [2, 2, 'b']]], // biome-ignore format: a row a line
      ['written to', 1, [[1, 1, 'x'], [2, 2, 'b'], [3, 3, 'an oak']]], // biome-ignore format: a row a line
      ['less a row', 2, [[1, 1, 'x'], [3, 3, 'an oak']]], // biome-ignore format: a row a line
      ['with another column', 3, [[1, 1, 'x', null], [3, 3, 'an oak', null]]], // biome-ignore format: a row a line
      ['with a value in it', 4, [[1, 1, 'x', null], [3, 3, 'an oak', true]]], // biome-ignore format: a row a line
      ['without that column', 5, [[1, 1, 'x'], [3, 3, 'an oak']]], // biome-ignore format: a row a line
      ['with wider numbers', 6, [[1, 1, 'x'], [3, 3, 'an oak'], [4, 5_000_000_000, 'c']]], // biome-ignore format: a row a line
      ['emptied', 7, []],
    ]
    beforeAll(async () => {
      if (!kit.engine.supports.history) return
      const alter = (columns: Columns, options = {}) => kit.create(id, columns, options)
      id = await kit.make(COLUMNS, [{ k: 1, v: 'a oak' }, { k: 2, v: 'b' }], { key: ['k'] }) // biome-ignore format: short
      await note()
      await kit.upsert(id, [{ k: 1, v: 'x' }, { k: 3, v: 'an oak' }]) // biome-ignore format: short
      await note()
      await kit.deleteRows(id, { k: 2 })
      await note()
      await alter({ ...COLUMNS, w: 'bool' })
      await note()
      await kit.upsert(id, [{ k: 3, w: true }])
      await note()
      const { schemaRevision: basedOn } = await kit.table(id)
      await kit.engine.delete({ id, what: 'columns', basedOn, columns: ['w'] })
      await note()
      await alter({ k: 'bigint', v: 'text' }, { records: [{ k: 5_000_000_000, v: 'c' }] })
      await note()
      await kit.deleteRows(id, {})
      await note()
      await kit.upsert(id, [{ k: 9, v: 'now' }])
    })
    afterAll(async () => {
      if (id !== undefined) await kit.engine.delete({ id, what: 'table' })
    })

    test.for(rows)('%s', async ([, index, expected], context) => {
      isHeld(context)
      const version = await past(id, revisions[index] as number)
      expect(version.table).toMatchObject({ id, isPast: true, revision: revisions[index], count: expected.length })
      expect(await version.search()).toEqual({ rows: expected, total: expected.length })
      expect(await version.search({ limit: 1, offset: 1 })).toEqual({
        rows: expected.slice(1, 2),
        total: expected.length,
      })
      expect(await version.search({ sort: ['k desc'], filters: { k: { gte: 2 } } })).toMatchObject({
        rows: expected.filter(([, k]) => (k as number) >= 2).reverse(),
      })
      const oaks = expected.filter(([, , v]) => String(v).includes('oak')).map(([key]) => key)
      expect((await version.search({ q: 'oak', fields: ['_id'], sort: ['_id'] })).rows.flat()).toEqual(oaks)
      expect((await version.search({ distinct: true, fields: ['v'], sort: ['v'] })).total).toBe(expected.length)
      const lines = (await version.dump('csv')).split('\n').filter((line) => line !== '')
      expect(lines.map((line) => Number(line.split(',', 1)[0]))).toEqual(expected.map(([key]) => key))
      expect((await version.dump('parquet')).startsWith('PAR1')).toBe(true)
    })

    test('are listed, the newest first', async (context) => {
      isHeld(context)
      expect(await revisionsOf(id)).toEqual([await revisionOf(id), ...[...revisions].reverse()])
      expect(await revisionsOf(id, 3)).toEqual([await revisionOf(id), ...[...revisions].reverse().slice(0, 2)])
    })

    test('are found by time', async (context) => {
      isHeld(context)
      const table = await kit.table(id)
      const commits = (await kit.engine.revisions?.(table, { limit: 20 })) ?? []
      for (const { revision, committedAt } of commits)
        expect((await at(id, { asOf: committedAt }))?.revision).toBe(revision)
      expect(await at(id, { asOf: '9999-01-01T00:00:00.000Z' })).toEqual(table)
      expect(await at(id, { asOf: '1999-01-01T00:00:00.000Z' })).toBeUndefined()
    })

    test('that there are not', async (context) => {
      isHeld(context)
      const current = await revisionOf(id)
      for (const revision of [0, (revisions[0] as number) - 1, current + 1, Number.MAX_SAFE_INTEGER])
        expect(await at(id, { revision }), String(revision)).toBeUndefined()
      expect((await at(id, { revision: current }))?.isPast).toBeUndefined()
    })

    test('leave the table as it is', async (context) => {
      isHeld(context)
      await past(id, revisions[0] as number)
      expect(await kit.values(id, 'v')).toEqual(['now'])
      expect(await kit.table(id)).not.toHaveProperty('isPast')
    })
  })

  test('of a table that was deleted are not those of the next one with its id', async (context) => {
    isHeld(context)
    const id = await kit.make(COLUMNS, [{ k: 1, v: 'secret' }])
    const before = await revisionOf(id)
    const time = new Date().toISOString()
    await kit.engine.delete({ id, what: 'table' })
    await kit.create(id, COLUMNS, { records: [{ k: 2, v: 'new' }] })
    expect(await at(id, { revision: before })).toBeUndefined()
    expect(await at(id, { asOf: time })).toBeUndefined()
    expect(await revisionsOf(id)).toEqual([await revisionOf(id)])
  })

  test('stand while maintenance goes over them, until they are given up', async (context) => {
    isHeld(context)
    if (!kit.engine.maintain) context.skip('this engine needs no maintenance')
    const id = await kit.make(COLUMNS, [{ k: 1, v: 'a' }], { key: ['k'] }) // biome-ignore format: short
    const revisions = [await revisionOf(id)]
    const values = [['a']]
    for (const v of ['b', 'c', 'd']) {
      await kit.upsert(id, [{ k: 1, v }])
      revisions.push(await revisionOf(id))
      values.push([v])
      await kit.engine.maintain?.()
      for (const [index, revision] of revisions.entries())
        expect((await (await past(id, revision)).search({ fields: ['v'] })).rows.flat()).toEqual(values[index])
    }
    const held = await past(id, revisions[0] as number)
    await kit.engine.maintain?.({ forget: true })
    expect(await at(id, { revision: revisions[0] as number })).toBeUndefined()
    expect(await at(id, { asOf: held.table.updatedAt })).toBeUndefined()
    expect(await revisionsOf(id)).toEqual(revisions.slice(-1))
    await expect(held.search()).rejects.toMatchObject({ code: 'ERR_STALE_SCHEMA' })
    await expect(held.dump('csv')).rejects.toMatchObject({ code: 'ERR_STALE_SCHEMA' })
    expect(await kit.values(id, 'v')).toEqual(['d'])
  })
}

import { describe, expect, test } from 'vitest'
import { idColumn } from '../../../src/core/table-schema.ts'
import { StaleSchema, tableSchema } from '../../../src/infrastructure/engines/engine.ts'
import type { Kit } from './kit.ts'
import { columnsOf, freshId, refusal } from './kit.ts'

const COLUMNS = { k: 'int', name: 'text' }

export function tables(kit: Kit): void {
  test('an unknown name is no table', async () => {
    expect(await kit.engine.describe('nobody')).toBeUndefined()
  })

  test('a new table is described as planned', async () => {
    const id = freshId()
    const columns = columnsOf({ k: 'int', 'a name, with "signs"?': 'numeric(10,2)', tags: 'text[]' }).map((column) => ({
      ...column,
      name: column.name.replaceAll('"', ''),
      info: { label: 'Größe', nested: { a: [1, 2.5] } },
    }))
    const plan = {
      ...(await kit.plan(id, columns, { key: ['k'] })),
      indexes: [['k']],
      aliases: [`${id} two`, `${id} one`],
      schemaProperties: { missingValues: ['', 'n/a'], title: 'Bäume' },
    }
    const { table, affected, warnings } = await kit.engine.create(plan)
    expect(await kit.engine.describe(id)).toEqual(table)
    expect({ affected, warnings }).toEqual({ affected: 0, warnings: [] })
    expect(table).toMatchObject({
      ...{ id, columns, primaryKey: ['k'], indexes: [['k']], aliases: [`${id} two`, `${id} one`] },
      ...{ schemaProperties: plan.schemaProperties, hasUpdatedAt: false, count: 0 },
    })
    expect(tableSchema(await kit.table(id))).toEqual({
      ...plan.schemaProperties,
      fields: columns.map(({ field }) => field),
      primaryKey: ['k'],
    })
    expect(new Date(table?.createdAt ?? '').toISOString()).toBe(table?.createdAt)
  })

  test('a table without columns', async () => {
    const id = await kit.make({})
    expect(await kit.rows(id)).toEqual([])
    expect(await kit.dump(id, 'csv')).toBe('')
    await kit.create(id, { late: 'text' }, { records: [{ late: 'now' }] })
    expect(await kit.rows(id)).toEqual([{ _id: 1, late: 'now' }])
  })

  test('tables are listed in the order of their ids, page by page', async () => {
    const prefix = `${freshId()} list`
    const ids = ['a', 'b', 'c', 'd'].map((letter) => `${prefix} ${letter}`)
    for (const id of [...ids].reverse()) await kit.create(id, COLUMNS, { aliases: [`${id} alias`] })
    const first = await kit.engine.list({ after: prefix, limit: 3 })
    expect(first).toEqual(ids.slice(0, 3).map((id) => ({ id, aliases: [`${id} alias`] })))
    const second = await kit.engine.list({ after: ids[2] as string, limit: 1 })
    expect(second.map(({ id }) => id)).toEqual(ids.slice(3))
    const all = (await kit.engine.list({ limit: 1000 })).map(({ id }) => id)
    expect(all).toEqual([...all].sort())
    expect(all).toEqual(expect.arrayContaining(ids))
  })

  test('an alias finds its table, and is replaced, kept and taken away', async () => {
    const id = await kit.make(COLUMNS, undefined, { aliases: ['old name'] })
    expect((await kit.engine.describe('old name'))?.id).toBe(id)
    await kit.create(id, COLUMNS)
    expect((await kit.engine.describe('old name'))?.id).toBe(id)
    await kit.create(id, COLUMNS, { aliases: ['new name'] })
    expect((await kit.engine.describe('new name'))?.aliases).toEqual(['new name'])
    expect(await kit.engine.describe('old name')).toBeUndefined()
    await kit.create(id, COLUMNS, { aliases: [] })
    expect(await kit.engine.describe('new name')).toBeUndefined()
  })

  describe('a name that is taken is refused, also in other letters, and nothing is made', () => {
    const cases = [
      { what: 'id of a table, by an alias', id: 'free', aliases: ['Taken'], message: '"Taken" already exists' },
      {
        what: 'alias of another, by an alias',
        id: 'free',
        aliases: ['HELD'],
        message: 'The alias "HELD" already exists.',
      },
      { what: 'the own id, by an alias', id: 'free', aliases: ['Free'], message: '"Free" already exists' },
      { what: 'id of a table, by an id', id: 'TAKEN', aliases: [], message: 'is taken by a table;' },
      {
        what: 'alias of another, by an id',
        id: 'Held',
        aliases: [],
        message: 'is taken by an alias of another table;',
      },
    ]
    for (const { what, id, aliases, message } of cases) {
      test(what, async () => {
        if (!(await kit.engine.describe('taken'))) await kit.create('taken', COLUMNS, { aliases: ['held'] })
        const error = await refusal(kit.create(id, COLUMNS, { basedOn: undefined, aliases }))
        expect(error).toMatchObject({ status: 409 })
        expect(JSON.stringify([error.message, error.detail])).toContain(JSON.stringify(message).slice(1, -1))
        expect(await kit.engine.describe('free')).toBeUndefined()
      })
    }
  })

  test('columns are added, dropped and kept, with what is in them', async () => {
    const id = await kit.make({ k: 'int', old: 'text', kept: 'text' }, [{ k: 1, old: 'x', kept: 'y' }])
    const { table } = await kit.create(
      id,
      { kept: 'text', k: 'int', 'new one': 'date' },
      { records: [{ k: 2, 'new one': '2020-02-29' }] },
    )
    expect(table).toMatchObject({ count: 2 })
    expect(await kit.search(id)).toMatchObject({
      text: '{"_id":1,"kept":"y","k":1,"new one":null},{"_id":2,"kept":null,"k":2,"new one":"2020-02-29"}',
      total: 2,
    })
  })

  const widenings = [
    { from: 'int8', to: 'numeric', value: '9223372036854775807', after: '9223372036854775807' },
    { from: 'int4', to: 'numeric', value: '-2147483648', after: '-2147483648' },
    { from: 'date', to: 'timestamptz', value: '"2020-02-29"', after: '"2020-02-29T00:00:00+00:00"' },
  ]
  for (const { from, to, value, after } of widenings) {
    test(`${from} widens into ${to}`, async () => {
      const id = await kit.make({ v: from }, `[{"v": ${value}}, {"v": null}]`)
      await kit.create(id, { v: to })
      expect((await kit.search(id, { fields: ['v'] })).text).toBe(`{"v":${after}},{"v":null}`)
    })
  }

  test('a new dictionary replaces the old one and leaves the data alone', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1, name: 'oak' }])
    const before = await kit.table(id)
    const described = before.columns.map((column) => ({ ...column, info: { notes: column.name } }))
    const { table } = await kit.create(id, described)
    expect(table?.columns.map(({ info }) => info)).toEqual([{ notes: 'k' }, { notes: 'name' }])
    expect(table?.revision).toBeGreaterThan(before.revision)
    expect(await kit.rows(id)).toEqual([{ _id: 1, k: 1, name: 'oak' }])
  })

  test('records are appended and answered as stored', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }])
    const written = await kit.create(id, COLUMNS, {
      records: '[{"k": " 2 ", "name": "a"}, {"k": 3}]',
      includeRecords: [idColumn, ...columnsOf(COLUMNS)],
    })
    expect(written).toMatchObject({ affected: 2, table: { count: 3 } })
    expect(new TextDecoder().decode(written.records)).toBe('{"_id":2,"k":2,"name":"a"},{"_id":3,"k":3,"name":null}')
  })

  describe('a key', () => {
    test('refuses equal records of one call', async () => {
      const error = await refusal(kit.make(COLUMNS, [{ k: 1 }, { k: 2 }, { k: 1 }], { key: ['k'] }))
      expect(error.detail).toMatchObject({
        records: [expect.stringMatching(/^duplicate key value violates unique constraint/)],
        records_row: 2,
      })
    })

    test('refuses a record whose key is stored, with its row', async () => {
      const id = await kit.make(COLUMNS, [{ k: 1 }], { key: ['k'] })
      const error = await refusal(kit.create(id, COLUMNS, { records: [{ k: 2 }, { k: 1 }] }))
      expect(error.detail).toMatchObject({ records_row: 1 })
      expect(await kit.values(id, 'k')).toEqual([1])
    })

    test('can be set later, changed and taken away', async () => {
      const id = await kit.make(COLUMNS, [
        { k: 1, name: 'a' },
        { k: 2, name: 'a' },
      ])
      const refused = await refusal(kit.create(id, COLUMNS, { key: ['name'] }))
      expect(refused.detail).toHaveProperty('constraints')
      expect((await kit.table(id)).primaryKey).toEqual([])
      expect((await kit.create(id, COLUMNS, { key: ['k'] })).table?.primaryKey).toEqual(['k'])
      expect((await kit.create(id, COLUMNS, { key: ['name', 'k'] })).table?.primaryKey).toEqual(['name', 'k'])
      expect((await kit.create(id, COLUMNS, { key: [] })).table?.primaryKey).toEqual([])
      await kit.upsert(id, [{ k: 1, name: 'a' }], { method: 'insert' })
      expect(await kit.counted(id)).toBe(3)
    })

    test('holds no record that has none of its columns: null equals nothing', async () => {
      const id = await kit.make(COLUMNS, [{ name: 'a' }, { name: 'b' }], { key: ['k'] })
      await kit.upsert(id, [{ name: 'c' }], { method: 'insert' })
      expect(await kit.values(id, 'k')).toEqual([null, null, null])
    })
  })

  test('a plan made from what was is refused as stale, and changes nothing', async () => {
    const id = await kit.make(COLUMNS)
    const stale = await kit.plan(id, { ...COLUMNS, late: 'text' })
    await kit.create(id, { ...COLUMNS, other: 'text' })
    const names = ['k', 'name', 'other']
    const { schemaRevision } = await kit.table(id)
    const old = stale.basedOn as number
    const table = { ...(await kit.table(id)), schemaRevision: old }
    const search = { table, projection: table.columns, textQueries: [], sort: [], distinct: false, limit: 1, offset: 0 }
    const attempts = [
      kit.engine.create(stale),
      kit.engine.create({ ...stale, basedOn: undefined }),
      kit.engine.delete({ id, what: 'columns', basedOn: old, columns: ['name'] }),
      kit.engine.delete({ id, what: 'rows', basedOn: old, filter: undefined }),
      kit.engine.search({ ...search, format: 'objects', includeTotal: true, includeLastId: false }),
      kit.engine.dump({ ...search, format: 'csv' }),
    ]
    for (const result of await Promise.allSettled(attempts)) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StaleSchema) })
    }
    expect(await kit.table(id)).toMatchObject({ schemaRevision })
    expect((await kit.table(id)).columns.map(({ name }) => name)).toEqual(names)
  })

  test('a dropped table leaves its name, its aliases and no plan behind', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }], { aliases: ['soon gone'] })
    const stale = await kit.plan(id, COLUMNS)
    const { revision } = await kit.table(id)
    expect(await kit.engine.delete({ id, what: 'table' })).toMatchObject({ table: undefined, affected: 1 })
    expect(await kit.engine.describe(id)).toBeUndefined()
    expect(await kit.engine.describe('soon gone')).toBeUndefined()
    expect(await refusal(kit.engine.create(stale))).toBeInstanceOf(StaleSchema)
    await kit.create(id, { other: 'text' }, { aliases: ['soon gone'] })
    expect((await kit.table(id)).revision).toBeGreaterThan(revision)
    expect(await kit.rows(id)).toEqual([])
  })

  test('the revision moves with every write, the one of the schema with the schema alone', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }], { key: ['k'] })
    const writes: [string, boolean, () => Promise<unknown>][] = [
      ['insert', false, () => kit.upsert(id, [{ k: 2 }], { method: 'insert' })],
      ['upsert', false, () => kit.upsert(id, [{ k: 2, name: 'x' }])],
      ['delete', false, () => kit.deleteRows(id, { k: 2 })],
      ['create with records alone', true, () => kit.create(id, COLUMNS, { records: [{ k: 3 }] })],
      ['new column', true, () => kit.create(id, { ...COLUMNS, more: 'text' })],
      [
        'dropped column',
        true,
        async () =>
          kit.engine.delete({ id, what: 'columns', basedOn: (await kit.table(id)).schemaRevision, columns: ['more'] }),
      ],
    ]
    for (const [what, ofSchema, write] of writes) {
      const before = await kit.table(id)
      await write()
      const after = await kit.table(id)
      expect(after.revision, what).toBeGreaterThan(before.revision)
      if (!ofSchema) expect(after.schemaRevision, what).toBe(before.schemaRevision)
      if (what.includes('column')) expect(after.schemaRevision, what).toBeGreaterThan(before.schemaRevision)
      expect((await kit.search(id)).revision, what).toBe(after.revision)
    }
  })

  test('its size is told', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }])
    const { table, indexes, total } = await kit.engine.size(id)
    expect(total).toBeGreaterThanOrEqual(table + indexes)
    expect(Math.min(table, indexes)).toBeGreaterThanOrEqual(0)
  })
}

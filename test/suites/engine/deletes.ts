import { expect, test } from 'vitest'
import type { Kit } from './kit.ts'
import { refusal } from './kit.ts'

const COLUMNS = { k: 'int', v: 'text', spare: 'numeric' }
const RECORDS = [
  { k: 1, v: 'a', spare: 1.5 },
  { k: 2, v: 'b' },
  { k: 3, v: 'a' },
]

export function deletes(kit: Kit): void {
  const cases = [
    { filters: { v: 'a' }, left: [2] },
    { filters: { k: { gt: 1 } }, left: [1] },
    { filters: { spare: null }, left: [1] },
    { filters: { v: 'nobody' }, left: [1, 2, 3] },
    { filters: { $or: [{ k: 1 }, { v: 'b' }] }, left: [3] },
    { filters: {}, left: [] },
  ]
  for (const { filters, left } of cases) {
    test(`rows by ${JSON.stringify(filters)}`, async () => {
      const id = await kit.make(COLUMNS, RECORDS)
      const { affected, table } = await kit.deleteRows(id, filters)
      expect(affected).toBe(3 - left.length)
      expect(table?.count).toBe(left.length)
      expect(await kit.values(id, 'k')).toEqual(left)
      expect(await kit.counted(id)).toBe(left.length)
      expect((await kit.search(id)).total).toBe(left.length)
    })
  }

  test('the deleted rows are answered, as many as asked for', async () => {
    const id = await kit.make(COLUMNS, RECORDS)
    const { affected, records } = await kit.deleteRows(id, {}, 2)
    expect(affected).toBe(3)
    expect(new TextDecoder().decode(records)).toBe(
      '{"_id":1,"k":1,"v":"a","spare":1.5},{"_id":2,"k":2,"v":"b","spare":null}',
    )
  })

  test('columns, with what is in them', async () => {
    const id = await kit.make(COLUMNS, RECORDS, { indexes: [['k'], ['spare', 'k']] })
    const { schemaRevision } = await kit.table(id)
    const { table } = await kit.engine.delete({ id, what: 'columns', basedOn: schemaRevision, columns: ['spare', 'v'] })
    expect(table).toMatchObject({ count: 3, indexes: [['k']] })
    expect(table?.columns.map(({ name }) => name)).toEqual(['k'])
    expect((await kit.search(id)).text).toBe('{"_id":1,"k":1},{"_id":2,"k":2},{"_id":3,"k":3}')
    await kit.create(id, { k: 'int', spare: 'text' })
    expect(await kit.values(id, 'spare')).toEqual([null, null, null])
  })

  test('a table, once', async () => {
    const id = await kit.make(COLUMNS, RECORDS)
    await kit.engine.delete({ id, what: 'table' })
    expect(await refusal(kit.engine.delete({ id, what: 'table' }))).toMatchObject({ status: 404 })
    expect((await kit.engine.list({ limit: 1000 })).map((listing) => listing.id)).not.toContain(id)
  })

  test('a table by its id alone, not by an alias', async () => {
    const id = await kit.make(COLUMNS, RECORDS, { aliases: ['beware'] })
    expect(await refusal(kit.engine.delete({ id: 'beware', what: 'table' }))).toMatchObject({ status: 404 })
    expect(await kit.counted(id)).toBe(3)
  })
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kit, Page } from './kit.ts'
import { textOf } from './kit.ts'

const COLUMNS = { k: 'int', kind: 'text', n: 'numeric' }
const RECORDS = [
  { k: 5, kind: 'b', n: 2.5 },
  { k: 3, kind: 'a', n: null },
  { k: 4, kind: 'b', n: 10 },
  { k: 1, kind: null, n: 2.5 },
  { k: 2, kind: 'a', n: -1 },
]

interface Case {
  page: Page
  /** `k` of the rows, in order. */
  rows: (number | null)[]
  total?: number
}

const cases: Case[] = [
  { page: {}, rows: [5, 3, 4, 1, 2] },
  { page: { limit: 2 }, rows: [5, 3] },
  { page: { limit: 2, offset: 3 }, rows: [1, 2] },
  { page: { limit: 2, offset: 4 }, rows: [2] },
  { page: { limit: 0 }, rows: [] },
  { page: { limit: 3, offset: 5 }, rows: [] },
  { page: { limit: 3, offset: 1_000_000_000 }, rows: [] },
  { page: { limit: 1, filters: { kind: 'b' } }, rows: [5], total: 2 },
  { page: { limit: 0, filters: { kind: 'b' } }, rows: [], total: 2 },
  { page: { offset: 1, filters: { kind: 'b' } }, rows: [4], total: 2 },
  { page: { filters: { kind: 'zzz' } }, rows: [], total: 0 },
  { page: { sort: ['k'] }, rows: [1, 2, 3, 4, 5] },
  { page: { sort: ['k desc'], limit: 2, offset: 1 }, rows: [4, 3] },
  { page: { sort: ['_id desc'] }, rows: [2, 1, 4, 3, 5] },
  { page: { sort: ['kind', 'k'] }, rows: [2, 3, 4, 5, 1] },
  { page: { sort: ['kind desc', 'k desc'] }, rows: [1, 5, 4, 3, 2] },
  { page: { sort: ['n'] }, rows: [2, 5, 1, 4, 3] },
  { page: { sort: ['n desc'] }, rows: [3, 4, 5, 1, 2] },
  { page: { sort: ['n nulls first'] }, rows: [3, 2, 5, 1, 4] },
  { page: { sort: ['n desc nulls last'] }, rows: [4, 5, 1, 2, 3] },
  { page: { sort: ['n'], filters: { kind: ['a', 'b'] }, limit: 2, offset: 1 }, rows: [5, 4], total: 4 },
]

export function searches(kit: Kit): void {
  /** Nothing here writes to it. */
  let id: string
  beforeAll(async () => {
    id = await kit.make(COLUMNS, RECORDS)
  })
  afterAll(() => kit.engine.delete({ id, what: 'table' }))

  for (const { page, rows, total = 5 } of cases) {
    test(`page ${JSON.stringify(page)}`, async () => {
      const found = await kit.search(id, page)
      expect((JSON.parse(`[${found.text}]`) as { k: number }[]).map(({ k }) => k)).toEqual(rows)
      expect(found).toMatchObject({ rows: rows.length, total })
    })
  }

  test('what is shown is what was asked for, in that order', async () => {
    expect((await kit.search(id, { fields: ['n', 'k'], limit: 1 })).text).toBe('{"n":2.5,"k":5}')
    expect((await kit.search(id, { fields: ['kind'], limit: 1, sort: ['n desc nulls last'] })).text).toBe(
      '{"kind":"b"}',
    )
    expect((await kit.search(id, { fields: ['_id'], limit: 1 })).text).toBe('{"_id":1}')
  })

  describe('formats', () => {
    const shown = {
      objects:
        '{"_id":1,"a,b":1,"c":"x\\ty"},{"_id":2,"a,b":null,"c":"say \\"hi\\", twice\\n"},{"_id":3,"a,b":3,"c":""},{"_id":4,"a,b":4,"c":null}',
      lists: '[1,1,"x\\ty"],[2,null,"say \\"hi\\", twice\\n"],[3,3,""],[4,4,null]',
      csv: '1,1,x\ty\n2,,"say ""hi"", twice\n"\n3,3,""\n4,4,\n',
      tsv: '1\t1\t"x\ty"\n2\t\t"say ""hi"", twice\n"\n3\t3\t""\n4\t4\t\n',
    } as const
    for (const [format, text] of Object.entries(shown)) {
      test(format, async () => {
        const records = [{ 'a,b': 1, c: 'x\ty' }, { c: 'say "hi", twice\n' }, { 'a,b': 3, c: '' }, { 'a,b': 4 }]
        const id = await kit.make({ 'a,b': 'int', c: 'text' }, records)
        const found = await kit.search(id, {}, { format: format as 'csv' })
        expect(found.text).toBe(text)
        expect(found.rows).toBe(4)
        expect((await kit.search(id, { limit: 0 }, { format: format as 'csv' })).text).toBe('')
      })
    }
  })

  describe('distinct', () => {
    const distinct: { page: Page; text: string; total: number }[] = [
      { page: { fields: ['kind'] }, text: '["a"],["b"],[null]', total: 3 },
      { page: { fields: ['kind'], limit: 1, offset: 1 }, text: '["b"]', total: 3 },
      { page: { fields: ['kind'], sort: ['kind desc'] }, text: '[null],["b"],["a"]', total: 3 },
      {
        page: { fields: ['kind', 'n'], sort: ['n desc nulls last', 'kind'] },
        text: '["b",10],["b",2.5],[null,2.5],["a",-1],["a",null]',
        total: 5,
      },
      { page: { fields: ['n'], filters: { n: { gt: 0 } } }, text: '[2.5],[10]', total: 2 },
      { page: { fields: ['kind'], limit: 0 }, text: '', total: 3 },
    ]
    for (const { page, text, total } of distinct) {
      test(JSON.stringify(page), async () => {
        expect(await kit.search(id, { distinct: true, ...page }, { format: 'lists' })).toMatchObject({ text, total })
      })
    }
  })

  test('the last _id of a page', async () => {
    expect((await kit.search(id, { limit: 2 })).lastId).toBe('2')
    expect((await kit.search(id, { limit: 2, offset: 2 })).lastId).toBe('4')
    expect((await kit.search(id, { filters: { kind: 'a' } })).lastId).toBe('5')
    expect((await kit.search(id, { limit: 0 })).lastId).toBeUndefined()
    const table = await kit.table(id)
    const sort = [{ by: { ...table.columns[0], name: '_id' } as never, descending: true }]
    const plan = {
      table,
      projection: table.columns,
      textQueries: [],
      sort,
      distinct: false,
      limit: 2,
      offset: 0,
      format: 'lists' as const,
    }
    expect((await kit.engine.search({ ...plan, includeTotal: false, includeLastId: true })).lastId).toBe('4')
  })

  test('no total unless asked for', async () => {
    const table = await kit.table(id)
    const plan = {
      table,
      projection: table.columns,
      textQueries: [],
      sort: [],
      distinct: false,
      limit: 1,
      offset: 0,
      format: 'lists' as const,
    }
    const found = await kit.engine.search({ ...plan, includeTotal: false, includeLastId: false })
    expect(found.total).toBeUndefined()
    expect(found.lastId).toBeUndefined()
    expect(await textOf(found.records)).toBe('[5,"b",2.5]')
  })

  test('pages of equal keys never overlap', async () => {
    const id = await kit.make(
      { same: 'int' },
      Array.from({ length: 500 }, () => ({ same: 1 })),
    )
    const pages = await Promise.all(
      [0, 1, 2, 3, 4].map((page) => kit.values(id, '_id', { sort: ['same desc'], limit: 100, offset: page * 100 })),
    )
    expect(pages.flat()).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
  })
}

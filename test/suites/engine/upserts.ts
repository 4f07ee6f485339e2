import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StaleSchema } from '../../../src/infrastructure/engines/engine.ts'
import type { Kit, Row } from './kit.ts'
import { encode, refusal } from './kit.ts'

const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }
const OAK = { k: 1, v: 'oak', n: 1.5 }
const ELM = { k: 2, v: 'elm', n: null }

type Method = 'upsert' | 'insert' | 'update'

interface Case {
  name: string
  method?: Method
  key?: string[]
  records: Row[]
  after: Row[]
  affected: number
}

/** On a table that holds oak and elm; `after` lists `_id`, `k`, `v`, `n`. */
const cases: Case[] = [
  {
    name: 'insert appends',
    method: 'insert',
    records: [{ k: 3 }],
    after: [row(1, OAK), row(2, ELM), row(3, { k: 3 })],
    affected: 1,
  },
  {
    name: 'upsert inserts what is new',
    records: [{ k: 3, v: 'yew' }],
    after: [row(1, OAK), row(2, ELM), row(3, { k: 3, v: 'yew' })],
    affected: 1,
  },
  {
    name: 'upsert updates by key and leaves other columns alone',
    records: [{ k: 1, v: 'fir' }],
    after: [row(1, { ...OAK, v: 'fir' }), row(2, ELM)],
    affected: 1,
  },
  {
    name: 'null is a value like any other',
    records: [{ k: 1, v: null }],
    after: [row(1, { ...OAK, v: null }), row(2, ELM)],
    affected: 1,
  },
  {
    name: 'both at once, in the order of the records',
    records: [
      { k: 4, v: 'd' },
      { k: 2, v: 'b' },
      { k: 3, v: 'c' },
    ],
    after: [row(1, OAK), row(2, { k: 2, v: 'b' }), row(3, { k: 4, v: 'd' }), row(4, { k: 3, v: 'c' })],
    affected: 3,
  },
  {
    name: 'records of different columns',
    records: [
      { k: 1, v: 'V' },
      { k: 2, n: 7 },
      { k: 3, n: 8 },
    ],
    after: [row(1, { ...OAK, v: 'V' }), row(2, { ...ELM, n: 7 }), row(3, { k: 3, n: 8 })],
    affected: 3,
  },
  {
    name: 'the same key twice: the last word on each column wins',
    records: [
      { k: 1, v: 'first', n: 9 },
      { k: 3, v: 'x' },
      { k: 1, v: 'last' },
      { k: 3, n: 3 },
      { k: 3, v: 'z' },
    ],
    after: [row(1, { k: 1, v: 'last', n: 9 }), row(2, ELM), row(3, { k: 3, v: 'z', n: 3 })],
    affected: 2,
  },
  {
    name: 'a null key equals nothing',
    records: [
      { k: null, v: 'a' },
      { k: null, v: 'a' },
    ],
    after: [row(1, OAK), row(2, ELM), row(3, { v: 'a' }), row(4, { v: 'a' })],
    affected: 2,
  },
  {
    name: 'update changes what is there',
    method: 'update',
    records: [
      { k: 2, n: 2 },
      { k: 1, n: 1 },
    ],
    after: [row(1, { ...OAK, n: 1 }), row(2, { ...ELM, n: 2 })],
    affected: 2,
  },
  {
    name: 'an update of the key alone changes nothing',
    method: 'update',
    records: [{ k: 2 }],
    after: [row(1, OAK), row(2, ELM)],
    affected: 1,
  },
  {
    name: 'upsert by _id, without the key',
    records: [{ _id: 2, v: 'birch' }],
    after: [row(1, OAK), row(2, { ...ELM, v: 'birch' })],
    affected: 1,
  },
  {
    name: 'an _id lets the key itself change',
    records: [{ _id: 2, k: 20 }],
    after: [row(1, OAK), row(2, { ...ELM, k: 20 })],
    affected: 1,
  },
  {
    name: '_id wins over the key',
    records: [{ _id: '1', k: 5, v: 'x' }],
    after: [row(1, { ...OAK, k: 5, v: 'x' }), row(2, ELM)],
    affected: 1,
  },
  {
    name: 'by _id and by key in one call',
    records: [
      { _id: 2, v: 'by id' },
      { k: 1, v: 'by key' },
      { k: 3, v: 'new' },
    ],
    after: [row(1, { ...OAK, v: 'by key' }), row(2, { ...ELM, v: 'by id' }), row(3, { k: 3, v: 'new' })],
    affected: 3,
  },
  {
    name: 'one row by _id and by key: the last word on each column wins',
    records: [
      { _id: 1, v: 'by id', n: 4 },
      { k: 1, v: 'by key' },
    ],
    after: [row(1, { k: 1, v: 'by key', n: 4 }), row(2, ELM)],
    affected: 1,
  },
  {
    name: 'an unknown _id inserts with it',
    records: [{ _id: 7, k: 3 }, { k: 4 }],
    after: [row(1, OAK), row(2, ELM), row(7, { k: 3 }), row(8, { k: 4 })],
    affected: 2,
  },
  {
    name: 'the same unknown _id twice is one row',
    records: [
      { _id: 7, v: 'a' },
      { _id: 7, n: 2 },
    ],
    after: [row(1, OAK), row(2, ELM), row(7, { v: 'a', n: 2 })],
    affected: 1,
  },
  {
    name: 'without a key, by _id',
    key: [],
    records: [{ _id: 2, n: 0 }],
    after: [row(1, OAK), row(2, { ...ELM, n: 0 })],
    affected: 1,
  },
  { name: 'no record at all', records: [], after: [row(1, OAK), row(2, ELM)], affected: 0 },
]

function row(_id: number, { k = null, v = null, n = null }: Row): Row {
  return { _id, k, v, n }
}

export function upserts(kit: Kit): void {
  for (const { name, method, key = ['k'], records, after, affected } of cases) {
    test(name, async () => {
      const id = await kit.make(COLUMNS, [OAK, ELM], { key })
      const written = await kit.upsert(id, records, { ...(method && { method }) })
      expect(await kit.rows(id)).toEqual(after)
      expect(written).toMatchObject({ affected, table: { count: after.length } })
      expect(await kit.counted(id)).toBe(after.length)
    })
  }

  describe('refused, and nothing of the call is stored', () => {
    const refusals: { name: string; method: Method; records: Row[]; detail: Row }[] = [
      {
        name: 'an update without a row',
        method: 'update',
        records: [
          { k: 1, v: 'x' },
          { k: 9, v: 'y' },
        ],
        detail: { key: [expect.stringContaining("'k': '9'")] },
      },
      {
        name: 'an update by an unknown _id',
        method: 'update',
        records: [{ _id: 1, v: 'x' }, { _id: 9 }],
        detail: { key: [expect.stringContaining("'_id': '9'")] },
      },
      {
        name: 'an update by a null key',
        method: 'update',
        records: [{ k: null, v: 'x' }],
        detail: { key: [expect.stringContaining('not found')] },
      },
      {
        name: 'an insert of a stored key',
        method: 'insert',
        records: [{ k: 3 }, { k: 1 }],
        detail: { records: [expect.stringMatching(/^duplicate key/)], records_row: 1 },
      },
      {
        name: 'an insert of one key twice',
        method: 'insert',
        records: [{ k: 3 }, { k: 4 }, { k: 3 }],
        detail: { records_row: 2 },
      },
      {
        name: 'a key changed into a stored one',
        method: 'upsert',
        records: [{ k: 3 }, { _id: 1, k: 2 }],
        detail: { records: [expect.stringMatching(/^duplicate key/)], records_row: 1 },
      },
      {
        name: 'a new _id with a stored key',
        method: 'upsert',
        records: [{ _id: 9, k: 2 }],
        detail: { records_row: 0 },
      },
      {
        name: 'a bad value',
        method: 'upsert',
        records: [{ k: 1, v: 'x' }, { k: 'y' }],
        detail: { records: ['invalid input syntax for type integer: "y"'], records_row: 1, records_column: 'k' },
      },
      {
        name: 'an _id that is none',
        method: 'upsert',
        records: [
          { k: 1, v: 'x' },
          { _id: 0, v: 'x' },
        ],
        detail: { records_row: 1, records_column: '_id' },
      },
      {
        name: 'an _id that JSON numbers do not hold',
        method: 'upsert',
        records: [{ _id: '9223372036854775807', v: 'x' }],
        detail: { records_row: 0, records_column: '_id' },
      },
      {
        name: 'an _id beyond any integer',
        method: 'upsert',
        records: [{ _id: '99999999999999999999', v: 'x' }],
        detail: { records_row: 0, records_column: '_id' },
      },
    ]
    let id: string
    beforeAll(async () => {
      id = await kit.make(COLUMNS, [OAK, ELM], { key: ['k'] })
    })
    afterAll(() => kit.engine.delete({ id, what: 'table' }))

    for (const { name, method, records, detail } of refusals) {
      test(name, async () => {
        const before = await kit.table(id)
        const error = await refusal(kit.upsert(id, records, { method }))
        expect(error).toMatchObject({ status: 409, detail })
        expect(await kit.rows(id)).toEqual([row(1, OAK), row(2, ELM)])
        expect(await kit.table(id)).toEqual(before)
      })
    }
  })

  test('a composite key', async () => {
    const id = await kit.make(
      { a: 'int', b: 'text', v: 'int' },
      [
        { a: 1, b: 'x', v: 1 },
        { a: 1, b: 'y', v: 2 },
        { a: 1, b: null, v: 3 },
      ],
      { key: ['a', 'b'] },
    )
    await kit.upsert(id, [
      { b: 'y', a: 1, v: 20 },
      { a: 2, b: 'x', v: 4 },
      { a: 1, b: null, v: 5 },
    ])
    expect(await kit.values(id, 'v')).toEqual([1, 20, 3, 4, 5])
    const error = await refusal(
      kit.upsert(
        id,
        [
          { a: 1, b: 'x' },
          { a: 3, b: 'x' },
        ],
        { method: 'update' },
      ),
    )
    expect(error.detail).toEqual({ key: [expect.stringContaining("'a': '3', 'b': 'x'")] })
  })

  test('a key is compared by value, not by how it was written', async () => {
    const id = await kit.make({ k: 'numeric', v: 'int' }, '[{"k": 1.50, "v": 1}]', { key: ['k'] })
    await kit.upsert(id, '[{"k": "1.5000", "v": 2}, {"k": 15e-1, "v": 3}, {"k": 1.55, "v": 4}]')
    expect((await kit.search(id)).text).toBe('{"_id":1,"k":1.5,"v":3},{"_id":2,"k":1.55,"v":4}')
  })

  test('the stored rows are answered: final state, in _id order', async () => {
    const id = await kit.make(COLUMNS, [OAK, ELM], { key: ['k'] })
    const { records } = await kit.upsert(id, [{ k: 3 }, { k: 1, v: 'a' }, { k: 1, n: 2 }], { includeRecords: true })
    expect(JSON.parse(`[${new TextDecoder().decode(records)}]`)).toEqual([
      row(1, { k: 1, v: 'a', n: 2 }),
      row(3, { k: 3 }),
    ])
    const inserted = await kit.upsert(id, [{ k: 9 }], { method: 'insert', includeRecords: true })
    expect(new TextDecoder().decode(inserted.records)).toBe('{"_id":4,"k":9,"v":null,"n":null}')
  })

  test('a dry run answers as the real one, and leaves no trace', async () => {
    const id = await kit.make(COLUMNS, [OAK], { key: ['k'] })
    const before = await kit.table(id)
    const records = '[{"k": 1, "n": 1.23456}, {"k": 2}]'
    const { affected, records: shown } = await kit.upsert(id, records, { dryRun: true, includeRecords: true })
    expect(affected).toBe(2)
    expect(new TextDecoder().decode(shown)).toBe(
      '{"_id":1,"k":1,"v":"oak","n":1.23456},{"_id":2,"k":2,"v":null,"n":null}',
    )
    expect(await kit.table(id)).toEqual(before)
    expect(await kit.rows(id)).toEqual([row(1, OAK)])
    expect(await refusal(kit.upsert(id, [{ k: 8 }], { method: 'update', dryRun: true }))).toMatchObject({ status: 409 })
  })

  test('_ids are 1, 2, 3 … and never given twice', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }, { k: 2 }, { k: 3 }], { key: ['k'] })
    await kit.deleteRows(id, { k: [2, 3] })
    await kit.upsert(id, [{ k: 4 }])
    await kit.deleteRows(id, {})
    await kit.upsert(id, [{ k: 5 }], { method: 'insert' })
    await kit.upsert(id, [{ _id: 2, k: 6 }])
    await kit.upsert(id, [{ k: 7 }])
    await kit.upsert(id, [{ _id: 100, k: 8 }])
    await kit.upsert(id, [{ k: 9 }])
    await kit.create(id, COLUMNS, { records: [{ k: 10 }] })
    expect((await kit.rows(id)).map(({ _id, k }) => [_id, k])).toEqual([
      [2, 6],
      [5, 5],
      [6, 7],
      [100, 8],
      [101, 9],
      [102, 10],
    ])
  })

  test('pages stay right where _ids are missing', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }, { k: 2 }, { k: 3 }, { k: 4 }], { key: ['k'] })
    await kit.deleteRows(id, { k: 2 })
    expect(await kit.values(id, 'k', { limit: 2, offset: 1 })).toEqual([3, 4])
    await kit.upsert(id, [{ _id: 2, k: 20 }])
    expect(await kit.values(id, 'k', { limit: 2, offset: 1 })).toEqual([20, 3])
  })

  test('a plan made from an older schema is stale', async () => {
    const id = await kit.make(COLUMNS, [OAK], { key: ['k'] })
    const { columns, schemaRevision } = await kit.table(id)
    await kit.create(id, { k: 'int', v: 'text' })
    const plan = {
      id,
      basedOn: schemaRevision,
      method: 'upsert' as const,
      records: encode([{ k: 1, n: 5 }], columns, true),
    }
    expect(await refusal(kit.engine.upsert(plan))).toBeInstanceOf(StaleSchema)
  })

  test('column names that SQL has its own meaning for', async () => {
    const names = [
      'rowid',
      'select',
      'row',
      'shape',
      'c0',
      'k0',
      'n',
      't',
      'id',
      'text',
      'Name With Case',
      "it's",
      '%',
      'a.b',
      '$1',
      'é',
      // Names that statements give to their own parts.
      ...'abcdfloprsvwx',
      'there',
      'carried',
    ]
    const id = await kit.make(Object.fromEntries(names.map((name) => [name, 'text'])), undefined, {
      key: ['rowid', 'select'],
    })
    const record = (value: string) => Object.fromEntries(names.map((name) => [name, value]))
    await kit.upsert(id, [record('b'), record('a'), { rowid: 'c', select: 'c' }, { ...record('a'), n: 'x' }])
    await kit.upsert(id, [{ rowid: 'c', select: 'c', row: 'r' }], { method: 'update' })
    expect(
      await kit.rows(id, { sort: ['rowid', 'n desc'], filters: { rowid: ['a', 'b'], "it's": ['a', 'b'] } }),
    ).toEqual([
      { _id: 2, ...record('a'), n: 'x' },
      { _id: 1, ...record('b') },
    ])
    expect(await kit.rows(id, { distinct: true, fields: ['n', 'c0'], sort: ['c0 desc nulls last'] })).toHaveLength(3)
    expect(await kit.values(id, 'rowid', { q: 'r' })).toEqual(['c'])
    const numbers = await kit.make({ rowid: 'int' }, [{ rowid: 5 }])
    expect(await refusal(kit.upsert(numbers, [{ rowid: 1 }, { rowid: 'x' }], { method: 'insert' }))).toMatchObject({
      detail: { records_row: 1 },
    })
    const exact = await kit.make({ rowid: 'numeric' }, '[{"rowid": 1.25}]')
    const wide = `[{"rowid": 1}, {"rowid": ${'9'.repeat(39)}}]`
    expect(await refusal(kit.upsert(exact, wide, { method: 'insert' }))).toMatchObject({ detail: { records_row: 1 } })
  })
}

import { describe, expect, test } from 'vitest'
import type { Filter } from '../../../src/infrastructure/engines/engine.ts'
import type { Kit } from './kit.ts'
import { refusal } from './kit.ts'

/** Filters on one column, and the places (from 1) of the values that they keep. */
interface Family {
  type: string
  /** JSON text of each value, in the order of `_id`. */
  values: string[]
  cases: [filter: unknown, places: number[]][]
}

const ALL = [1, 2, 3, 4]

const families: Family[] = [
  {
    type: 'int4',
    values: ['-2147483648', '0', '2147483647', 'null'],
    cases: [
      [0, [2]],
      ['0', [2]],
      [' 0 ', [2]],
      [null, [4]],
      [
        [0, 2147483647],
        [2, 3],
      ],
      [
        [0, null],
        [2, 4],
      ],
      [[], []],
      [{ gt: 0 }, [3]],
      [{ gte: 0 }, [2, 3]],
      [{ lt: 0 }, [1]],
      [{ lte: 0 }, [1, 2]],
      [{ gt: -1, lt: 1 }, [2]],
      [{ eq: 0 }, [2]],
      [{ in: [0, 5] }, [2]],
      [
        [{ lt: 0 }, 2147483647],
        [1, 3],
      ],
      [0.5, []],
      [{ gt: 0.5 }, [3]],
      [{ gte: -0.5 }, [2, 3]],
      [{ lt: 0.5 }, [1, 2]],
      [{ lte: -0.5 }, [1]],
      [2147483648, []],
      [[2147483648, 0], [2]],
      [{ lt: 2147483648 }, [1, 2, 3]],
      [{ gt: 2147483648 }, []],
      [{ gte: -3000000000 }, [1, 2, 3]],
      [{ lte: '-3000000000' }, []],
      [{ lt: '99999999999999999999999999999999999999999' }, [1, 2, 3]],
      [1e300, []],
      [{ lt: 1e300 }, [1, 2, 3]],
    ],
  },
  {
    type: 'int8',
    values: ['9007199254740992', '9007199254740993', '-9223372036854775808', '9223372036854775807'],
    cases: [
      ['9007199254740993', [2]],
      [{ gt: '9007199254740992' }, [2, 4]],
      [{ lt: '9007199254740993' }, [1, 3]],
      ['-9223372036854775808', [3]],
      [{ gte: '9223372036854775808' }, []],
      [{ lt: '9223372036854775808' }, ALL],
    ],
  },
  {
    type: 'numeric(6,2)',
    values: ['1.50', '-9999.99', '9999.99', 'null'],
    cases: [
      [1.5, [1]],
      ['1.500', [1]],
      ['15e-1', [1]],
      [1.501, []],
      [[1.501, -9999.99], [2]],
      [{ lt: 1.501 }, [1, 2]],
      [{ lte: 1.499 }, [2]],
      [{ gt: 1.499 }, [1, 3]],
      [{ gte: '1.5000001' }, [3]],
      [{ lt: 10000 }, [1, 2, 3]],
      [{ gt: -10000 }, [1, 2, 3]],
      [{ gt: 10000 }, []],
      [10000, []],
    ],
  },
  {
    type: 'numeric',
    values: ['0.1', '0.10000000000000000001', '12345678901234567', '-0.1'],
    cases: [
      ['0.1', [1]],
      ['0.10000000000000000001', [2]],
      [{ gt: '0.1' }, [2, 3]],
      [{ lt: '0.10000000000000000001' }, [1, 4]],
      [{ lte: '0.1000000000000000000000000000001' }, [1, 4]],
      ['0.1000000000000000000000000000001', []],
      ['12345678901234567.0', [3]],
    ],
  },
  {
    type: 'float8',
    values: ['0.1', '1e300', '"NaN"', '"-Infinity"'],
    cases: [
      [0.1, [1]],
      ['1e300', [2]],
      ['NaN', [3]],
      [{ lt: 0 }, [4]],
      [{ gte: 0.1 }, [1, 2, 3]],
      [{ in: [0.1, 'NaN'] }, [1, 3]],
    ],
  },
  {
    type: 'float4',
    values: ['0.1', '16777216', '-1.5', 'null'],
    cases: [
      [0.1, [1]],
      [16777216, [2]],
      [{ lte: 0.1 }, [1, 3]],
    ],
  },
  {
    type: 'bool',
    values: ['true', 'false', 'null', 'true'],
    cases: [
      [true, [1, 4]],
      ['no', [2]],
      ['T', [1, 4]],
      [null, [3]],
      [
        [false, null],
        [2, 3],
      ],
      [{ gt: false }, [1, 4]],
    ],
  },
  {
    type: 'text',
    values: ['"25"', '""', '"Ä \' \\" %_"', 'null'],
    cases: [
      [25, [1]],
      ['', [2]],
      ['Ä \' " %_', [3]],
      ['%', []],
      ['ä \' " %_', []],
      [null, [4]],
      [{ gt: '2' }, [1, 3]],
      [{ lt: '25' }, [2]],
      [
        ['25', ''],
        [1, 2],
      ],
      ["' OR 1=1 --", []],
    ],
  },
  {
    type: 'date',
    values: ['"2020-02-29"', '"1999-12-31"', 'null', '"2020-03-01"'],
    cases: [
      ['2020-02-29', [1]],
      ['02/29/2020', [1]],
      [{ gt: '2020-02-28', lt: '2020-03-01' }, [1]],
      [{ lt: '2000-01-01' }, [2]],
      [
        ['1999-12-31', null],
        [2, 3],
      ],
    ],
  },
  {
    type: 'time',
    values: ['"10:05:00"', '"23:59:59.999999"', 'null', '"00:00:00"'],
    cases: [
      ['10:05', [1]],
      [{ gte: '23:59:59.999999' }, [2]],
      [{ lt: '10:05:00.000001' }, [1, 4]],
    ],
  },
  {
    type: 'timestamp',
    values: ['"2020-01-01T10:00:00.000001"', '"2020-01-01T10:00:00"', 'null', '"2020-01-01"'],
    cases: [
      ['2020-01-01T10:00:00', [2]],
      ['2020-01-01 10:00:00.000001', [1]],
      [{ gt: '2020-01-01T10:00:00' }, [1]],
      [{ lte: '2020-01-01' }, [4]],
    ],
  },
  {
    type: 'timestamptz',
    values: ['"2020-01-01T10:00:00+02:00"', '"2020-01-01T10:00:00Z"', 'null', '"2020-01-01T08:00:00Z"'],
    cases: [
      ['2020-01-01T08:00:00Z', [1, 4]],
      ['2020-01-01 10:00:00 +02', [1, 4]],
      [{ gt: '2020-01-01T09:00:00+00:00' }, [2]],
    ],
  },
  {
    type: 'uuid',
    values: [
      '"c6153a74-0000-4000-8000-00000000000a"',
      '"00000000-0000-0000-0000-000000000000"',
      'null',
      '"{C6153A7400004000800000000000000B}"',
    ],
    cases: [
      ['C6153A74-0000-4000-8000-00000000000A', [1]],
      ['c6153a74-0000-4000-8000-00000000000b', [4]],
      [{ gt: 'c6153a74-0000-4000-8000-00000000000a' }, [4]],
    ],
  },
  {
    type: 'jsonb',
    values: ['{"a": [1, 2]}', '"text"', 'null', '[1]'],
    cases: [
      [{ eq: { a: [1, 2] } }, [1]],
      ['text', [2]],
      [{ eq: [1] }, [4]],
      [null, [3]],
    ],
  },
  {
    type: 'text[]',
    values: ['["a", null]', '[]', 'null', '["a"]'],
    cases: [
      [['a'], [4]],
      [{ eq: ['a', null] }, [1]],
      [{ eq: [] }, [2]],
      [null, [3]],
    ],
  },
]

export function filters(kit: Kit): void {
  for (const { type, values, cases } of families) {
    test(`of ${type}: ${cases.length} cases`, async () => {
      const records = `[${values.map((value) => `{"v": ${value}}`).join(', ')}]`
      const id = await kit.make({ v: type }, records)
      for (const [filter, places] of cases) {
        const found = await kit.search(id, { filters: { v: filter } })
        const ids = (JSON.parse(`[${found.text}]`) as { _id: number }[]).map(({ _id }) => _id)
        expect({ filter, places: ids, total: found.total }).toEqual({ filter, places, total: places.length })
      }
    })
  }

  test('a null in a jsonb column is sorted and shown as null', async () => {
    const id = await kit.make({ j: 'jsonb' }, [{ j: { a: 1 } }, { j: null }, { j: 'zz' }])
    expect((await kit.values(id, '_id', { sort: ['j'] })).at(-1)).toBe(2)
    expect((await kit.values(id, '_id', { sort: ['j desc'] }))[0]).toBe(2)
    const { text } = await kit.search(id, { distinct: true, fields: ['j'], sort: ['j'] }, { format: 'csv' })
    expect([text.split('\n').length, text.includes('null')]).toEqual([4, false])
  })

  test('and, or and nesting', async () => {
    const id = await kit.make({ a: 'int', b: 'text' }, [{ a: 1, b: 'x' }, { a: 2, b: 'x' }, { a: 1, b: 'y' }, { a: 3 }])
    const cases: [unknown, number[]][] = [
      [{ a: 1, b: 'x' }, [1]],
      [
        [{ a: 2 }, { b: 'y' }],
        [2, 3],
      ],
      [{ $or: [{ a: 3 }, { $and: [{ a: 1 }, { b: 'y' }] }] }, [3, 4]],
      [{ b: 'x', $or: [{ a: 1 }, { a: 3 }] }, [1]],
      [{ _id: { gt: 2 } }, [3, 4]],
      [{ _id: [1, 4] }, [1, 4]],
    ]
    for (const [filter, ids] of cases) expect(await kit.values(id, '_id', { filters: filter as object })).toEqual(ids)
  })

  test('an empty group: all of nothing is true, any of nothing is false', async () => {
    const id = await kit.make({ a: 'int' }, [{ a: 1 }])
    const table = await kit.table(id)
    const total = async (filter: Filter) => {
      const plan = {
        table,
        projection: table.columns,
        textQueries: [],
        sort: [],
        distinct: false,
        limit: 0,
        offset: 0,
        format: 'lists' as const,
      }
      return (await kit.engine.search({ ...plan, filter, includeTotal: true, includeLastId: false })).total
    }
    expect(await total({ op: 'and', filters: [] })).toBe(1)
    expect(await total({ op: 'or', filters: [] })).toBe(0)
  })

  describe('a value that has the form but is none is refused as a bad query', () => {
    for (const [type, value] of [
      ['date', '2020-02-30'],
      ['timestamp', '2020-01-01 25:00'],
      ['time', '24:61'],
      ['date', '99/99/2020'],
    ] as const) {
      test(`${type} ${value}`, async () => {
        const id = await kit.make({ v: type }, [{ v: null }])
        expect(await refusal(kit.search(id, { filters: { v: value } }))).toMatchObject({
          status: 409,
          detail: { query: ['Invalid query'] },
        })
        expect(await refusal(kit.dump(id, 'csv', { filters: { v: value } }))).toMatchObject({ status: 409 })
        expect(await refusal(kit.deleteRows(id, { v: value }))).toMatchObject({ status: 409 })
      })
    }
  })

  test('many values at once', async () => {
    const id = await kit.make(
      { a: 'int' },
      Array.from({ length: 1000 }, (_, a) => ({ a })),
    )
    const odd = Array.from({ length: 5000 }, (_, index) => 2 * index + 1)
    expect(await kit.search(id, { filters: { a: odd }, limit: 3 })).toMatchObject({ total: 500, rows: 3 })
  })
}

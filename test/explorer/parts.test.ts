import { describe, expect, test } from 'vitest'
import { Digits, parseJson } from '../../src/explorer/api/json.ts'
import { suggestChart } from '../../src/explorer/chart/suggest.ts'
import { columnWidth, stretched } from '../../src/explorer/grid/cell-text.ts'
import { HEADER, moved } from '../../src/explorer/grid/move.ts'
import { errorPlace } from '../../src/explorer/sql/error-place.ts'
import { type Condition, conditionParams, readConditions } from '../../src/explorer/tables/conditions.ts'
import { nextSort, readView, selectionOf } from '../../src/explorer/tables/view.ts'
import { ago, bytes, tableNameOf, textOf } from '../../src/explorer/ui/format.ts'

describe('conditions as a search takes them', () => {
  const cases: [Condition[], object][] = [
    [[], {}],
    [[['a', 'eq', '']], {}],
    [[['a', 'eq', '1']], { filters: { a: '1' } }],
    [[['a', 'in', '1, 2']], { filters: { a: ['1', '2'] } }],
    [[['a', 'null', '']], { filters: { a: null } }],
    [[['$or', 'gte', '1']], { filters: { $$or: { gte: '1' } } }],
    [
      [
        ['a', 'gt', '1'],
        ['a', 'lt', '5'],
      ],
      { filters: { $and: [{ a: { gt: '1' } }, { a: { lt: '5' } }] } },
    ],
    [
      [
        ['a', 'words', 'x'],
        ['a', 'words', 'y'],
        ['b', 'eq', '1'],
      ],
      { filters: { b: '1' }, q: { a: 'x y' } },
    ],
  ]
  for (const [conditions, expected] of cases) {
    test(JSON.stringify(conditions), () => expect(conditionParams(conditions)).toEqual(expected))
  }

  for (const text of [
    null,
    '',
    '{',
    '7',
    '[7]',
    '[["a"]]',
    '[["a","nope","1"]]',
    '[["a","constructor","1"]]',
    '[[1,2,3]]',
  ]) {
    test(`${text} is none`, () => expect(readConditions(text)).toEqual([]))
  }
})

describe('a view', () => {
  test('of an address with nonsense is the first page', () => {
    const view = readView(new URLSearchParams('page=-3&size=7&sort=x&f=oops'))
    expect(view).toEqual({ words: '', conditions: [], page: 1, size: 100, hidden: [] })
  })

  test('sorts by a column whose name ends like an order', () => {
    const view = readView(new URLSearchParams({ sort: 'height desc desc', q: 'oak' }))
    expect(selectionOf('t', view)).toEqual({
      resource_id: 't',
      full_text: 'oak',
      sort: '"height desc" desc nulls last',
    })
  })

  test('a column is sorted up, down and not', () => {
    expect(nextSort(undefined, 'a')).toBe('a asc')
    expect(nextSort({ column: 'a', descending: false }, 'a')).toBe('a desc')
    expect(nextSort({ column: 'a', descending: true }, 'a')).toBe('')
    expect(nextSort({ column: 'b', descending: true }, 'a')).toBe('a asc')
  })
})

describe('keys in the grid', () => {
  const size = { rows: 10, columns: 4, page: 5 }
  const cases: [string, [number, number], [number, number] | undefined, boolean?][] = [
    ['ArrowDown', [HEADER, 0], [0, 0]],
    ['ArrowUp', [HEADER, 0], [HEADER, 0]],
    ['ArrowDown', [9, 0], [9, 0]],
    ['ArrowRight', [2, 3], [2, 3]],
    ['PageDown', [2, 1], [7, 1]],
    ['PageUp', [2, 1], [HEADER, 1]],
    ['Home', [2, 3], [2, 0]],
    ['End', [2, 0], [9, 3], true],
    ['Home', [2, 3], [HEADER, 0], true],
    ['Tab', [2, 3], undefined],
    ['constructor', [2, 3], undefined],
  ]
  for (const [key, [row, column], to, ctrlKey = false] of cases) {
    test(`${ctrlKey ? 'Control+' : ''}${key} at ${row}, ${column}`, () => {
      const at = moved({ row, column }, { key, ctrlKey, metaKey: false }, size)
      expect(at && [at.row, at.column]).toEqual(to)
    })
  }
})

describe('where a statement is wrong', () => {
  const cases: [string, string, string | undefined][] = [
    ['syntax error at or near "x" (line 2, column 3)', 'SELECT 1\n  xyz FROM t', 'xyz'],
    ['oops (line 1, column 8)', 'SELECT "a b" FROM', '"a b"'],
    ['oops (line 1, column 99)', 'SELECT', ''],
    ['oops (line 9, column 1)', 'SELECT', undefined],
    ['no place', 'SELECT', undefined],
    ['Not found: Resource "a-b (c)" was not found.', 'SELECT 1 FROM "A-b (c)"', 'A-b (c)'],
    ['Not authorized to call function getenv', "SELECT\n getenv('x')", 'getenv'],
    ['Not authorized to call function f', 'SELECT f(f(1)), ef', undefined],
  ]
  for (const [message, sql, expected] of cases) {
    test(message, () => {
      const place = errorPlace(message, sql)
      expect(place && sql.slice(place.start, place.end)).toBe(expected)
    })
  }
})

describe('the chart that suits', () => {
  const field = (id: string, type: string) => ({ id, type })
  const cases: [string[][], unknown[][], object | undefined][] = [
    [
      [
        ['day', 'date'],
        ['n', 'int8'],
      ],
      [
        ['2020-01-01', 1],
        ['2020-01-02', 2],
      ],
      { kind: 'line', x: 'day', y: 'n' },
    ],
    [
      [
        ['name', 'text'],
        ['n', 'numeric'],
      ],
      [
        ['a', 1],
        ['b', 2],
      ],
      { kind: 'bar', x: 'name', y: 'n' },
    ],
    [
      [
        ['a', 'float8'],
        ['b', 'int4'],
      ],
      [
        [1, 2],
        [3, 4],
      ],
      { kind: 'scatter', x: 'a', y: 'b' },
    ],
    [
      [
        ['_id', 'int'],
        ['name', 'text'],
      ],
      [
        [1, 'a'],
        [2, 'b'],
      ],
      undefined,
    ],
    [
      [
        ['name', 'text'],
        ['n', 'int4'],
      ],
      [['a', 1]],
      undefined,
    ],
    [
      [
        ['name', 'text'],
        ['n', 'int4'],
      ],
      [
        ['a', null],
        ['b', null],
      ],
      undefined,
    ],
  ]
  for (const [fields, rows, expected] of cases) {
    test(`${fields.map(([, type]) => type)} × ${rows.length}`, () => {
      const given = fields.map(([id = '', type = '']) => field(id, type))
      expect(suggestChart(given, rows as never)).toEqual(expected)
    })
  }
})

describe('texts', () => {
  test('digits are kept where the runtime tells them', () => {
    const [big, plain] = parseJson('[12345678901234567890.5, 7]') as [unknown, number]
    expect(big instanceof Digits ? big.text : String(big)).toMatch(/^1234567890123456/)
    expect(plain).toBe(7)
    expect(textOf(new Digits('1.50'))).toBe('1.50')
  })

  test('sizes, times and names', () => {
    expect([0, 999, 1000, 12_345, 5_600_000_000].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '12 kB', '5.6 GB'])
    const now = Date.now()
    expect(ago(new Date(now - 3 * 3_600_000), now)).toBe('3 hr. ago')
    expect(ago(new Date(now + 60_000), now)).toBe('now')
    expect(tableNameOf('Ärzte & Praxen (2024).csv.gz')).toBe('arzte-praxen-2024')
  })

  test('a column is as wide as its longest number', () => {
    const wide = columnWidth({ id: 'n', type: 'int8' }, 0, [['9223372036854775807']])
    expect(wide).toBeGreaterThan(19 * 9.2)
    expect(columnWidth({ id: 'n', type: 'numeric' }, 0, [['9'.repeat(500)]])).toBe(420)
  })

  test('columns fill the room that there is, within reason', () => {
    expect(stretched([100, 100], 300)).toEqual([150, 150])
    expect(stretched([100], 1000)).toEqual([190])
    expect(stretched([100, 100], 50)).toEqual([100, 100])
  })
})

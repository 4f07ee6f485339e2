import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/core/errors.ts'
import { columnType } from '../../src/core/field-types.ts'
import { JsonSyntaxError } from '../../src/core/json-scanner.ts'
import type { EncodedRecords, EncodeOptions } from '../../src/services/records/index.ts'
import { encodeRecords, firstRecord, guessType } from '../../src/services/records/index.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

/** `{ a: 'int4' }` as columns. */
const columnsOf = (types: Record<string, string>) =>
  Object.entries(types).map(([name, type]) => ({ name, type: columnType(type) }))

function encode(source: string, types: Record<string, string>, options: Partial<EncodeOptions> = {}): EncodedRecords {
  return encodeRecords(bytesOf(source), columnsOf(types), { unknownKey: 'row', ...options })
}

function textOf({ ndjson }: EncodedRecords): string {
  return ndjson.map((chunk) => new TextDecoder().decode(chunk)).join('')
}

/** The encoded value of a single cell, as text. */
function cell(type: string, source: string): string {
  return textOf(encode(`[{"v":${source}}]`, { v: type })).slice('{"v":'.length, -'}\n'.length)
}

function caught(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const asText = (value: unknown) => JSON.stringify(value)

const accepted: [type: string, source: string, encoded: string][] = [
  // Numbers that a double keeps as text stay bare; all others become their exact text.
  ...['0', '7', '-7', '999999999999999', '-999999999999999', '1.5', '-0.5', '0.001', '123456789.012345'].map(
    (number): [string, string, string] => ['numeric', number, number],
  ),
  ...['-0', '1.10', '0.0', '1e300', '1E5', '0.0001', '1000000000000000', '12345678901234567890.123456789', '-0.0'].map(
    (number): [string, string, string] => ['numeric', number, asText(number)],
  ),
  ['int8', '9223372036854775807', '"9223372036854775807"'],
  ['int4', '"7"', '"7"'],
  ['int4', '" 7"', '" 7"'],
  ['int4', 'null', 'null'],
  ['int4', '""', 'null'],
  ['int4', '"  "', '"  "'],
  ['int4', '12.5', '"13"'],
  ['int4', '-12.5', '"-13"'],
  ['int4', '12.4999999999999999999', '"12"'],
  ['int4', '0.5', '"1"'],
  ['int4', '-0.4', '"0"'],
  ['int4', '0.05', '"0"'],
  ['int4', '9.5', '"10"'],
  ['int4', '1e3', '"1000"'],
  ['int4', '125e-1', '"13"'],
  ['int4', '12.50e1', '"125"'],
  ['int4', '0.00e999999999999999999999', '"0"'],
  ['int4', '5e-999999999999999999999', '"0"'],
  ['int8', '9223372036854775806.5', '"9223372036854775807"'],
  ['float8', '1e300', '"1e300"'],
  ['float8', '"nan"', '"nan"'],
  ['bool', 'true', 'true'],
  ['bool', '"yes"', '"yes"'],
  ['bool', '""', 'null'],
  ['text', '""', '""'],
  ['text', '"a\\tb\\u00e9"', '"a\\tb\\u00e9"'],
  ['text', '25', '25'],
  ['text', '1.10', '"1.10"'],
  ['text', 'true', 'true'],
  ['text', '[]', '"{}"'],
  ['text', '["a",null,"x y"]', asText('{a,NULL,"x y"}')],
  [
    'text',
    '[ "", "null", "a,b", "{", "q\\"", "b\\\\", 1.50, true, [1, [2]] ]',
    asText('{"","null","a,b","{","q\\"","b\\\\",1.50,t,{1,{2}}}'),
  ],
  ['varchar(3)', '"abc"', '"abc"'],
  ['varchar(3)', '"\\u0061bc"', '"\\u0061bc"'],
  ['varchar(3)', '"日本語"', '"日本語"'],
  ['varchar(2)', '"😀😀"', '"😀😀"'],
  ['varchar(3)', '"ab   "', '"ab "'],
  ['varchar(3)', '123', '123'],
  ['varchar(4)', '1.10', '"1.10"'],
  ['varchar(4)', 'true', 'true'],
  ['varchar(5)', '["a"]', '"{a}"'],
  ['char', '"y"', '"y"'],
  ['date', '"2020-01-01"', '"2020-01-01"'],
  ['timestamp', '"2020-01-01T10:00:00.123456"', '"2020-01-01T10:00:00.123456"'],
  ['timestamptz', '""', 'null'],
  ['uuid', '""', 'null'],
  ['interval', '"1 day"', '"1 day"'],
  ['json', '""', 'null'],
  ['json', 'null', 'null'],
  ['json', '"x"', asText('"x"')],
  ['json', '"\\u0000"', asText('"\\u0000"')],
  ['json', '1.10', '"1.10"'],
  ['json', '5', '5'],
  ['json', 'false', 'false'],
  ['jsonb', '{ "a" : 1.10 }', asText('{ "a" : 1.10 }')],
  ['json', '[1,\n\t"\\"é"\r]', asText('[1,\n\t"\\"é"\r]')],
  ['text[]', '[]', '"[]"'],
  ['text[]', '[1, 2.50, "x", null, true]', asText('["1","2.50","x",null,"true"]')],
  ['text[]', '["\\u00e9\\n", "\\""]', asText('["é\\n","\\""]')],
  ['text[]', '""', 'null'],
  ['text[]', '"{x,\\"y z\\",NULL}"', asText('["x","y z",null]')],
  ['text[]', '" { a b , \\"NULL\\", null } "', asText('["a b","NULL",null]')],
  ['int[]', '"{{1,2},{3,4}}"', asText('[["1","2"],["3","4"]]')],
  ['text[]', '"{}"', '"[]"'],
  ['text[]', '"{a\\\\,b,\\"c\\\\\\"d\\"}"', asText('["a,b","c\\"d"]')],
  ['int[]', '[1.5, 12345678901234567890]', asText('["2","12345678901234567890"]')],
  ['json[]', '[{"a": 1.0}, [1], "x", null, 2]', asText('["{\\"a\\": 1.0}","[1]","\\"x\\"",null,"2"]')],
  ['varchar(2)[]', '["ab", "a  "]', asText('["ab","a "]')],
]
const refused: [type: string, source: string, sentence: string][] = [
  ['int4', 'true', 'invalid input syntax for type integer: "true"'],
  ['int8', '[1]', 'invalid input syntax for type bigint: "[1]"'],
  ['int4', '{"a":1}', 'invalid input syntax for type integer: "{"a":1}"'],
  ['int4', '1e41', 'value "1e41" is out of range for type integer'],
  ['int2', '-1e9999999999', 'value "-1e9999999999" is out of range for type smallint'],
  ['numeric', 'false', 'invalid input syntax for type numeric: "false"'],
  ['float8', '[]', 'invalid input syntax for type double precision: "[]"'],
  ['bool', '1', 'invalid input syntax for type boolean: "1"'],
  ['text', '{}', 'invalid input syntax for type text: "{}"'],
  ['text', '[{}]', 'invalid input syntax for type text: "{}"'],
  ['text', '"a\\u0000"', 'invalid byte sequence for encoding "UTF8": 0x00'],
  ['text', '["\\u0000"]', 'invalid byte sequence for encoding "UTF8": 0x00'],
  ['text', '"\\ud800"', 'invalid Unicode surrogate pair'],
  ['json', '["\\udc00"]', 'invalid Unicode surrogate pair'],
  ['text[]', '["\\ud800x"]', 'invalid Unicode surrogate pair'],
  ['varchar(3)', '"abcd"', 'value too long for type character varying(3)'],
  ['varchar(3)', '"ab  x"', 'value too long for type character varying(3)'],
  ['varchar(3)', '1234', 'value too long for type character varying(3)'],
  ['varchar(3)', 'true', 'value too long for type character varying(3)'],
  ['varchar(3)', '["ab"]', 'value too long for type character varying(3)'],
  ['char(2)', '"abc"', 'value too long for type character(2)'],
  ['varchar(1)[]', '["ab"]', 'value too long for type character varying(1)'],
  ['date', '5', 'invalid input syntax for type date: "5"'],
  ['time', 'true', 'invalid input syntax for type time: "true"'],
  ['timetz', '1', 'invalid input syntax for type time with time zone: "1"'],
  ['timestamp', '2020', 'invalid input syntax for type timestamp: "2020"'],
  ['timestamptz', '2020', 'invalid input syntax for type timestamp with time zone: "2020"'],
  ['uuid', '1', 'invalid input syntax for type uuid: "1"'],
  ['interval', '1', 'invalid input syntax for type interval: "1"'],
  ['text[]', '"[\\"x\\"]"', 'malformed array literal: "["x"]"'],
  ['text[]', '5', 'malformed array literal: "5"'],
  ['text[]', 'true', 'malformed array literal: "true"'],
  ['text[]', '{}', 'malformed array literal: "{}"'],
  ['text[]', '[{}]', 'invalid input syntax for type text: "{}"'],
  ['text[]', '["a", ["b"]]', 'malformed array literal: "["a", ["b"]]"'],
  ['int[]', '[true]', 'invalid input syntax for type integer: "true"'],
  ...[
    '{',
    '{a',
    '{a,}',
    '{,a}',
    '{"a}',
    '{"a"b}',
    '{a"b}',
    '{a}}',
    '{a} x',
    '{{a},b}',
    '{b,{a}}',
    '{{{{{{{a}}}}}}}',
    'a',
    '{a\\',
  ].map((literal): [string, string, string] => ['text[]', asText(literal), `malformed array literal: "${literal}"`]),
]

describe('one value', () => {
  it.each(accepted)('%s takes %s', (type, source, encoded) => {
    expect(cell(type, source)).toBe(encoded)
  })

  it.each(refused)('%s refuses %s', (type, source, sentence) => {
    const error = caught(() => encode(`[{"k":null},{"k":${source}}]`, { k: type })) as ValidationError
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.detail).toEqual({ records: [sentence], records_row: 1, records_column: 'k' })
    expect(error.message).toBe(`records: row 1, column "k": ${sentence}`)
  })

  it('shortens a long value in the sentence', () => {
    const error = caught(() => cell('text', `{"a":"${'x'.repeat(10_000)}"}`)) as Error
    expect(error.message.length).toBeLessThan(250)
  })
})

describe('lines', () => {
  const types = { a: 'int4', b: 'text', 'c"\\é': 'text' }
  const cases: Record<string, [source: string, lines: string]> = {
    'no records': ['[]', ''],
    'an empty record': ['[{}, { }]', '{}\n{ }\n'],
    'blanks stay, line breaks go': [
      '\n[\r\n {\n "a" :\n 1 ,\n "b": "x"\n}\n,\n{"a": 2, "b": "y\\n"}]\n',
      '{"a":1,"b": "x"}\n{"a": 2, "b": "y\\n"}\n',
    ],
    'the last of equal keys': ['[{"a":1,"b":"x","a":2},{"a":1}]', '{"b":"x","a":2}\n{"a":1}\n'],
    'equal keys, one of them escaped': ['[{"a":1,"\\u0061":2,"a":3,"b":"c"}]', '{"a":3,"b":"c"}\n'],
    'escaped keys as the column is named': [
      '[{"\\u0061":1},{"c\\"\\\\\\u00e9":"x","a":"7"},{"c\\"\\\\é":null}]',
      '{"a":1}\n{"c\\"\\\\é":"x","a":"7"}\n{"c\\"\\\\é":null}\n',
    ],
    'ignored keys': [
      '[{"_x":1,"a":1},{"a":1,"_x":{"y":["\\n"]},"b":"c"},{"a":1,\n"_x":0},{"_x":0},{"_x":0,"_x":1 , "a":2}]',
      '{"a":1}\n{"a":1,"b":"c"}\n{"a":1}\n{}\n{"a":2}\n',
    ],
    'a comma that the first member must not bring': [
      '[{"a":1,"b":"x"},{"b":"y","a":2},{"a":3}]',
      '{"a":1,"b":"x"}\n{"b":"y","a":2}\n{"a":3}\n',
    ],
  }
  it.each(Object.entries(cases))('%s', (_, [source, lines]) => {
    expect(textOf(encode(source, types, { ignore: ['_x', 'b2'] }))).toBe(lines)
  })

  const malformed = [
    '{}',
    '[{"a":1}',
    '[{"a":1},]',
    '[{"a":1,}]',
    '[{,"a":1}]',
    '[{"a":1,"b":"x"},{,"a":1}]',
    '[{"b":"x","a":1},{"a":1"a":2}]',
    '[{"a":1,"b":"x"},{"b":"x""a":2}]',
    '[{"a":1},{"a":}]',
    '[{"a": 1},{"a":  }]',
    '[{"a":1} {"a":1}]',
    '[{"a":1}]x',
    '[{"b":"\n"}]',
    `[{"b":${'['.repeat(70)}${']'.repeat(70)}}]`,
    '[nope]',
  ]
  it.each(malformed)('refuses %j', (source) => {
    expect(() => encode(source, types)).toThrow(JsonSyntaxError)
  })

  it('come in chunks of whole lines, however large', () => {
    const rows = Array.from({ length: 3000 }, (_, a) => ({ a, b: `${'é'.repeat(a % 1500)}"` }))
    const long = { a: -1, b: 'x'.repeat(6_000_000) }
    const encoded = encode(JSON.stringify([...rows, long, ...rows]), types)
    const decoder = new TextDecoder('utf-8', { fatal: true })
    const parsed = encoded.ndjson.flatMap((chunk) =>
      decoder
        .decode(chunk)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    )
    expect(encoded.ndjson.length).toBeGreaterThan(1)
    expect(encoded.count).toBe(6001)
    expect(parsed).toEqual([...rows, long, ...rows])
  })

  it('grow where replacements are longer than their source', () => {
    const line = textOf(encode(`[{"b":["${'\\"'.repeat(50_000)}"]}]`, types))
    expect(JSON.parse(line)).toEqual({ b: `{"${'\\"'.repeat(50_000)}"}` })
  })
})

describe('shapes', () => {
  const types = { a: 'int4', b: 'int4', c: 'int4' }
  const cases: Record<string, [source: string, shapes: string[][], shapeOf: number[], columns: string[]]> = {
    none: ['[]', [], [], []],
    'one, in any order': ['[{"a":1,"c":1},{"c":1,"a":1},{"a":1,"c":1}]', [['a', 'c']], [], ['a', 'c']],
    several: ['[{"b":1},{"b":1,"a":1},{},{"b":2},{"a":1,"b":1}]', [['b'], ['a', 'b'], []], [0, 1, 2, 0, 1], ['a', 'b']],
    'after a record that repeats keys': [
      '[{"a":1,"b":1,"a":2,"c":3},{"a":1,"c":2}]',
      [
        ['a', 'b', 'c'],
        ['a', 'c'],
      ],
      [0, 1],
      ['a', 'b', 'c'],
    ],
    'after a record that repeats a key that is dropped': [
      '[{"_x":0,"a":1,"_x":0},{"_x":0},{"_x":0,"a":1,"_x":0,"b":2},{"_x":0,"b":3}]',
      [['a'], [], ['a', 'b'], ['b']],
      [0, 1, 2, 3],
      ['a', 'b'],
    ],
  }
  it.each(Object.entries(cases))('%s', (_, [source, shapes, shapeOf, columns]) => {
    expect(encode(source, types, { ignore: ['_x'] })).toMatchObject({ shapes, shapeOf, columns })
  })
})

describe('plain columns', () => {
  const plain: [type: string, values: string, scale: number | undefined][] = [
    ['int4', '1, -20, null, "7", ""', 0],
    ['int4', '1, 12.5', undefined],
    ['int4', '1, " 7"', undefined],
    ['int8', '999999999999999999', 0],
    ['int8', '9223372036854775807', undefined],
    ['numeric', '1, -2.50, "0.125", null', 3],
    ['numeric', '1.50, 2.00', 1],
    ['int4', '"12.0"', undefined],
    ['numeric', '1e3', undefined],
    ['numeric', '"1."', undefined],
    ['numeric', '".5"', undefined],
    ['numeric', '"+1"', undefined],
    ['numeric', '"-"', undefined],
    ['float8', '1.5, -7', 1],
    ['float8', '"NaN"', undefined],
    ['bool', 'true, false, null', 0],
    ['bool', '"yes"', undefined],
    ['date', '"2020-01-31", null', 0],
    ['date', '"2020-1-31"', undefined],
    ['date', '"31/12/2020"', undefined],
    ['date', '"20200131"', undefined],
    ['timestamp', '"2020-01-31T10:20:30", "2020-01-31 10:20:30.123456"', 0],
    ['timestamp', '"2020-01-31T10:20"', undefined],
    ['timestamp', '"2020-01-31T10:20:30Z"', undefined],
    ['timestamp', '"2020-01-31T10:20:30.1234567"', undefined],
    ['timestamptz', '"2020-01-31T10:20:30.5"', 0],
    ['text', '"1"', undefined],
    ['json', '1', undefined],
    ['uuid', 'null', undefined],
  ]
  it.each(plain)('%s: %s', (type, values, scale) => {
    const records = values.split(', ').map((value) => `{"v":${value}}`)
    expect(encode(`[${records.join(',')}]`, { v: type }).plain.get('v')).toBe(scale)
  })
})

describe('keys', () => {
  const cases: [name: string, source: string, options: Partial<EncodeOptions>, detail: object][] = [
    [
      'insert',
      '[{"a":1},{"b":1,"a":2,"c":[],"b":2}]',
      {},
      { records: ['row "2" has extra keys "b, c"'], records_row: 1 },
    ],
    [
      'upsert',
      '[{"a":1,"d\\u00e9":1}]',
      { unknownKey: 'field' },
      { fields: ['fields "dé" do not exist'], records_row: 0 },
    ],
    ['_id where it is no key', '[{"_id":1}]', {}, { records: ['row "1" has extra keys "_id"'], records_row: 0 }],
    [
      'a first record that is no object',
      '[1]',
      {},
      { records: ['The first row is not a json object'], records_row: 0 },
    ],
    ['a later one', '[{},[]]', {}, { records: ['row "1" is not a json object'], records_row: 1 }],
    ...['"x"', '"-1"', '""', 'null', '1.0', 'true'].map((id): [string, string, Partial<EncodeOptions>, object] => [
      `_id ${id}`,
      `[{"_id":${id}}]`,
      { idKey: true },
      {
        records: [`invalid input syntax for type bigint: "${id.replaceAll('"', '')}"`],
        records_row: 0,
        records_column: '_id',
      },
    ]),
  ]
  it.each(cases)('%s is refused', (_, source, options, detail) => {
    const error = caught(() => encode(source, { a: 'int4' }, options)) as ValidationError
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.detail).toEqual(detail)
  })

  it('_id may be a number or digits', () => {
    const encoded = encode('[{"_id":7,"a":1},{"a":2,"_id":"8"},{"a":3}]', { a: 'int4' }, { idKey: true })
    expect(textOf(encoded)).toBe('{"_id":7,"a":1}\n{"a":2,"_id":"8"}\n{"a":3}\n')
    expect(encoded).toMatchObject({ columns: ['_id', 'a'], shapes: [['_id', 'a'], ['a']], shapeOf: [0, 0, 1] })
  })
})

describe('warnings', () => {
  it('name the first row and column of each kind', () => {
    const source = `[{"k":1,"t":"2020-01-01 10:00:00"},{"k":1.5,"t":"2020-01-01T10:00:00+02:00"},{"k":2.5,"t":"2020-01-01T10:00Z"}]`
    expect(encode(source, { k: 'int4', t: 'timestamp' }).warnings).toEqual([
      'records: 1.5 (row 1, column "k") was rounded to 2: the column is of type integer',
      'records: the UTC offset of "2020-01-01T10:00:00+02:00" (row 1, column "t") was dropped: the column is a timestamp without time zone',
    ])
  })

  const zones: [text: string, dropped: boolean][] = [
    ['2020-01-01T10:00:00Z', true],
    ['2020-01-01T10:00:00.123456 z  ', true],
    ['2020-01-01T10:00:00.5-0330', true],
    ['2020-01-01 10:00+2', true],
    ['1/2/2020 10:00 UTC', true],
    ['2020-01-01T10:00:00\\u002b02:00', true],
    ['2020-01-01', false],
    ['2020-01-01T10:00:00.123456', false],
    ['01-02-2020 10:00', false],
    ['', false],
  ]
  it.each(zones)('timestamp %j: %s', (text, dropped) => {
    expect(encode(`[{"t":"${text}"}]`, { t: 'timestamp' }).warnings).toHaveLength(dropped ? 1 : 0)
  })

  it.each(['1e3', '12.0', '0.0'])('%s into an integer column is not worth one', (number) => {
    expect(encode(`[{"k":${number}}]`, { k: 'int4' }).warnings).toEqual([])
  })
})

describe('against a slow reference', () => {
  const types: Record<string, string> = {
    n: 'numeric',
    i: 'int8',
    't é': 'text',
    b: 'bool',
    j: 'json',
    l: 'text[]',
    m: 'timestamptz',
  }
  const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/)
  const integer = fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})$/)
  const string = fc.string({ unit: 'grapheme', maxLength: 12 }).map(asText)
  const escaped = string.map((text) => text.replace(/[a-z]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`))
  const boolean = fc.constantFrom('true', 'false')
  const json = fc
    .tuple(fc.jsonValue({ stringUnit: 'grapheme' }), fc.constantFrom(undefined, 1))
    .map(([value, indent]) => JSON.stringify(value, null, indent))
  const scalars = fc.array(fc.oneof(digits, string, escaped, boolean, fc.constant('null')), { maxLength: 4 })
  const blank = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n  ')
  const tokens: Record<string, fc.Arbitrary<string>> = {
    n: fc.oneof(digits, string),
    i: fc.oneof(integer, string),
    't é': fc.oneof(string, escaped, digits, boolean),
    b: boolean,
    j: json,
    l: fc.tuple(scalars, blank).map(([items, gap]) => `[${items.join(`${gap},${gap}`)}]`),
    m: string,
  }
  const member = fc
    .constantFrom(...Object.keys(types), '_drop')
    .chain((key) => fc.tuple(fc.constant(key), fc.oneof(fc.constant('null'), tokens[key] ?? json)))
  // Records mostly repeat one form, as real ones do.
  const record = fc.array(member, { maxLength: 8 })
  const records = fc.oneof(
    fc.array(record, { maxLength: 6 }),
    record.chain((one) => fc.array(fc.constant(one), { maxLength: 4 })),
  )

  it('lines parse to the same values', () => {
    fc.assert(
      fc.property(records, fc.infiniteStream(blank), (rows, blanks) => {
        const gap = () => blanks.next().value ?? ''
        const list = (open: string, items: string[], close: string) =>
          `${gap()}${open}${items.map((item) => gap() + item + gap()).join(',')}${gap()}${close}`
        const source = list(
          '[',
          rows.map((row) =>
            list(
              '{',
              row.map(([key, token]) => `${asText(key)}${gap()}:${gap()}${token}`),
              '}',
            ),
          ),
          ']',
        )
        const encoded = encode(source, types, { ignore: ['_drop'] })
        const lines = textOf(encoded).split('\n').slice(0, -1)
        const expected = rows.map((row) =>
          Object.fromEntries(
            row.filter(([key]) => key !== '_drop').map(([key, token]) => [key, reference(types[key] ?? '', token)]),
          ),
        )
        expect(encoded.count).toBe(rows.length)
        expect(lines.map(readCells)).toEqual(expected)
        const carried = lines.map((_, index) => encoded.shapes[encoded.shapeOf[index] ?? 0])
        expect(carried).toEqual(expected.map((row) => Object.keys(types).filter((key) => key in row)))
      }),
      { numRuns: 500 },
    )
  })

  /** What an engine reads: every cell as text, numbers by way of a double. */
  function readCells(line: string): Record<string, string | null> {
    const cells = Object.entries(JSON.parse(line) as Record<string, unknown>)
    return Object.fromEntries(cells.map(([key, value]) => [key, value === null ? null : String(value)]))
  }

  function reference(type: string, token: string): string | null {
    if (token === 'null') return null
    const text = token.startsWith('"') ? (JSON.parse(token) as string) : token
    if (text === '' && type !== 'text') return null
    if (type === 'json') return token
    return type === 'text[]' ? referenceList(token) : text
  }

  function referenceList(token: string): string {
    const quoted = token.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false/g, (scalar) =>
      scalar.startsWith('"') ? scalar : asText(scalar),
    )
    return JSON.stringify(JSON.parse(quoted))
  }
})

describe('DuckDB', () => {
  it('reads every cell as the text that was sent', async () => {
    const sent: [column: string, source: string, text: string | null][] = [
      ['int', '7', '7'],
      ['long', '9223372036854775807', '9223372036854775807'],
      ['huge', '123456789012345678901234567890.123456789', '123456789012345678901234567890.123456789'],
      ['scale', '1.10', '1.10'],
      ['exponent', '1e300', '1e300'],
      ['minus zero', '-0', '-0'],
      ['fifteen', '999999999.999999', '999999999.999999'],
      ['small', '0.00001', '0.00001'],
      ['less small', '0.00123456789012', '0.00123456789012'],
      ['micro', '"2020-01-01T10:00:00.123456"', '2020-01-01T10:00:00.123456'],
      ['emoji 😀', '"\\ud83d\\ude00 😀"', '😀 😀'],
      ['back\\slash', '"a\\\\b\\n\\"\\u00e9\\/"', 'a\\b\n"é/'],
      ['bool', 'true', 'true'],
      ['list', '[1.10,"a b"]', '{1.10,"a b"}'],
      ['empty', '""', ''],
      ['none', 'null', null],
    ]
    const json = '{\n "a": [1.10, "x\\ty"] }'
    const types = Object.fromEntries([...sent.map(([column]): [string, string] => [column, 'text']), ['j', 'json']])
    const members = [...sent.map(([column, source]) => `${asText(column)}: ${source}`), `"j": ${json}`]
    const folder = await mkdtemp(join(tmpdir(), 'records-'))
    const database = await DuckDBInstance.create(':memory:')
    const connection = await database.connect()
    try {
      const file = join(folder, 'rows.ndjson')
      await writeFile(file, textOf(encode(`[{${members.join(',')}},{}]`, types)))
      const columns = Object.keys(types).map((name) => `"${name}": 'VARCHAR'`)
      const query = `SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = {${columns.join(', ')}})`
      const rows = (await connection.runAndReadAll(query)).getRowsJS()
      expect(rows).toEqual([[...sent.map(([, , text]) => text), json], Object.keys(types).map(() => null)])
    } finally {
      connection.closeSync()
      database.closeSync()
      await rm(folder, { recursive: true })
    }
  })
})

describe('firstRecord', () => {
  it('keeps the order of keys and the text of values', () => {
    const first = firstRecord(bytesOf(' [ {"b": 1.0, "1": 12345678901234567890, "b2": {"x": 1}, "b": "z"}, 5]'))
    expect(first).toEqual({
      keys: ['b', '1', 'b2'],
      record: { b: 'z', 1: 12345678901234567000, b2: { x: 1 } },
      tokens: new Map([
        ['b', '"z"'],
        ['1', '12345678901234567890'],
        ['b2', '{"x": 1}'],
      ]),
    })
  })

  it.each([
    ['[]', undefined],
    ['[1]', 'not an object'],
    ['[null, {}]', 'not an object'],
  ])('%s: %s', (source, expected) => {
    expect(firstRecord(bytesOf(source))).toBe(expected)
  })
})

describe('guessType', () => {
  const guesses: Record<string, string[]> = {
    json: ['{}', '[1]', '[]'],
    int: ['7', '-0', '2147483647', '-2147483648'],
    int8: ['2147483648', '-2147483649', '9223372036854775807', '"2147483648"'],
    float8: ['"nan"', '"-Inf"', '"infinity"', '"1e300"'],
    bool: ['true', 'false'],
    float: ['1.0', '1e3', '-0.5', '12345678901234567890.5'],
    integer: ['"7"', '" 7 "', '"+5"', '"-5"', '"007"'],
    numeric: ['9223372036854775808', '"9223372036854775808"', '"1.5"', '"1e5"', '".5"', '"5."'],
    timestamp: [
      '"2020-01-31"',
      '"2020-1-3"',
      '"2020-02-29"',
      '"2020-01-31 10:00:59"',
      '"2020-01-31T10:00:59"',
      '"2020-01-31T10:00:59Z"',
      '"12/31/2020"',
      '"12-31-2020"',
    ],
    text: [
      'null',
      '""',
      '"true"',
      '"x"',
      '"1__0"',
      '"_1"',
      '"1_"',
      '"1 2"',
      '"0x10"',
      '"1e"',
      '"2020-02-30"',
      '"2021-02-29"',
      '"0000-01-01"',
      '"2020-01-31T10:00:59.5"',
      '"2020-01-31T10:00:59+00:00"',
      '"2020-01-31 10:00:59Z"',
      '"2020-01-31T24:00:00"',
      '"32/12/2020"',
      '"31/12-2020"',
      '" 2020-01-31"',
      '"31/12/2020"',
      '"31-12-2020"',
      '"1_000"',
      '" 1_0.5 "',
      '"9_223_372_036_854_775_807"',
      `"${'9'.repeat(500)}"`,
    ],
  }
  const cases = Object.entries(guesses).flatMap(([type, tokens]) =>
    tokens.map((token): [string, string] => [token, type]),
  )
  it.each(cases)('%s: %s', (token, type) => {
    expect(guessType(token)).toBe(type)
  })
})

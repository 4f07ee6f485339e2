import { describe, expect, test } from 'vitest'
import type { Kit } from './kit.ts'
import { refusal } from './kit.ts'

/** What goes in, as JSON text, and how it comes out: in objects, and in csv (contract §4.5, §4.6). */
type Kept = [given: string, json: string, csv: string]

const NO_VALUE: Kept = ['null', 'null', '']
const DIGITS = '12345678901234567890.123456789'

export const kept: Record<string, Kept[]> = {
  int2: [['-32768', '-32768', '-32768'], ['"007"', '7', '7'], ['12.5', '13', '13'], ['""', 'null', ''], NO_VALUE],
  int4: [['2147483647', '2147483647', '2147483647'], ['" +7 "', '7', '7'], NO_VALUE],
  int8: [
    ['9223372036854775807', '9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808', '-9223372036854775808'],
    ['9007199254740993', '9007199254740993', '9007199254740993'],
    ['"1234567890123456789"', '1234567890123456789', '1234567890123456789'],
    NO_VALUE,
  ],
  numeric: [
    [DIGITS, DIGITS, DIGITS],
    [`"-${DIGITS}"`, `-${DIGITS}`, `-${DIGITS}`],
    ['10.50', '10.5', '10.5'],
    ['0.0000001', '0.0000001', '0.0000001'],
    ['1e3', '1000', '1000'],
    ['" 5 "', '5', '5'],
    ['0', '0', '0'],
    ['-0.5', '-0.5', '-0.5'],
    ['99999999999999999999', '99999999999999999999', '99999999999999999999'],
    NO_VALUE,
  ],
  'numeric(10,2)': [
    ['10.5', '10.50', '10.50'],
    ['-99999999.99', '-99999999.99', '-99999999.99'],
    ['1e2', '100.00', '100.00'],
    NO_VALUE,
  ],
  'numeric(38,0)': [
    [
      '99999999999999999999999999999999999999',
      '99999999999999999999999999999999999999',
      '99999999999999999999999999999999999999',
    ],
  ],
  'numeric(38,30)': [
    ['0.123456789012345678901234567890', '0.123456789012345678901234567890', '0.123456789012345678901234567890'],
  ],
  float8: [
    ['1.5', '1.5', '1.5'],
    ['100', '100', '100'],
    ['1e300', '1e+300', '1e+300'],
    ['1e21', '1e+21', '1e+21'],
    ['1e-7', '1e-07', '1e-07'],
    ['0.1', '0.1', '0.1'],
    ['5e-324', '5e-324', '5e-324'],
    ['123456789.125', '123456789.125', '123456789.125'],
    ['9007199254740993', '9007199254740992', '9007199254740992'],
    ['"NaN"', '"NaN"', 'NaN'],
    ['"Infinity"', '"Infinity"', 'Infinity'],
    ['"-inf"', '"-Infinity"', '-Infinity'],
    NO_VALUE,
  ],
  float4: [['0.1', '0.1', '0.1'], ['16777216', '16777216', '16777216'], ['"NaN"', '"NaN"', 'NaN'], NO_VALUE],
  bool: [
    ['true', 'true', 't'],
    ['false', 'false', 'f'],
    ['"yes"', 'true', 't'],
    ['"0"', 'false', 'f'],
    ['"tru"', 'true', 't'],
    NO_VALUE,
  ],
  text: [
    ['"plain"', '"plain"', 'plain'],
    ['""', '""', '""'],
    ['" blanks "', '" blanks "', ' blanks '],
    ['25', '"25"', '25'],
    ['1.10', '"1.10"', '1.10'],
    ['true', '"true"', 'true'],
    ['"a,b"', '"a,b"', '"a,b"'],
    ['"say \\"hi\\""', '"say \\"hi\\""', '"say ""hi"""'],
    ['"two\\nlines"', '"two\\nlines"', '"two\nlines"'],
    ['"two\\r\\nlines"', '"two\\r\\nlines"', '"two\r\nlines"'],
    ['"back\\\\slash \' tick"', '"back\\\\slash \' tick"', "back\\slash ' tick"],
    ['"Grüße 日本 🌳"', '"Grüße 日本 🌳"', 'Grüße 日本 🌳'],
    ['"NULL"', '"NULL"', 'NULL'],
    ['"007"', '"007"', '007'],
    ['"{UPPER_CASE} {} {0}"', '"{UPPER_CASE} {} {0}"', '{UPPER_CASE} {} {0}'],
    ['"\\u0001\\u001f\\u007f"', '"\\u0001\\u001F\u007f"', '\u0001\u001f\u007f'],
    NO_VALUE,
  ],
  'varchar(5)': [['"abcde"', '"abcde"', 'abcde'], NO_VALUE],
  date: [
    ['"2011-01-02"', '"2011-01-02"', '2011-01-02'],
    ['"0001-01-01"', '"0001-01-01"', '0001-01-01'],
    ['"9999-12-31"', '"9999-12-31"', '9999-12-31'],
    ['"1/2/2011"', '"2011-01-02"', '2011-01-02'],
    NO_VALUE,
  ],
  time: [
    ['"10:05"', '"10:05:00"', '10:05:00'],
    ['"23:59:59.123456"', '"23:59:59.123456"', '23:59:59.123456'],
    NO_VALUE,
  ],
  timestamp: [
    ['"2020-01-01"', '"2020-01-01T00:00:00.000"', '2020-01-01T00:00:00.000'],
    ['"2020-01-01 02:03:04.5"', '"2020-01-01T02:03:04.500"', '2020-01-01T02:03:04.500'],
    ['"2020-01-01T02:03:04.123456"', '"2020-01-01T02:03:04.123456"', '2020-01-01T02:03:04.123456'],
    ['"2020-01-01T02:03:04+02:00"', '"2020-01-01T02:03:04.000"', '2020-01-01T02:03:04.000'],
    ['"0999-12-31T23:59:59.999999"', '"0999-12-31T23:59:59.999999"', '0999-12-31T23:59:59.999999'],
    ['"9999-12-31T23:59:59.999"', '"9999-12-31T23:59:59.999"', '9999-12-31T23:59:59.999'],
    NO_VALUE,
  ],
  timestamptz: [
    ['"2020-01-01T02:03:04.5+02:00"', '"2020-01-01T00:03:04.5+00:00"', '2020-01-01 00:03:04.5+00'],
    ['"2020-01-01T02:03:04.123456Z"', '"2020-01-01T02:03:04.123456+00:00"', '2020-01-01 02:03:04.123456+00'],
    ['"2020-01-01"', '"2020-01-01T00:00:00+00:00"', '2020-01-01 00:00:00+00'],
    NO_VALUE,
  ],
  json: [
    ['{"a":  [1, 2.50], "b": null}', '{"a":  [1, 2.50], "b": null}', '"{""a"":  [1, 2.50], ""b"": null}"'],
    ['12345678901234567890.10', '12345678901234567890.10', '12345678901234567890.10'],
    ['"text"', '"text"', '"""text"""'],
    ['true', 'true', 'true'],
    ['null', 'null', 'null'],
  ],
  jsonb: [['[{"x": "y\\nz"}]', '[{"x": "y\\nz"}]', '"[{""x"": ""y\\nz""}]"'], NO_VALUE],
  uuid: [
    [
      '"C6153A74-0000-4000-8000-00000000000A"',
      '"c6153a74-0000-4000-8000-00000000000a"',
      'c6153a74-0000-4000-8000-00000000000a',
    ],
    NO_VALUE,
  ],
  interval: [['"1 day 02:00:00"', '"1 day 02:00:00"', '1 day 02:00:00'], NO_VALUE],
  bytea: [['"\\\\xdead"', '"\\\\xdead"', '\\xdead'], NO_VALUE],
  inet: [['"192.168.0.0/16"', '"192.168.0.0/16"', '192.168.0.0/16'], NO_VALUE],
  timetz: [['"10:05:00+02"', '"10:05:00+02"', '10:05:00+02'], NO_VALUE],
  'text[]': [
    ['["one", "two"]', '["one","two"]', '"[""one"",""two""]"'],
    ['["a,b", "say \\"hi\\"", "", null]', '["a,b","say \\"hi\\"","",null]', '"[""a,b"",""say \\""hi\\"""","""",null]"'],
    ['"{x,\\"y z\\",NULL}"', '["x","y z",null]', '"[""x"",""y z"",null]"'],
    ['[]', '[]', '[]'],
    ['null', 'null', 'null'],
  ],
  'int[]': [
    ['[1, null, "3"]', '[1,null,3]', '"[1,null,3]"'],
    ['null', 'null', 'null'],
  ],
  'numeric[]': [
    [`[${DIGITS}, 1.50]`, `[${DIGITS},1.5]`, `"[${DIGITS},1.5]"`],
    ['null', 'null', 'null'],
  ],
  'timestamp[]': [
    ['["2020-01-01 02:03:04.123456"]', '["2020-01-01T02:03:04.123456"]', '"[""2020-01-01T02:03:04.123456""]"'],
  ],
  'bool[]': [['[true, "f"]', '[true,false]', '"[true,false]"']],
}

/** What a column refuses, and the sentence about it. */
const refused: Record<string, [given: string, sentence: RegExp][]> = {
  int2: [
    ['32768', /out of range for type smallint/],
    ['"x"', /invalid input syntax for type smallint: "x"/],
  ],
  int4: [
    ['-2147483649', /out of range/],
    ['"12.5"', /invalid input syntax/],
    ['true', /invalid/],
    ['1e10', /out of range/],
  ],
  int8: [
    ['9223372036854775808', /out of range/],
    ['"  "', /invalid input syntax/],
  ],
  numeric: [
    ['"x"', /invalid input syntax for type numeric/],
    ['"   "', /invalid input syntax for type numeric/],
    ['1e300', /overflow/],
    ['1e-40', /overflow/],
    ['"NaN"', /invalid/],
    ['123456789012345678901234567890123456789', /overflow/],
  ],
  'numeric(4,2)': [
    ['100', /overflow/],
    ['1.005', /overflow/],
  ],
  float8: [
    ['"1e400"', /out of range/],
    ['1e400', /out of range/],
    ['"1.5x"', /invalid/],
  ],
  float4: [['1e39', /out of range/]],
  bool: [
    ['"maybe"', /invalid/],
    ['1', /invalid/],
  ],
  date: [
    ['"2020-02-30"', /out of range/],
    ['"31/12/2020"', /out of range/],
    ['"soon"', /invalid/],
    ['"2020-01-01 10:00"', /./],
  ],
  time: [
    ['"25:00"', /out of range/],
    ['"noon"', /invalid/],
  ],
  timestamp: [
    ['"2020-13-01"', /out of range/],
    ['"now"', /invalid/],
    ['"infinity"', /invalid/],
  ],
  timestamptz: [
    ['"2020-01-01T24:01:00Z"', /out of range/],
    ['"epoch"', /invalid/],
  ],
  uuid: [['"c6153a74"', /invalid/]],
  'int[]': [
    ['[1, "x"]', /./],
    ['[1, 2147483648]', /./],
  ],
  'varchar(3)': [['"abcd"', /value too long for type character varying\(3\)/]],
}

export function values(kit: Kit): void {
  for (const [type, rows] of Object.entries(kept)) {
    describe(type, () => {
      test('comes out as the contract says', async () => {
        const id = await kit.make({ v: type }, `[${rows.map(([given]) => `{"v": ${given}}`).join(',')}]`)
        const fields = ['v']
        const json = rows.map(([, text]) => `[${text}]`)
        const csv = rows.map(([, , text]) => `${text}\n`).join('')
        expect((await kit.search(id, { fields }, { format: 'lists' })).text).toBe(json.join(','))
        expect((await kit.search(id, { fields }, { format: 'csv' })).text).toBe(csv)
        expect(await kit.dump(id, 'csv', { fields })).toBe(csv)
        expect(await kit.dump(id, 'lists', { fields })).toBe(json.map((line) => `${line}\n`).join(''))
      })

      test('is stored again from what came out', async () => {
        const id = await kit.make({ v: type }, `[${rows.map(([given]) => `{"v": ${given}}`).join(',')}]`)
        const { text } = await kit.search(id, { fields: ['v'] })
        const again = await kit.make({ v: type }, `[${text}]`)
        expect((await kit.search(again, { fields: ['v'] })).text).toBe(text)
      })
    })
  }

  const special = ['{SNAPSHOT_ID} {DATA_PATH}', 'a\u0000b', "'; DROP TABLE x; --", '$1 %s \\0']
  for (const text of special) {
    test(`the text ${JSON.stringify(text)} is stored exactly, or refused with row and column`, async () => {
      const id = await kit.make({ k: 'int', v: 'text', l: 'text[]' })
      for (const given of [{ v: text }, { l: [text] }]) {
        const error = await kit.upsert(id, [{ k: 1 }, { k: 2, ...given }], { method: 'insert' }).then(
          () => undefined,
          (error) => error,
        )
        const [name, value] = Object.entries(given)[0] as [string, unknown]
        if (error) expect(error.detail).toMatchObject({ records_row: 1, records_column: name })
        else expect((await kit.rows(id)).at(-1)?.[name]).toEqual(value)
      }
      const found = await kit.rows(id, { filters: { v: text } }).catch((error) => error)
      if (found instanceof Error) expect(found).toMatchObject({ status: 409 })
      else expect(found).toHaveLength((await kit.rows(id)).filter(({ v }) => v === text).length)
    })
  }

  for (const [type, cases] of Object.entries(refused)) {
    for (const [given, sentence] of cases) {
      test(`${type} refuses ${given}, with row and column, and stores nothing`, async () => {
        const id = await kit.make({ k: 'int', v: type })
        const error = await refusal(kit.upsert(id, `[{"k": 1}, {"k": 2, "v": ${given}}]`, { method: 'insert' }))
        expect(error).toMatchObject({ status: 409, detail: { records_row: 1, records_column: 'v' } })
        expect(error.detail).toMatchObject({ records: [expect.stringMatching(sentence)] })
        expect(await kit.counted(id)).toBe(0)
      })
    }
  }

  test('the first bad row is named, whatever its column', async () => {
    const id = await kit.make({ a: 'int', b: 'date' })
    const records = [
      { a: 1, b: '2020-01-01' },
      { a: 2, b: 'x' },
      { a: 'y', b: '2020-01-01' },
    ]
    const error = await refusal(kit.upsert(id, records, { method: 'insert' }))
    expect(error.detail).toMatchObject({ records_row: 1, records_column: 'b' })
  })

  describe('a numeric column without a modifier', () => {
    test('takes more decimals as they come, and keeps every digit it has', async () => {
      const id = await kit.make({ k: 'int', v: 'numeric' }, '[{"k": 1, "v": 12345678901234567890}]', { key: ['k'] })
      await kit.upsert(id, '[{"k": 2, "v": 0.5}]')
      await kit.upsert(id, '[{"k": 3, "v": "0.123456789012345678"}]', { method: 'insert' })
      await kit.create(id, { k: 'int', v: 'numeric' }, { records: '[{"k": 4, "v": -7.25}]' })
      await kit.upsert(id, '[{"k": 1, "v": 12345678901234567890.5}]', { method: 'update' })
      expect((await kit.search(id, { fields: ['v'] }, { format: 'csv' })).text).toBe(
        '12345678901234567890.5\n0.5\n0.123456789012345678\n-7.25\n',
      )
    })

    test('refuses what it could hold only by giving up stored digits, and what stood stays', async () => {
      const whole = '1'.repeat(30)
      const id = await kit.make({ k: 'int', v: 'numeric' }, `[{"k": 1, "v": ${whole}}]`, { key: ['k'] })
      const before = await kit.table(id)
      for (const method of ['upsert', 'insert'] as const) {
        const error = await refusal(kit.upsert(id, '[{"k": 2, "v": 1}, {"k": 3, "v": 0.1234567890123}]', { method }))
        expect(error).toMatchObject({ status: 409, detail: { records_row: 1, records_column: 'v' } })
      }
      const columns = { k: 'int', v: 'numeric' }
      const created = await refusal(kit.create(id, columns, { records: '[{"k": 3, "v": 0.1234567890123}]' }))
      expect(created).toMatchObject({ status: 409, detail: { records_row: 0, records_column: 'v' } })
      expect(await kit.table(id)).toEqual(before)
      expect((await kit.search(id, { fields: ['v'] }, { format: 'csv' })).text).toBe(`${whole}\n`)
    })

    test('refuses values that no column could hold together', async () => {
      const id = await kit.make({ v: 'numeric' })
      const records = `[{"v": 1}, {"v": ${'1'.repeat(30)}}, {"v": 0.${'1'.repeat(20)}}]`
      const error = await refusal(kit.upsert(id, records, { method: 'insert' }))
      expect(error.detail).toMatchObject({ records_column: 'v' })
    })
  })

  test('a record of a thousand columns, and one of a megabyte', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `c${index}`)
    const wide = await kit.make(Object.fromEntries(names.map((name) => [name, 'text'])), [
      Object.fromEntries(names.map((name) => [name, name])),
    ])
    expect(Object.keys((await kit.rows(wide))[0] as object)).toHaveLength(1001)
    const long = 'é'.repeat(500_000)
    const id = await kit.make({ v: 'text' }, [{ v: long }, { v: 'short' }])
    expect(await kit.values(id, 'v')).toEqual([long, 'short'])
    expect(await kit.dump(id, 'csv', { fields: ['v'] })).toBe(`${long}\nshort\n`)
  })
}

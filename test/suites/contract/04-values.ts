// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { absent } from './match.ts'

/** A value as JSON text, stored in a column of a type, and what search gives back as JSON text. */
const accepted: readonly (readonly [type: string, sent: string, stored: string])[] = [
  ['int', '7', '7'], ['int', '"7"', '7'], ['int', '" 7"', '7'], ['int', '"007"', '7'], ['int', '12.5', '13'], ['int', '-12.5', '-13'], ['int', '12.4', '12'],
  ['int', '1e3', '1000'], ['int', '2147483647', '2147483647'], ['smallint', '"-32768"', '-32768'],
  ['bigint', '9223372036854775807', '9223372036854775807'], ['bigint', '"-9223372036854775808"', '-9223372036854775808'],
  ['bigint', '9007199254740993', '9007199254740993'],
  ['numeric', '1', '1'], ['numeric', '"1e3"', '1000'], ['numeric', '" 5 "', '5'], ['numeric', '10.50', '10.5'], ['numeric', '0.0000001', '0.0000001'],
  ['numeric', '12345678901234567890.123456789', '12345678901234567890.123456789'], ['numeric', '1.2345678901234567e+19', '12345678901234567000'],
  ['numeric', '123456789012345678901234567890', '123456789012345678901234567890'], ['numeric', '"-0.5"', '-0.5'], ['numeric', '0', '0'],
  ['numeric(10,2)', '10.5', '10.50'], ['numeric(10,2)', '"7"', '7.00'],
  ['float', '1.5', '1.5'], ['float', '"1e3"', '1000'], ['float', '100', '100'], ['float', '1e-7', '1e-07'], ['float', '1e21', '1e+21'], ['float', '1e300', '1e+300'],
  ['float', '"NaN"', '"NaN"'], ['float', '"Infinity"', '"Infinity"'], ['float', '"-Infinity"', '"-Infinity"'], ['float', '" 5 "', '5'], ['float', '0.1', '0.1'],
  ['bool', 'true', 'true'], ['bool', 'false', 'false'], ['bool', '"t"', 'true'], ['bool', '"yes"', 'true'], ['bool', '"on"', 'true'], ['bool', '"1"', 'true'],
  ['bool', '"off"', 'false'], ['bool', '"0"', 'false'], ['bool', '"N"', 'false'],
  ['text', '"x"', '"x"'], ['text', '""', '""'], ['text', '25', '"25"'], ['text', '1.50', '"1.50"'], ['text', 'true', '"true"'], ['text', '["a"]', '"{a}"'],
  ['text', '["a b", null, "c"]', '"{\\"a b\\",NULL,c}"'], ['text', '"\\u00e9\\ud83c\\udf33\\n\\t\\"\\\\"', '"é🌳\\n\\t\\"\\\\"'],
  ['varchar(3)', '"abc"', '"abc"'], ['varchar(3)', '"abc  "', '"abc"'],
  ['date', '"2011-01-02"', '"2011-01-02"'], ['date', '"12/31/2020"', '"2020-12-31"'], ['time', '"10:05"', '"10:05:00"'], ['time', '"10:05:00.5"', '"10:05:00.5"'],
  ['timestamp', '"2020-01-01"', '"2020-01-01T00:00:00.000"'], ['timestamp', '"2020-01-01T02:03:04"', '"2020-01-01T02:03:04.000"'],
  ['timestamp', '"2020-01-01T10:00:00Z"', '"2020-01-01T10:00:00.000"'], ['timestamp', '"2020-01-01T10:00:00+02:00"', '"2020-01-01T10:00:00.000"'],
  ['timestamp', '"2020-01-01 02:03:04.123"', '"2020-01-01T02:03:04.123"'], ['timestamp', '"2020-01-01 02:03:04.123456"', '"2020-01-01T02:03:04.123456"'],
  ['timestamp', '"2020-01-01T10:00Z"', '"2020-01-01T10:00:00.000"'], ['timestamp', '"2020-01-01 10:00 +02:00"', '"2020-01-01T10:00:00.000"'], ['timestamptz', '"2020-01-01T10:00+02:00"', '"2020-01-01T08:00:00+00:00"'],
  ['timestamp', '"12/31/2020"', '"2020-12-31T00:00:00.000"'],
  ['date', '"20200131"', '"2020-01-31"'], ['timestamp', '"20200131"', '"2020-01-31T00:00:00.000"'], ['timestamp', '"20200131 10:20:30.5"', '"2020-01-31T10:20:30.500"'], ['timestamp', '"20200131T102030"', '"2020-01-31T10:20:30.000"'],
  ['timestamptz', '"20200131T102030Z"', '"2020-01-31T10:20:30+00:00"'], ['timestamp', '"2020-01-01T02:03:04.1234567"', '"2020-01-01T02:03:04.123457"'], ['timestamp', '"2020-01-01T02:03:04.1230000"', '"2020-01-01T02:03:04.123"'],
  ['timestamptz', '"2020-01-01T02:03:04.1234561+00:00"', '"2020-01-01T02:03:04.123456+00:00"'], ['time', '"10:05:00.1234567"', '"10:05:00.123457"'], ['timestamp', '"2020-01-01T02:03:59.99999999"', '"2020-01-01T02:03:59.999999"'],
  ['timestamp', '"January 8, 1999"', '"1999-01-08T00:00:00.000"'],
  ['timestamptz', '"2020-01-01T02:03:04.5+02:00"', '"2020-01-01T00:03:04.5+00:00"'], ['timestamptz', '"2020-01-01T02:03:04Z"', '"2020-01-01T02:03:04+00:00"'],
  ['text[]', '["one","two"]', '["one","two"]'], ['text[]', '"{x,y}"', '["x","y"]'], ['text[]', '[null,"NULL",""]', '[null,"NULL",""]'], ['int[]', '[1,"2"]', '[1,2]'], ['int[]', '"{1,NULL}"', '[1,null]'],
  ['numeric[]', '[1.50, 2]', '[1.5,2]'],
  ['json', '{"a": [1, 2.50]}', '{"a": [1, 2.50]}'], ['json', '[1]', '[1]'], ['json', '"x"', '"x"'], ['json', '7', '7'], ['json', 'true', 'true'],
  ['json', '{"n": 12345678901234567890.123}', '{"n": 12345678901234567890.123}'],
  ['jsonb', '{"a":1}', '{"a":1}'], ['uuid', '"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"', '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
  ['bytea', '"\\\\xDEAD"', '"\\\\xdead"'], ['interval', '"1 day 02:00"', '"1 day 02:00:00"'], ['interval', '" 1 year 2 months 90 minutes"', '"1 year 2 mons 01:30:00"'], ['interval', '"P1Y2M"', '"P1Y2M"'],
  ['interval', '"-1.5 days"', '"-1 day -12:00:00"'], ['interval', '"26 hours 2 Weeks ago"', '"-14 days -26:00:00"'], ['interval', '"90.5"', '"00:01:30.5"'], ['interval', '"01:30 2 days"', '"01:30 2 days"'],
  ['bytea', '"\\\\xdead"', '"\\\\xdead"'],
]

/** Refused values, with PostgreSQL's sentence. */
const refused: readonly (readonly [type: string, sent: string, sentence: RegExp])[] = [
  ['int', '"12.5"', /^invalid input syntax for type integer: "12.5"$/], ['int', '"x"', /^invalid input syntax for type integer: "x"$/], ['int', 'true', /integer/],
  ['int', '2147483648', /out of range for type integer/], ['int', '"2147483648"', /^value "2147483648" is out of range for type integer$/], ['int', '[1]', /integer/], ['int', '{}', /integer/],
  ['int', '"   "', /^invalid input syntax for type integer: " {3}"$/],
  ['smallint', '32768', /out of range for type smallint/], ['bigint', '9223372036854775808', /out of range for type bigint/],
  ['numeric', '"   "', /^invalid input syntax for type numeric: " {3}"$/], ['numeric', '"x"', /^invalid input syntax for type numeric: "x"$/], ['numeric', 'true', /numeric/],
  ['numeric', '"NaN"', /numeric/], ['numeric', '1e300', /numeric/], ['numeric(4,1)', '12345', /numeric/],
  ['float', '"x"', /^invalid input syntax for type double precision: "x"$/], ['float', '1e999', /out of range/], ['bool', '0', /boolean/], ['bool', '1', /boolean/], ['bool', '"maybe"', /^invalid input syntax for type boolean: "maybe"$/],
  ['text', '{"a": 1}', /./], ['text', '"a\\u0000b"', /0x00/], ['varchar(3)', '"abcd"', /^value too long for type character varying\(3\)$/],
  ['date', '"2020-02-30"', /date/], ['date', '7', /date/], ['date', '"20201301"', /date/], ['date', '"202001311"', /date/], ['timestamp', '"31/12/2020"', /timestamp|date\/time/], ['timestamp', '"x"', /^invalid input syntax for type timestamp: "x"$/], ['timestamp', '"2020-13-01"', /timestamp|date\/time/],
  ['text[]', '[["a"]]', /^malformed array literal: "\[\["a"\]\]"$/], ['int[]', '[[1]]', /^malformed array literal: "\[\[1\]\]"$/], ['timestamp', '"2020-02-30T10:00Z"', /out of range/],
  ['time', '"25:00"', /time/], ['text[]', '"[\\"x\\"]"', /^malformed array literal: "\["x"\]"$/], ['int[]', '["x"]', /x/], ['uuid', '"x"', /^invalid input syntax for type uuid: "x"$/],
]

const column = (type: string): Call => ['create', { fields: [{ id: 'k', type: 'int' }, { id: 'a', type }] }]
const insert = (value: string): Call => ['upsert', `{"resource_id": "$id", "method": "insert", "records": [{"k": 1, "a": ${value}}]}`]
const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

const NON_TEXT = ['int', 'numeric', 'float', 'bool', 'date', 'time', 'timestamp', 'timestamptz', 'json', 'uuid', 'text[]']

/** Contract §4.5: what a written value may look like, and §4.6 for how it comes back. */
export const values: readonly ContractCase[] = [
  ...accepted.map(([type, sent, stored]): ContractCase => ({
    name: `§4.5 ${type} takes ${sent}`,
    setup: [column(type), insert(sent)],
    call: ['search', { fields: 'a' }],
    text: new RegExp(`\\[\\{"a":${literally(stored)}\\}\\]`),
  })),
  ...refused.map(([type, sent, sentence]): ContractCase => ({
    name: `§4.5 ${type} refuses ${sent}`,
    setup: [column(type)],
    call: insert(sent),
    error: { records: [sentence], records_row: 0, message: /row 0, column "a"/ },
    then: [[['search'], { result: { total: 0 } }]],
  })),
  ...NON_TEXT.map((type): ContractCase => ({
    name: `§4.5 "" in a ${type} column is null`,
    setup: [column(type), insert('""')],
    call: ['search', { fields: 'a' }],
    records: [{ a: null }],
  })),
  { name: '§4.5 null and a missing key are null', setup: [column('text'), ['upsert', { method: 'insert', records: [{ a: null, k: 1 }, { k: 2 }] }]], call: ['search'], records: [{ _id: 1, k: 1, a: null }, { _id: 2, k: 2, a: null }], smoke: true },
  { name: '§4.5 numeric: one column for all digits', setup: [column('numeric'), insert('1.5'), insert('0.123456789012345678'), insert('12345678901234567890')], call: ['search', { fields: 'a' }], text: /\[\{"a":1\.5\},\{"a":0\.123456789012345678\},\{"a":12345678901234567890\}\]/ },
  { name: '§4.5 numeric: no column holds 38 digits before and one after the point', setup: [column('numeric'), insert('0.5')], call: insert('12345678901234567890123456789012345678'), error: { records: [/numeric field overflow/], records_row: 0 }, then: [[['search', { fields: 'a' }], { records: [{ a: 0.5 }] }]] },
  { name: '§10.5 a rounded number is warned about', setup: [column('int')], call: insert('12.5'), warning: /12\.5 \(row 0, column "a"\) was rounded to 13/ },
  { name: '§10.5 a dropped offset is warned about', setup: [column('timestamp')], call: insert('"2020-01-01T10:00:00+02:00"'), warning: /offset.*\(row 0, column "a"\) was dropped/ },
  { name: '§10.5 a time to less than a microsecond is warned about', setup: [column('timestamp')], call: insert('"2020-01-01T02:03:04.1234567"'), warning: /2020-01-01T02:03:04\.1234567" \(row 0, column "a"\) was rounded to 2020-01-01T02:03:04\.123457/ },
  { name: '§10.5 zeros behind a microsecond are not', setup: [column('timestamp')], call: insert('"2020-01-01T02:03:04.1234560"'), warning: false },
  { name: '§10.5 nothing else is', setup: [column('timestamp')], call: insert('"2020-01-01"'), warning: false, result: { records: absent } },
]

// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { exactly } from './match.ts'

const declare = (...names: unknown[]): Call => ['create', { fields: names.map((id) => ({ id, type: 'text' })) }]
const invalid = (name: string) => ({ error: { fields: [{ id: [`"${name}" is not a valid field name`] }] } })

const system: readonly ContractCase[] = [
  { name: '§4.1 _id counts from 1, is int and comes first', setup: [table('a text', [{ a: 'x' }, { a: 'y' }])], call: ['search'], fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'text' }], records: [{ _id: 1, a: 'x' }, { _id: 2, a: 'y' }], text: /"records": ?\[\{"_id":1,"a":"x"\}/, smoke: true },
  { name: '§4.1 _id is never given twice', setup: [table('a int', [{ a: 1 }, { a: 2 }, { a: 3 }]), ['delete', { filters: { a: [2, 3] } }], ['upsert', { method: 'insert', records: [{ a: 4 }] }]], call: ['search'], records: [{ _id: 1, a: 1 }, { _id: 4, a: 4 }] },
  { name: '§4.1 _id is never given twice, all rows deleted', setup: [table('a int', [{ a: 1 }]), ['delete', { filters: {} }], ['create', { records: [{ a: 2 }] }]], call: ['search'], records: [{ _id: 2, a: 2 }] },
  { name: '§4.1 _id is not in info', setup: [table('a int')], call: ['info'], result: { fields: (list: { id: string }[]) => list.every(({ id }) => id !== '_id') } },
  { name: '§4.1 no _updated_at unless asked for', setup: [table('a int', [{ a: 1 }])], call: ['search', { fields: '_updated_at' }], error: { fields: ['invalid value "_updated_at"'] } },
  { name: '§4.1 INCLUDE_UPDATED_AT: in UTC, last', env: { INCLUDE_UPDATED_AT: 'true' }, setup: [table('a int', [{ a: 1 }])], call: ['search'], fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'int4' }, { id: '_updated_at', type: 'timestamptz' }], result: { records: [{ _updated_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/ }] } },
  { name: '§4.1 no _full_text anywhere', setup: [table('a text', [{ a: 'x' }])], call: ['search_sql', { sql: 'SELECT * FROM "$id"' }], result: { fields: [{ id: '_id' }, { id: 'a' }] } },
]

const names: readonly ContractCase[] = [
  ...['_a', '_', ' a', 'a ', '\u00a0a', 'a\u3000', 'a"b', 'a\tb', 'a\nb', 'a\u0000b', 'a\u200bb', '\u0085a'].map((name): ContractCase => ({
    name: `§4.2 the field name ${JSON.stringify(name)} is refused`,
    call: declare(name),
    ...invalid(name),
  })),
  { name: '§4.2 an empty field name is refused', call: declare(''), error: { fields: [{ id: ['Missing value'] }] } },
  { name: '§4.2 a field without a name is refused', call: ['create', { fields: [{ type: 'text' }] }], error: { fields: [{ id: ['Missing value'] }] } },
  { name: '§4.2 mistakes are aligned with the request', call: declare('a', '_x'), error: { fields: [exactly({}), { id: ['"_x" is not a valid field name'] }] }, smoke: true },
  ...['100%', 'a.b', 'a/b', '$a', 'a b', 'größe', '木', '2020', "a'b", 'a,b', 'a;b', 'select', 'rowid', 'a\\b', '{a}', 'a$1b', 'a?b', '-a', 'a:b'].map((name): ContractCase => ({
    name: `§4.2 the field name ${JSON.stringify(name)} works everywhere`,
    setup: [['create', { fields: [{ id: name, type: 'text' }], records: [{ [name]: 'x' }, { [name]: 'y' }] }]],
    call: ['search', { filters: { [name.startsWith('$') ? `$${name}` : name]: 'x' }, sort: [`"${name}"`], fields: [name] }],
    records: [{ [name]: 'x' }],
    then: [
      [['search_sql', { sql: `SELECT "${name}" FROM "$id" WHERE "${name}" = 'y'` }], { records: [{ [name]: 'y' }] }],
      [`GET /datastore/dump/$id?format=ndjson&fields=${encodeURIComponent(`"${name}"`)}`, { text: `${JSON.stringify({ [name]: 'x' })}\n${JSON.stringify({ [name]: 'y' })}\n` }],
      [['delete', { filters: { [name.startsWith('$') ? `$${name}` : name]: 'x' } }], {}],
      [['search', { include_total: true, limit: 0 }], { result: { total: 1 } }],
    ],
  })),
  {
    name: '§4.2 columns called as members of an object are',
    setup: [['create', { fields: 'constructor,toString,valueOf'.split(',').map((id) => ({ id, type: 'numeric' })), primary_key: 'constructor', records: [{ constructor: 1, toString: 2, valueOf: 3 }] }]],
    call: ['upsert', { records: [{ constructor: 2.5, toString: 0.25 }] }],
    then: [
      [['search', { filters: { constructor: 2.5 }, sort: 'toString desc' }], { records: [{ _id: 2, constructor: 2.5, toString: 0.25, valueOf: null }] }],
      [['search', { distinct: true, fields: 'valueOf', sort: 'valueOf' }], { records: [{ valueOf: 3 }, { valueOf: null }] }],
    ],
  },
  { name: '§1.4 a name or a type that is no text', call: ['create', { fields: [{ id: { x: 1 }, type: 'int' }] }], error: { fields: [{ id: ['"{"x":1}" is not a valid field name'] }] }, then: [[['create', { fields: [{ id: ['a', 'b'] }] }], { error: { fields: [{ id: ['"["a","b"]" is not a valid field name'] }] } }], [['create', { fields: [{ id: 'a', type: ['int'] }] }], { error: { fields: ['"["int"]" is not a valid field type'] } }], [['create', { schema: { fields: [{ name: 'a', type: ['integer'] }] } }], { error: { schema: [/^fields\[0\]\.type must be one of .*not \["integer"\]$/] } }]] },
  { name: '§4.2 a mistaken info is aligned with the request', call: ['create', { fields: [{ id: 'a', type: 'int' }, { id: 'b', type: 'int', info: 'x' }] }], error: { fields: [exactly({}), { info: ['Must be a dict'] }] } },
  { name: '§4.2 64 characters are too many for a new table', call: declare('x'.repeat(64)), error: { fields: [`Column heading "${'x'.repeat(64)}" exceeds limit of 63 characters.`] } },
  { name: '§4.2 63 characters are fine', call: declare('ä'.repeat(63)), result: { fields: [{ id: 'ä'.repeat(63) }] } },
  { name: '§4.2 64 characters are fine in an alteration', setup: [declare('a')], call: declare('a', 'x'.repeat(64)) },
  { name: '§4.2 a number as a name', call: declare(5), then: [[['search'], { fields: [{ id: '_id', type: 'int' }, { id: '5', type: 'text' }] }]] },
  { name: '§4.2 duplicates', call: declare('a', 'a'), error: { field: ['Duplicate column names are not supported'] } },
  { name: '§4.2 names that differ in case alone', call: declare('a', 'A'), then: [[['search'], { fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'text' }, { id: 'A', type: 'text' }] }]] },
  { name: '§4.2 names of undeclared keys are checked', call: ['create', { records: [{ _x: 1 }] }], error: { fields: [{ id: ['"_x" is not a valid field name'] }] } },
  ...['a%b', '_a', 'a"b', ' a'].map((alias): ContractCase => ({
    name: `§4.2 the alias ${JSON.stringify(alias)} is refused`,
    call: ['create', { fields: [{ id: 'a', type: 'int' }], aliases: [alias] }],
    error: { alias: [`"${alias}" is not a valid alias name`] },
  })),
  ...['.', '..', 'query', 'pg_a', '_a', 'a"b', ' a'].map((id): ContractCase => ({
    name: `§4.2 the resource id ${JSON.stringify(id)} is refused`,
    call: ['create', { resource_id: id, fields: [{ id: 'a', type: 'int' }] }],
    error: { resource_id: [`"${id}" can't name a table here`] },
  })),
]

/** Declared type, what search and dump report, what info reports, its native type. */
const types: readonly (readonly [string, string, string, string])[] = [
  ['int', 'int4', 'int4', 'integer'], ['integer', 'int4', 'int4', 'integer'], ['int4', 'int4', 'int4', 'integer'], ['INT', 'int4', 'int4', 'integer'],
  ['smallint', 'int2', 'int2', 'smallint'], ['bigint', 'int8', 'int8', 'bigint'], ['int8', 'int8', 'int8', 'bigint'],
  ['float', 'float8', 'float8', 'double precision'], ['float8', 'float8', 'float8', 'double precision'], ['double precision', 'float8', 'float8', 'double precision'],
  ['real', 'float4', 'float4', 'real'], ['numeric', 'numeric', 'numeric', 'numeric'], ['decimal', 'numeric', 'numeric', 'numeric'], ['numeric(10,2)', 'numeric', 'numeric', 'numeric'],
  ['bool', 'bool', 'bool', 'boolean'], ['boolean', 'bool', 'bool', 'boolean'], ['text', 'text', 'text', 'text'], ['TEXT', 'text', 'text', 'text'],
  ['varchar', 'varchar', 'varchar', 'character varying'], ['varchar(10)', 'varchar', 'varchar', 'character varying'], ['character varying(3)', 'varchar', 'varchar', 'character varying'],
  ['char(3)', 'bpchar', 'bpchar', 'character'], ['date', 'date', 'date', 'date'], ['time', 'time', 'time', 'time without time zone'],
  ['timestamp', 'timestamp', 'timestamp', 'timestamp without time zone'], ['timestamp without time zone', 'timestamp', 'timestamp', 'timestamp without time zone'],
  ['timestamptz', 'timestamptz', 'timestamptz', 'timestamp with time zone'], ['timestamp with time zone', 'timestamptz', 'timestamptz', 'timestamp with time zone'],
  ['json', 'json', 'json', 'json'], ['jsonb', 'jsonb', 'jsonb', 'jsonb'], ['uuid', 'uuid', 'uuid', 'uuid'], ['interval', 'interval', 'interval', 'interval'],
  ['bytea', 'bytea', 'bytea', 'bytea'], ['inet', 'inet', 'inet', 'inet'],
  ['text[]', '_text', '_text', 'text[]'], ['_text', '_text', '_text', 'text[]'], ['int[2]', '_int4', '_int4', 'integer[]'], ['_int4', '_int4', '_int4', 'integer[]'],
  ['numeric[]', '_numeric', '_numeric', 'numeric[]'], ['timestamp[]', '_timestamp', '_timestamp', 'timestamp without time zone[]'],
]

const declaredTypes: readonly ContractCase[] = [
  ...types.map(([declared, reported, inInfo, native]): ContractCase => ({
    name: `§4.3 ${declared} is reported as ${reported}`,
    call: ['create', { fields: [{ id: 'a', type: declared }] }],
    fields: [{ id: 'a', type: declared }],
    then: [
      [['search'], { fields: [{ id: '_id', type: 'int' }, { id: 'a', type: reported }] }],
      [['info'], { result: { fields: [{ id: 'a', type: inInfo, schema: { native_type: native } }] } }],
    ],
  })),
  ...['string', 'number', 'datetime', 'object', 'any', 'geojson', 'INVALID', 'int(3)', 'text; drop', 'year', 'yearmonth', 'duration', ''].map((type): ContractCase => ({
    name: `§4.3 the type ${JSON.stringify(type)} is refused`,
    call: ['create', { fields: [{ id: 'a', type }] }],
    error: { fields: [`"${type}" is not a valid field type`] },
  })),
  { name: '§4.3 info stays with its field, and no other key', call: ['create', { fields: [{ id: 'a', type: 'text', info: { label: 'A', x: [1, { y: null }] } }] }], then: [[['search'], { fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'text', info: { label: 'A', x: [1, { y: null }] } }] }], ['GET /datastore/dump/$id?format=json', { text: /"fields": \[\{"id":"_id","type":"int"\},\{"id":"a","type":"text","info":\{"label":"A","x":\[1,\{"y":null\}\]\}\}\]/ }]], smoke: true },
  { name: '§4.3 no info in SQL', setup: [['create', { fields: [{ id: 'a', type: 'text', info: { label: 'A' } }] }]], call: ['search_sql', { sql: 'SELECT _id, a FROM "$id"' }], fields: [{ id: '_id', type: 'int4' }, { id: 'a', type: 'text' }] },
  { name: '§4.3 columns come as declared, then as found in the first record', setup: [['create', { fields: [{ id: 'z', type: 'int' }, { id: 'a', type: 'int' }], records: [{ y: 1, a: 1, b: 2 }] }]], call: ['search'], fields: [{ id: '_id', type: 'int' }, { id: 'z', type: 'int4' }, { id: 'a', type: 'int4' }, { id: 'y', type: 'int4' }, { id: 'b', type: 'int4' }] },
  { name: '§4.3 fields in the order asked for', setup: [table('a int, b int, c int', [{ a: 1, b: 2, c: 3 }])], call: ['search', { fields: 'c,_id,a' }], fields: [{ id: 'c', type: 'int4' }, { id: '_id', type: 'int' }, { id: 'a', type: 'int4' }], text: /\{"c":3,"_id":1,"a":1\}/ },
]

/** The first record's value, and the type that is guessed. */
const guesses: readonly (readonly [unknown, string])[] = [
  [{ a: 1 }, 'json'], [[1], 'json'], [7, 'int4'], [1.5, 'float8'], ['7', 'int4'], [' 7 ', 'int4'], ['+5', 'int4'], ['1.5', 'numeric'], ['1e5', 'numeric'],
  ['2020-01-02', 'timestamp'], ['2020-01-02 03:04:05', 'timestamp'], ['2020-01-02T03:04:05', 'timestamp'], ['2020-01-02T03:04:05Z', 'timestamp'],
  ['01/02/2020', 'timestamp'], ['12/31/2020', 'timestamp'], ['01-02-2020', 'timestamp'], ['2020-01-02T03:04:05.1', 'text'], ['2020-13-02', 'text'],
  ['x', 'text'], [null, 'text'], ['', 'text'], ['true', 'text'],
]

const guessing: readonly ContractCase[] = [
  ...guesses.map(([value, type]): ContractCase => ({
    name: `§4.4 ${JSON.stringify(value)} is guessed ${type}`,
    setup: [['create', { records: [{ a: value }] }]],
    call: ['search'],
    fields: [{ id: '_id', type: 'int' }, { id: 'a', type }],
  })),
  { name: '§4.4 a declared field without a type', call: ['create', { fields: [{ id: 'a' }, { id: 'b', type: null }], records: [{ a: '1.5', b: 7 }] }], fields: [{ id: 'a', type: 'numeric' }, { id: 'b', type: 'int' }], smoke: true },
  { name: '§4.4 not guessable: no records', call: ['create', { fields: [{ id: 'x' }] }], error: { fields: ['"x" type not guessable'] } },
  { name: '§4.4 not guessable: not in the first record', call: ['create', { fields: [{ id: 'x' }], records: [{ a: 1 }, { x: 1 }] }], error: { fields: ['"x" type not guessable'] } },
  { name: '§4.4 only the first record counts', call: ['create', { records: [{ a: 7 }, { a: 'x' }] }], error: { records: ['invalid input syntax for type integer: "x"'], records_row: 1 } },
  { name: '§4.4 int beyond int4 (ours)', setup: [['create', '{"resource_id": "$id", "records": [{"a": 9007199254740993}]}']], call: ['search'], fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'int8' }], text: /"a":9007199254740993/ },
  { name: '§4.4 a boolean (ours: bool)', setup: [['create', { records: [{ a: true }] }]], call: ['search'], records: [{ _id: 1, a: true }] },
]

/** Contract §4.1 to §4.4: columns, their names and types. */
export const dataModel: readonly ContractCase[] = [...system, ...names, ...declaredTypes, ...guessing]

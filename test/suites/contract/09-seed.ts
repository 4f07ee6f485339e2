// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const schema = (fields: object[], more: object = {}): Call => ['create', { schema: { fields, ...more } }]
const insert = (...records: object[]): Call => ['upsert', { method: 'insert', records }]
const info = (schemaFields: unknown): readonly [Call, object] => [['info'], { result: { schema: { fields: schemaFields } } }]

/** Frictionless type, CKAN's name of the column, a value, and how it comes back. */
const types: readonly (readonly [string, string, unknown, unknown])[] = [
  ['integer', 'int8', 7, 7], ['number', 'numeric', 1.5, 1.5], ['boolean', 'bool', true, true], ['string', 'text', 'x', 'x'], ['date', 'date', '2020-01-02', '2020-01-02'],
  ['time', 'timetz', '10:05:00+00', '10:05:00+00'], ['datetime', 'timestamptz', '2020-01-02T03:04:05Z', '2020-01-02T03:04:05+00:00'],
  ['object', 'jsonb', { a: 1 }, { a: 1 }], ['array', 'jsonb', [1], [1]], ['geojson', 'jsonb', { type: 'Point', coordinates: [1, 2] }, { type: 'Point', coordinates: [1, 2] }],
  ['geopoint', 'text', '1,2', '1,2'], ['any', 'text', 'x', 'x'],
]

const whole = {
  fields: [
    { name: 'species', type: 'string', title: 'Species', description: 'Its name', constraints: { required: true, maxLength: 20 }, 'x-unit': { of: ['nothing'] } },
    { name: 'height', type: 'number', decimalChar: '.', constraints: { minimum: 0 } },
    { name: 'note' },
  ],
  primaryKey: ['species'],
  missingValues: ['', '-'],
  foreignKeys: [{ fields: 'species', reference: { resource: 'list', fields: 'name' } }],
  'x-license': 'CC0',
}

const declared: readonly ContractCase[] = [
  { name: '§9.2 schema in, schema out', call: ['create', { schema: whole }], result: { schema: exactly(whole), primary_key: ['species'], fields: [{ id: 'species', type: 'text' }, { id: 'height', type: 'numeric' }, { id: 'note', type: 'text' }] }, warning: /foreignKeys/, then: [[['info'], { result: { schema: exactly(whole) } }]], smoke: true },
  { name: '§9.2 fields is deprecated', call: ['create', { fields: [{ id: 'a', type: 'int' }] }], warning: /^'fields' is deprecated — use 'schema' \(Frictionless Table Schema\) instead\.$/ },
  { name: '§9.2 schema is not', call: schema([{ name: 'a', type: 'integer' }]), warning: false },
  { name: '§9.2 schema and fields', call: ['create', { schema: { fields: [] }, fields: [] }], error: { schema: [/not both/] } },
  { name: '§9.2 schema and primary_key', call: ['create', { schema: { fields: [] }, primary_key: 'a' }], error: { primary_key: [/not allowed with 'schema'/] } },
  { name: '§9.2 primaryKey as one name', call: schema([{ name: 'a', type: 'integer' }], { primaryKey: 'a' }), result: { schema: { primaryKey: 'a' }, primary_key: exactly(['a']) }, then: [[['info'], { result: { schema: { primaryKey: 'a' }, meta: { primary_key: exactly(['a']) } } }], [['create', { primary_key: 'b', fields: [{ id: 'b', type: 'int' }] }], { result: { schema: { primaryKey: exactly(['b']) } } }], [['create', { primary_key: '' }], { result: { schema: { primaryKey: absent } } }]] },
  { name: '§9.2 an empty primaryKey', call: schema([{ name: 'a', type: 'integer' }], { primaryKey: [] }), result: { schema: { primaryKey: exactly([]) }, primary_key: exactly([]) } },
  { name: '§9.2 primaryKey of several', setup: [schema([{ name: 'a', type: 'integer' }, { name: 'b', type: 'integer' }], { primaryKey: ['a', 'b'] }), insert({ a: 1, b: 1 })], call: ['upsert', { records: [{ a: 1, b: 2 }, { a: 1, b: 1 }] }], then: [[['search', { limit: 0 }], { result: { total: 2 } }]] },
  { name: '§9.2 primaryKey of an unknown field', call: schema([{ name: 'a', type: 'integer' }], { primaryKey: 'b' }), error: { index: [/'b'/] } },
  { name: '§9.2 schema as JSON text', call: ['create', { schema: '{"fields": [{"name": "a", "type": "integer"}]}' }], fields: [{ id: 'a', type: 'int8' }] },
  ...[7, [], { fields: {} }, {}, { fields: [7] }, { fields: [{}] }, { fields: [{ name: 'a', type: 'year' }] }, { fields: [{ name: 'a', type: 'duration' }] }, { fields: [{ name: 'a', constraints: [] }] }].map((bad): ContractCase => ({
    name: `§9.2 the schema ${JSON.stringify(bad)} is refused`,
    call: ['create', { schema: bad }],
    status: 409,
    type: 'Validation Error',
  })),
  { name: '§9.3 _id is no field name', call: schema([{ name: '_id', type: 'integer' }]), error: { fields: [{ id: [/_id/] }] } },
  ...types.map(([type, ckan, value, shown]): ContractCase => ({
    name: `§9.3 ${type} is ${ckan}`,
    setup: [schema([{ name: 'a', type }]), insert({ a: value })],
    call: ['search'],
    fields: [{ id: '_id', type: 'int' }, { id: 'a', type: ckan }],
    records: [{ _id: 1, a: shown }],
    result: { schema: { fields: [{ name: '_id', type: 'integer' }, { name: 'a', type }] } },
  })),
  { name: '§9.3 fields make a schema', call: ['create', { fields: ['int', 'numeric', 'float8', 'bool', 'text', 'date', 'time', 'timestamp', 'timestamptz', 'json', 'uuid', 'text[]'].map((type, at) => ({ id: `c${at}`, type })) }], result: { schema: { fields: ['integer', 'number', 'number', 'boolean', 'string', 'date', 'time', 'datetime', 'datetime', 'object', 'string', 'array'].map((type, at) => ({ name: `c${at}`, type })) } } },
  { name: '§9.3 info is folded into the schema', call: ['create', { fields: [{ id: 'a', type: 'text', info: { title: 'A', description: 'B', type: 'no', unit: 'm', label: 'C' } }] }], then: [info([exactly({ name: 'a', type: 'string', title: 'A', description: 'B', unit: 'm', label: 'C' })]), [['info'], { result: { fields: [{ info: exactly({ title: 'A', description: 'B', type: 'no', unit: 'm', label: 'C' }) }] } }]] },
  { name: '§9.3 a schema makes info', call: schema([{ name: 'a', type: 'string', title: 'A', unit: 'm' }]), then: [[['search'], { result: { fields: [{}, { info: exactly({ title: 'A', unit: 'm' }) }] } }]] },
  { name: '§9.6 schema is projected and keeps primaryKey', setup: [schema([{ name: 'a', type: 'integer' }, { name: 'b', type: 'string' }], { primaryKey: 'a' })], call: ['search', { fields: '_id,b' }], result: { schema: { fields: exactly([{ name: '_id', type: 'integer' }, { name: 'b', type: 'string' }]), primaryKey: 'a' } }, smoke: true },
  { name: '§9.6 records_format is echoed', setup: [table('a int')], call: ['search'], result: { records_format: 'objects' } },
  { name: '§9.8 meta of the seed', setup: [table('a int', [{ a: 1 }], { primary_key: 'a' })], call: ['info'], result: { meta: { resource_id: '$id', total: 1, primary_key: exactly(['a']) }, schema: { primaryKey: exactly(['a']) } }, smoke: true },
]

const widened: readonly ContractCase[] = [
  { name: '§9.2 re-declared: integer becomes number', setup: [schema([{ name: 'a', type: 'integer' }]), insert({ a: 7 })], call: schema([{ name: 'a', type: 'number' }]), then: [[insert({ a: 1.5 }), {}], [['search'], { records: [{ _id: 1, a: 7 }, { _id: 2, a: 1.5 }], fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'numeric' }] }]] },
  { name: '§9.2 re-declared: date becomes datetime', setup: [schema([{ name: 'a', type: 'date' }]), insert({ a: '2020-01-02' })], call: schema([{ name: 'a', type: 'datetime' }]), then: [[['search'], { records: [{ _id: 1, a: '2020-01-02T00:00:00+00:00' }] }]] },
  ...[['string', 'any'], ['any', 'string'], ['geopoint', 'string'], ['string', 'geopoint'], ['object', 'array'], ['array', 'geojson'], ['geojson', 'object']].map(([from, to]): ContractCase => ({
    name: `§9.2 re-declared: ${from} becomes ${to}, stored alike`,
    setup: [schema([{ name: 'a', type: from }])],
    call: schema([{ name: 'a', type: to }]),
    then: [info([{ name: 'a', type: to }])],
  })),
  ...[['number', 'integer'], ['string', 'integer'], ['integer', 'string'], ['datetime', 'date'], ['string', 'object'], ['boolean', 'integer'], ['date', 'string'], ['time', 'datetime']].map(([from, to]): ContractCase => ({
    name: `§9.2 re-declared: ${from} can't become ${to}`,
    setup: [schema([{ name: 'a', type: from }])],
    call: schema([{ name: 'a', type: to }, { name: 'b', type: 'string' }]),
    status: 409,
    type: 'Conflict Error',
    then: [info([{ name: 'a', type: from }])],
  })),
  { name: '§9.2 re-declared: new columns are added, omitted ones kept, rows appended', setup: [schema([{ name: 'a', type: 'integer' }]), insert({ a: 1 })], call: ['create', { schema: { fields: [{ name: 'b', type: 'string' }] }, records: [{ a: 2, b: 'x' }] }], then: [[['search'], { records: [{ _id: 1, a: 1, b: null }, { _id: 2, a: 2, b: 'x' }] }]] },
]

const health: readonly ContractCase[] = [
  { name: '§9.10 /', call: 'GET /', body: { success: true, result: { message: 'Datastore API' } } },
  { name: '§9.10 / says APP_MESSAGE', env: { APP_MESSAGE: 'Trees and more' }, call: 'GET /', body: { result: { message: 'Trees and more' } } },
  { name: '§9.10 /health', call: 'GET /health', body: { success: true, result: exactly({ status: 'ok' }) }, smoke: true },
  { name: '§9.10 /ready', call: 'GET /ready', body: { success: true, result: exactly({ status: 'ready' }) } },
  { name: '§9.10 /api/3/action/health', call: 'GET /api/3/action/health', body: { result: { status: 'ok' } } },
  { name: '§9.10 /api/3/action/ready', call: 'GET /api/3/action/ready', body: { result: { status: 'ready' } } },
  { name: '§9.10 /api/3/action/ itself', call: 'GET /api/3/action/', status: 404, body: { error: { __type: 'Not Found Error', message: (text: unknown) => text !== absent } } },
]

/** Contract §9: what the seed adds, where §10.2 takes it over. */
export const seed: readonly ContractCase[] = [...declared, ...widened, ...health]

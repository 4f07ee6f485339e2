// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const two = table('a int, b text', [{ a: 1, b: 'x' }, { a: 2, b: 'y' }])
const keyed = table('a int, b text', [{ a: 1, b: 'x' }, { a: 2, b: 'y' }], { primary_key: 'a' })
const total = (count: number): readonly [Call, object] => [['search', { limit: 0 }], { result: { total: count } }]
const columns = (...names: string[]): readonly [Call, object] => [['search', { limit: 0 }], { result: { fields: ['_id', ...names].map((id) => ({ id })) } }]

const made: readonly ContractCase[] = [
  { name: '§8.1 the result', call: ['create', { fields: [{ id: 'species', type: 'text' }, { id: 'tags', type: 'json' }], primary_key: 'species', records: [{ species: 'oak', tags: [1] }] }], result: { resource_id: '$id', fields: exactly([{ id: 'species', type: 'text' }, { id: 'tags', type: 'json' }]), primary_key: ['species'], delete_fields: false, calculate_record_count: 'background', method: 'insert', id: absent, force: absent, include_records: absent, connection_url: absent, records: absent }, smoke: true },
  { name: '§8.1 nothing at all makes an empty table', call: ['create'], result: { resource_id: '$id', fields: absent }, then: [[['search'], { records: [], fields: [{ id: '_id', type: 'int' }], result: { total: 0 } }]] },
  { name: '§8.1 fields alone', call: ['create', { fields: [{ id: 'a', type: 'int' }] }], then: [total(0), columns('a')] },
  { name: '§8.1 records alone', call: ['create', { records: [{ a: 1, b: 'x' }] }], result: { fields: absent }, then: [total(1), columns('a', 'b')] },
  { name: '§8.1 undeclared keys of the first record become columns', call: ['create', { fields: [{ id: 'a', type: 'int' }], records: [{ a: 1, b: 'x' }, { b: 'y' }] }], fields: [{ id: 'a', type: 'int' }], then: [columns('a', 'b'), total(2)] },
  { name: '§8.1 a key among undeclared columns', call: ['create', { records: [{ a: 1, b: 'x' }], primary_key: 'a' }], then: [[['upsert', { records: [{ a: 1, b: 'y' }] }], {}], [['search'], { records: [{ _id: 1, a: 1, b: 'y' }] }]] },
  { name: '§8.1 records are appended', setup: [two], call: ['create', { records: [{ a: 3 }] }], then: [total(3)] },
  { name: '§8.1 include_records: stored rows with _id', call: ['create', { fields: [{ id: 'a', type: 'int' }, { id: 'j', type: 'json' }], records: [{ a: '7', j: { x: 1 } }, {}], include_records: true }], records: [{ _id: 1, a: 7, j: { x: 1 } }, { _id: 2, a: null, j: null }] },
  { name: '§8.1 include_records on an existing table: only the new ones', setup: [two], call: ['create', { records: [{ a: 3, b: 'z' }], include_records: true }], records: [{ _id: 3, a: 3, b: 'z' }] },
  { name: '§8.1 include_records without records', setup: [two], call: ['create', { include_records: true }], records: [] },
  { name: '§8.1 aliases, indexes and calculate_record_count are echoed', call: ['create', { fields: [{ id: 'a', type: 'int' }], aliases: ['$id-x'], indexes: 'a', calculate_record_count: false }], result: { aliases: ['$id-x'], indexes: 'a', calculate_record_count: false }, then: [[['create', { aliases: '$id-y, $id-z' }], { result: { aliases: '$id-y, $id-z', indexes: absent } }]] },
  { name: '§8.1 unknown parameters are ignored and echoed under __extras', call: ['create', { fields: [{ id: 'a', type: 'int' }], nonsense: 1 }], result: { __extras: { nonsense: 1 } }, warning: /"nonsense"/ },
  { name: '§8.1 unknown keys of a field are no error', call: ['create', { fields: [{ id: 'a', type: 'int', strip_extra_white: true }] }] },
  { name: '§8.1 neither resource nor resource_id', call: { line: 'POST /api/3/action/datastore_create {"fields": []}' }, error: { resource_id: ['resource_id or resource required'] } },
  { name: '§8.1 both', call: ['create', { resource_id: 'x', resource: { package_id: 'p' } }], error: { resource: ['resource cannot be used with resource_id'] } },
  { name: '§8.1 resource without package_id', call: ['create', { resource: {} }], error: { package_id: ['Missing value'] } },
  { name: '§8.1 triggers are for PostgreSQL', call: ['create', { fields: [{ id: 'a', type: 'int' }], triggers: [{ function: 'f' }] }], status: 501, type: 'Not Implemented', then: [[['search'], { status: 404 }]] },
  { name: '§8.1 no triggers are no trouble', call: ['create', { fields: [{ id: 'a', type: 'int' }], triggers: [] }] },
]

const altered: readonly ContractCase[] = [
  { name: '§8.1 new declared columns are added', setup: [two], call: ['create', { fields: [{ id: 'a', type: 'int' }, { id: 'b', type: 'text' }, { id: 'c', type: 'date' }] }], then: [columns('a', 'b', 'c'), [['search', { fields: 'c' }], { records: [{ c: null }, { c: null }] }]] },
  { name: '§8.1 new keys of the first record are added', setup: [two], call: ['create', { records: [{ a: 3, c: 1.5 }] }], then: [columns('a', 'b', 'c'), total(3)] },
  { name: '§8.1 omitted fields stay', setup: [two], call: ['create', { fields: [{ id: 'c', type: 'int' }] }], then: [columns('a', 'b', 'c')] },
  { name: '§8.1 a field that is omitted but in the first record', setup: [two], call: ['create', { fields: [{ id: 'c', type: 'int' }], records: [{ a: 5, c: 6 }] }], then: [columns('a', 'b', 'c'), total(3)] },
  { name: '§8.1 delete_fields drops what is not listed', setup: [two], call: ['create', { fields: [{ id: 'b', type: 'text' }], delete_fields: true }], result: { delete_fields: true }, then: [columns('b'), total(2)] },
  { name: '§8.1 delete_fields without fields drops nothing', setup: [two], call: ['create', { delete_fields: true }], then: [columns('a', 'b')] },
  { name: '§8.1 delete_fields while there are aliases', setup: [two, ['create', { aliases: '$id-x' }]], call: ['create', { fields: [{ id: 'b', type: 'text' }], delete_fields: true }], then: [columns('b'), [['search', { resource_id: '$id-x' }], { result: { total: 2 } }]] },
  { name: '§8.1 info replaces the dictionary of the listed fields', setup: [['create', { fields: [{ id: 'a', type: 'int', info: { label: 'A', x: 1 } }, { id: 'b', type: 'int', info: { label: 'B' } }] }]], call: ['create', { fields: [{ id: 'a', type: 'int', info: { label: 'AA' } }] }], then: [[['info'], { result: { fields: [{ info: exactly({ label: 'AA' }) }, { info: exactly({ label: 'B' }) }] } }]] },
  { name: '§8.1 the dictionary survives deletion of all rows', setup: [['create', { fields: [{ id: 'a', type: 'int', info: { label: 'A' } }], records: [{ a: 1 }] }], ['delete', { filters: {} }], ['create', { records: [{ a: 2 }] }]], call: ['info'], result: { fields: [{ info: exactly({ label: 'A' }) }] } },
  { name: '§8.1 the type of a column does not change', setup: [two], call: ['create', { fields: [{ id: 'a', type: 'text' }] }], fields: [{ id: 'a', type: 'text' }], warning: /"a".*integer.*text/, then: [[['search', { limit: 0 }], { fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'int4' }, { id: 'b', type: 'text' }] }]] },
  { name: '§8.1 all or nothing', setup: [two], call: ['create', { fields: [{ id: 'c', type: 'int' }], aliases: '$id-x', records: [{ c: 1 }, { c: 'x' }] }], error: { records: ['invalid input syntax for type integer: "x"'], records_row: 1 }, then: [columns('a', 'b'), total(2), [['search', { resource_id: '$id-x' }], { status: 404 }]] },
  { name: '§8.1 a new table: all or nothing', call: ['create', { fields: [{ id: 'c', type: 'int' }], records: [{ c: 'x' }] }], error: { records: ['invalid input syntax for type integer: "x"'] }, then: [[['search'], { status: 404 }]] },
  { name: '§8.1 primary_key is a unique key', setup: [keyed], call: ['create', { records: [{ a: 2, b: 'z' }] }], error: { records: [/^duplicate key value violates unique constraint "/] }, then: [total(2)] },
  { name: '§8.1 primary_key absent is kept', setup: [keyed, ['create', { fields: [{ id: 'a', type: 'int' }] }]], call: ['upsert', { records: [{ a: 1, b: 'new' }] }], then: [total(2)] },
  { name: '§8.1 primary_key "" removes it', setup: [keyed, ['create', { primary_key: '' }]], call: ['upsert', { records: [{ a: 1 }] }], error: { table: ['unique key must be passed for update/upsert'] } },
  { name: '§8.1 primary_key [] removes it', setup: [keyed, ['create', { primary_key: [] }]], call: ['info'], result: { meta: { primary_key: exactly([]) } } },
  { name: '§8.1 primary_key is replaced', setup: [keyed, ['create', { primary_key: 'b' }]], call: ['upsert', { records: [{ a: 9, b: 'y' }] }], then: [[['search'], { records: [{ _id: 1, a: 1, b: 'x' }, { _id: 2, a: 9, b: 'y' }] }]] },
  { name: '§8.1 primary_key of several columns', setup: [table('a int, b int', [{ a: 1, b: 1 }], { primary_key: 'a, b' })], call: ['upsert', { records: [{ a: 1, b: 2 }, { a: 1, b: 1 }] }], then: [total(2)] },
  { name: '§8.1 null in a key is never equal', setup: [table('a int', [], { primary_key: 'a' })], call: ['create', { records: [{ a: null }, { a: null }] }], then: [total(2)] },
  { name: '§8.1 aliases absent are kept', setup: [table('a int', [], { aliases: '$id-x' }), ['create', { fields: [{ id: 'b', type: 'int' }] }]], call: ['search', { resource_id: '$id-x' }] },
  { name: '§8.1 aliases are replaced', setup: [table('a int', [], { aliases: '$id-x' }), ['create', { aliases: '$id-y' }]], call: ['search', { resource_id: '$id-x' }], status: 404, then: [[['search', { resource_id: '$id-y' }], {}]] },
  { name: '§8.1 aliases [] removes them', setup: [table('a int', [], { aliases: '$id-x' }), ['create', { aliases: [] }]], call: ['search', { resource_id: '$id-x' }], status: 404 },
  { name: '§8.1 an alias may move', setup: [table('a int', [], { aliases: '$id-x' }), ['create', { aliases: '' }], ['create', { resource_id: '$id-other', fields: [{ id: 'z', type: 'int' }], aliases: '$id-x' }]], call: ['search', { resource_id: '$id-x' }], result: { resource_id: '$id-other' } },
  ...['a', 'a,b', ['a'], [['a', 'b'], 'b'], ''].map((indexes): ContractCase => ({ name: `§8.1 indexes ${JSON.stringify(indexes)}`, setup: [two], call: ['create', { indexes }] })),
]

const mistakes: readonly ContractCase[] = [
  { name: '§8.1 the first record is no object', call: ['create', { records: ['a'] }], error: { records: ['The first row is not a json object'] }, smoke: true },
  { name: '§8.1 a later record is no object', call: ['create', { records: [{ a: 1 }, 7] }], error: { records: ['row "1" is not a json object'] } },
  { name: '§8.1 a later record has a key that is no column', call: ['create', { records: [{ a: 1 }, { a: 2, published: 3 }] }], error: { records: ['row "2" has extra keys "published"'] } },
  { name: '§8.1 a bad value names the row', call: ['create', { fields: [{ id: 'a', type: 'numeric' }], records: [{ a: 1 }, { a: '   ' }, { a: 2 }] }], error: { records: ['invalid input syntax for type numeric: "   "'], records_row: 1, records_column: 'a', message: /row 1, column "a"/ } },
  { name: '§8.1 a duplicate key', call: ['create', { fields: [{ id: 'a', type: 'int' }], primary_key: 'a', records: [{ a: 1 }, { a: 1 }] }], error: { records: [/^duplicate key value violates unique constraint ".+"$/], records_row: 1 } },
  { name: '§8.1 a key over existing duplicates', setup: [table('a int', [{ a: 1 }, { a: 1 }])], call: ['create', { primary_key: 'a' }], error: { constraints: ['Cannot insert records or create indexbecause of uniqueness constraint'] } },
  { name: '§8.1 an unknown index column', call: ['create', { fields: [{ id: 'a', type: 'int' }], indexes: 'dummy' }], error: { index: ['The field "dummy" is not a valid column name.'] } },
  { name: '§8.1 an unknown key column', call: ['create', { fields: [{ id: 'a', type: 'int' }], primary_key: 'dummy' }], error: { index: [`The field "['dummy']" is not a valid column name.`] } },
  { name: '§8.1 an alias that is a table', setup: [two, ['create', { resource_id: '$id-2', fields: [{ id: 'a', type: 'int' }] }]], call: ['create', { aliases: '$id-2' }], error: { alias: ['"$id-2" already exists'] } },
  { name: '§8.1 an alias that is taken', setup: [table('a int', [], { aliases: '$id-x' })], call: ['create', { resource_id: '$id-2', fields: [{ id: 'a', type: 'int' }], aliases: '$id-x' }], error: { alias: ['The alias "$id-x" already exists.'] }, then: [[['search', { resource_id: '$id-2' }], { status: 404 }]] },
  { name: '§8.1 records that are no list', call: ['create', { records: { a: 1 } }], error: { records: [/./] } },
  { name: '§8.1 records: null', call: ['create', { fields: [{ id: 'a', type: 'int' }], records: null }], result: { resource_id: '$id' } },
  { name: '§8.1 info that is no object', call: ['create', { fields: [{ id: 'a', type: 'int', info: 'x' }] }], error: { fields: (value: unknown) => Array.isArray(value) } },
]

/** Contract §8.1: datastore_create. */
export const create: readonly ContractCase[] = [...made, ...altered, ...mistakes]

// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const plain = table('a int, b text', [{ a: 1, b: 'x' }, { a: 2, b: 'y' }])
const keyed = table('a int, b text, c int', [{ a: 1, b: 'x', c: 10 }, { a: 2, b: 'y', c: 20 }], { primary_key: 'a' })
const put = (method: string, records: object[], more: object = {}): Call => ['upsert', { method, records, ...more }]
const rows = (...records: object[]): readonly [Call, object] => [['search'], { records }]
const first = { _id: 1, a: 1, b: 'x', c: 10 }
const second = { _id: 2, a: 2, b: 'y', c: 20 }
const unchanged = rows(first, second)

const effects: readonly ContractCase[] = [
  { name: '§8.2 the result', setup: [keyed], call: put('update', [{ a: 1, b: 'z' }]), result: exactly({ resource_id: '$id', method: 'update', calculate_record_count: 'background' }), smoke: true },
  { name: '§8.2 method only if sent', setup: [keyed], call: ['upsert', { records: [] }], result: { method: absent, dry_run: absent, records: absent } },
  { name: '§8.2 no records: nothing happens', setup: [keyed], call: ['upsert'], then: [unchanged] },
  { name: '§8.2 method "" does nothing', setup: [keyed], call: put('', [{ a: 9 }]), then: [unchanged] },
  { name: '§8.2 upsert is the default', setup: [keyed], call: ['upsert', { records: [{ a: 1, b: 'new' }, { a: 3, b: 'z' }] }], then: [rows({ ...first, b: 'new' }, second, { _id: 3, a: 3, b: 'z', c: null })] },
  { name: '§8.2 upsert keeps omitted columns', setup: [keyed], call: put('upsert', [{ a: 1, c: 11 }, { a: 2, b: 'w' }]), then: [rows({ ...first, c: 11 }, { ...second, b: 'w' })] },
  { name: '§8.2 upsert sets null', setup: [keyed], call: put('upsert', [{ a: 1, b: null }]), then: [rows({ ...first, b: null }, second)] },
  { name: '§8.2 update', setup: [keyed], call: put('update', [{ a: 2, b: 'w' }]), then: [rows(first, { ...second, b: 'w' })] },
  { name: '§8.2 insert needs no key', setup: [plain], call: put('insert', [{ a: 1 }]), then: [rows({ _id: 1, a: 1, b: 'x' }, { _id: 2, a: 2, b: 'y' }, { _id: 3, a: 1, b: null })] },
  { name: '§8.2 _id as key, without a unique key', setup: [plain], call: put('update', [{ _id: 2, b: 'w' }]), then: [rows({ _id: 1, a: 1, b: 'x' }, { _id: 2, a: 2, b: 'w' })] },
  { name: '§8.2 _id as text', setup: [plain], call: put('upsert', [{ _id: '2', b: 'w' }]), then: [rows({ _id: 1, a: 1, b: 'x' }, { _id: 2, a: 2, b: 'w' })] },
  { name: '§8.2 _id rather than the unique key', setup: [keyed], call: put('update', [{ _id: 2, a: 5 }]), then: [rows(first, { ...second, a: 5 })] },
  { name: '§8.2 _id alone, beside a unique key', setup: [keyed], call: put('upsert', [{ _id: 2, b: 'w' }]), then: [rows(first, { ...second, b: 'w' })] },
  { name: '§8.2 an unknown _id without the unique key is inserted', setup: [keyed], call: put('upsert', [{ _id: 5, b: 'w' }, { _id: 6, b: 'v' }]), then: [rows(first, second, { _id: 5, a: null, b: 'w', c: null }, { _id: 6, a: null, b: 'v', c: null })] },
  { name: '§8.2 records with and without _id in one call', setup: [keyed], call: put('upsert', [{ _id: 2, b: 'w' }, { a: 1, b: 'v' }]), then: [rows({ ...first, b: 'v' }, { ...second, b: 'w' })] },
  { name: '§8.2 an unknown _id is inserted with that _id, and no later one collides', setup: [plain], call: put('upsert', [{ _id: 7, a: 7 }]), then: [[put('insert', [{ a: 8 }]), {}], [['search', { fields: '_id,a', filters: { _id: { gt: 2 } } }], { records: [{ _id: 7, a: 7 }, { _id: 8, a: 8 }] }]] },
  { name: '§8.2 in order: a key changed by _id is free for the next record', setup: [keyed], call: put('upsert', [{ _id: 1, a: 5 }, { a: 1, b: 'new' }]), then: [rows({ ...first, a: 5 }, second, { _id: 3, a: 1, b: 'new', c: null })] },
  { name: '§8.2 in order: a key changed by _id is found by the next record', setup: [keyed], call: put('upsert', [{ _id: 1, a: 5 }, { a: 5, b: 'same' }], { include_records: true }), records: [{ ...first, a: 5, b: 'same' }], then: [rows({ ...first, a: 5, b: 'same' }, second)] },
  { name: '§8.2 in order: by the key first, then the key changes', setup: [keyed], call: put('update', [{ a: 1, b: 'new' }, { _id: 1, a: 5 }, { a: 2, b: 'w' }, { _id: 1, a: 6 }, { a: 6, c: 60 }]), then: [rows({ _id: 1, a: 6, b: 'new', c: 60 }, { ...second, b: 'w' })] },
  { name: '§8.2 in order: an update by a key that was changed away', setup: [keyed], call: put('update', [{ _id: 1, a: 5 }, { a: 1, b: 'new' }]), error: { key: [`key "{'a': '1'}" not found`] }, then: [unchanged] },
  { name: '§8.2 in order: a row that the call itself inserts, by its _id', setup: [keyed], call: put('upsert', [{ a: 3, b: 'z' }, { _id: 3, a: 4 }, { a: 4, c: 40 }]), then: [rows(first, second, { _id: 3, a: 4, b: 'z', c: 40 })] },
  { name: '§8.2 in order: dry_run and include_records say each row once', setup: [keyed], call: put('upsert', [{ _id: 1, a: 5 }, { a: 1 }, { a: 5, b: 'same' }], { dry_run: true, include_records: true }), records: [{ ...first, a: 5, b: 'same' }, { _id: 3, a: 1, b: null, c: null }], then: [unchanged] },
  { name: '§8.2 the same key twice: the last word wins', setup: [keyed], call: put('upsert', [{ a: 3, b: 'one', c: 1 }, { a: 3, b: 'two' }]), then: [rows(first, second, { _id: 3, a: 3, b: 'two', c: 1 })] },
  { name: '§8.2 the same key twice in an update', setup: [keyed], call: put('update', [{ a: 1, b: 'one' }, { a: 1, c: 7 }]), then: [rows({ ...first, b: 'one', c: 7 }, second)] },
  { name: '§8.2 an upsert that matches burns no _id', setup: [keyed, put('upsert', [{ a: 1 }, { a: 2 }])], call: put('insert', [{ a: 3 }]), then: [[['search', { filters: { a: 3 }, fields: '_id' }], { records: [{ _id: 3 }] }]] },
  { name: '§8.2 dry_run stores nothing', setup: [keyed], call: put('upsert', [{ a: 1, b: 'z' }, { a: 9 }], { dry_run: true }), result: { dry_run: true }, then: [unchanged, [['search', { limit: 0 }], { result: { total: 2 } }]] },
  { name: '§8.2 dry_run finds mistakes', setup: [keyed], call: put('insert', [{ a: 1 }], { dry_run: true }), error: { records: [/^duplicate key/] } },
  { name: '§8.2 dry_run with include_records', setup: [keyed], call: put('upsert', [{ a: 9 }], { dry_run: true, include_records: true }), records: [{ _id: 3, a: 9, b: null, c: null }], then: [unchanged] },
  { name: '§8.2 include_records: each row once, as it is now', setup: [keyed], call: put('upsert', [{ a: 2, b: 'w' }, { a: 3 }, { a: 2, c: 5 }], { include_records: true }), records: [{ _id: 2, a: 2, b: 'w', c: 5 }, { _id: 3, a: 3, b: null, c: null }] },
  { name: '§8.2 include_records of an insert', setup: [plain], call: put('insert', [{ a: '5' }], { include_records: true }), records: [{ _id: 3, a: 5, b: null }] },
  { name: '§8.2 include_records without records', setup: [plain], call: put('insert', [], { include_records: true }), records: [] },
  { name: '§8.2 a key of several columns', setup: [table('a int, b int, c int', [{ a: 1, b: 1, c: 1 }, { a: 1, b: 2, c: 2 }], { primary_key: ['a', 'b'] })], call: put('upsert', [{ a: 1, b: 2, c: 9 }]), then: [rows({ _id: 1, a: 1, b: 1, c: 1 }, { _id: 2, a: 1, b: 2, c: 9 })] },
  { name: '§8.2 a text for a number key', setup: [keyed], call: put('update', [{ a: '2', b: 'w' }]), then: [rows(first, { ...second, b: 'w' })] },
  { name: '§8.2 a key of numbers with digits after the point', setup: [table('a numeric, b int', [{ a: 1.5, b: 1 }], { primary_key: 'a' })], call: put('upsert', [{ a: '1.50', b: 2 }, { a: 1.25, b: 3 }]), then: [rows({ _id: 1, a: 1.5, b: 2 }, { _id: 2, a: 1.25, b: 3 })] },
]

const mistakes: readonly ContractCase[] = [
  { name: '§8.2 no unique key and no _id', setup: [plain], call: put('upsert', [{ a: 1 }]), error: { table: ['unique key must be passed for update/upsert'] }, smoke: true },
  { name: '§8.2 a key column is missing', setup: [keyed], call: put('upsert', [{ b: 'x' }]), error: { key: ['fields "a" are missing\n                            but needed as key'] } },
  { name: '§8.2 unknown column, upsert', setup: [keyed], call: put('upsert', [{ a: 1, dummy: 1 }]), error: { fields: ['fields "dummy" do not exist'] } },
  { name: '§8.2 unknown column, update', setup: [keyed], call: put('update', [{ a: 1, dummy: 1 }]), error: { fields: ['fields "dummy" do not exist'] } },
  { name: '§8.2 unknown column, insert', setup: [keyed], call: put('insert', [{ a: 9 }, { a: 1, dummy: 1 }]), error: { records: ['row "2" has extra keys "dummy"'] } },
  { name: '§8.2 _id in an insert is an extra key', setup: [keyed], call: put('insert', [{ _id: 9, a: 9 }]), error: { records: ['row "1" has extra keys "_id"'] } },
  { name: '§8.2 update, no such key', setup: [keyed], call: put('update', [{ a: 1, b: 'z' }, { a: 9, b: 'z' }]), error: { key: [/^key "\{'\w+': '9'\}" not found$/] }, then: [unchanged] },
  { name: '§8.2 update, no such _id', setup: [keyed], call: put('update', [{ _id: 9, b: 'z' }]), error: { key: [/9.*not found$/] }, then: [unchanged] },
  { name: '§8.2 duplicate on insert', setup: [keyed], call: put('insert', [{ a: 5 }, { a: 2 }]), error: { records: [/^duplicate key value violates unique constraint ".+"$/], records_row: 1 }, then: [unchanged] },
  { name: '§8.2 duplicate within an insert', setup: [keyed], call: put('insert', [{ a: 5 }, { a: 5 }]), error: { records: [/^duplicate key/], records_row: 1 }, then: [unchanged] },
  { name: '§8.2 an _id that makes a duplicate', setup: [keyed], call: put('update', [{ _id: 2, a: 1 }]), error: { records: [/^duplicate key/] }, then: [unchanged] },
  { name: '§8.2 wrong type: the row is exact', setup: [keyed], call: put('upsert', [{ a: 1 }, { a: 2, c: 'notanumber' }, { a: 3 }]), error: { records: ['invalid input syntax for type integer: "notanumber"'], records_row: 1, records_column: 'c' }, then: [unchanged] },
  { name: '§8.2 missing resource_id', call: { line: 'POST /api/3/action/datastore_upsert {"records": []}' }, error: { resource_id: ['Missing value'] } },
  { name: '§8.2 bad method', setup: [keyed], call: put('merge', []), error: { method: ["Value must be one of ['upsert', 'insert', 'update']"] } },
  { name: '§8.2 no table', call: put('insert', []), status: 404, error: { message: 'Not found: Resource "$id" was not found.' } },
  { name: '§8.2 records that are no list', setup: [keyed], call: ['upsert', { records: 'x' }], error: { records: [/./] } },
  { name: '§8.2 a record that is no object', setup: [keyed], call: ['upsert', { records: [{ a: 1 }, []] }], error: { records: ['row "1" is not a json object'] } },
  { name: '§8.2 a bad _id', setup: [keyed], call: put('upsert', [{ _id: 'x', a: 1 }]), error: { records: [/_id|integer|bigint/] } },
]

/** Contract §8.2: datastore_upsert. */
export const upsert: readonly ContractCase[] = [...effects, ...mistakes]

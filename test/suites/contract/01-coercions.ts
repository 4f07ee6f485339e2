// biome-ignore-all format: one case a line
import type { ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent } from './match.ts'

const SEARCH = 'GET /api/3/action/datastore_search?resource_id=$id'
const twice = table('a int', [{ a: 1 }, { a: 1 }])
const three = table('a int, b int', [{ a: 1, b: 2 }, { a: 1, b: 3 }, { a: 2, b: 1 }])

/** Values of a boolean, and what they are. */
const bools: readonly (readonly [unknown, boolean])[] = [
  [true, true], [false, false], [1, true], [2, true], [0, false], ['true', true], ['YES', true], ['t', true], ['Y', true], ['1', true],
  ['on', false], ['false', false], ['nonsense', false], [[], false], [{}, false],
]

const integers: readonly (readonly [string, unknown, string[]])[] = [
  ['limit', -1, ['Must be a natural number']],
  ['limit', '-1', ['Must be a natural number']],
  ['limit', 'x', ['Invalid integer', 'Please enter an integer value']],
  ['limit', '1.5', ['Invalid integer', 'Please enter an integer value']],
  ['limit', 1.5, ['Invalid integer']],
  ['limit', [], ['Invalid integer']],
  ['offset', 'x', ['Invalid integer']],
  ['offset', 1.5, ['Invalid integer']],
  ['offset', -1, ['invalid value "-1"']],
]

const lists: readonly (readonly [string, unknown, unknown])[] = [
  ['fields', 'b,a', ['b', 'a']],
  ['fields', ' b , a ', ['b', 'a']],
  ['fields', '"b", a', ['b', 'a']],
  ['fields', ['b', 'a'], ['b', 'a']],
  ['fields', ['"b"', 'a'], ['b', 'a']],
]

const record = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name === 'a' ? 1 : 2]))

/** Contract §1.4, §1.5: coercions and aliases of parameters. */
export const coercions: readonly ContractCase[] = [
  ...bools.map(([value, isTrue]): ContractCase => ({
    name: `§1.4 bool ${JSON.stringify(value)} is ${isTrue}`,
    setup: [twice],
    call: ['search', { distinct: value, fields: 'a' }],
    result: { distinct: isTrue, total: isTrue ? 1 : 2 },
  })),
  ...integers.map(([name, value, sentences]): ContractCase => ({
    name: `§1.4 ${name} ${JSON.stringify(value)}`,
    setup: [twice],
    call: ['search', { [name]: value }],
    error: { [name]: sentences },
  })),
  { name: '§1.4 integers as text', setup: [twice], call: `${SEARCH}&limit=1&offset=1`, result: { limit: 1, offset: 1 }, smoke: true },
  { name: '§1.4 blank limit and offset are absent', setup: [twice], call: `${SEARCH}&limit=&offset=`, result: { limit: 100, offset: 0 } },
  { name: '§1.4 limit of blanks is absent', setup: [twice], call: ['search', { limit: '  ' }], result: { limit: 100 } },
  { name: '§1.4 null is absent', setup: [twice], call: ['search', { limit: null, offset: null, filters: null, q: null, fields: null, sort: null, distinct: null, records_format: null, plain: null, language: null }], result: { limit: 100, total: 2, filters: absent, q: absent } },
  { name: '§1.4 null for a required one', call: ['search', { resource_id: null }], error: { resource_id: ['Missing value'] } },
  { name: '§1.4 empty for a required one', call: ['search', { resource_id: '' }], error: { resource_id: ['Missing value'] } },
  ...['background', true, 0, 'yes', 'f', ''].map((value): ContractCase => ({
    name: `§1.4 calculate_record_count ${JSON.stringify(value)}`,
    setup: [twice],
    call: ['upsert', { calculate_record_count: value }],
  })),
  { name: '§1.4 calculate_record_count, else', setup: [twice], call: ['upsert', { calculate_record_count: 'maybe' }], error: { calculate_record_count: ['Value must be boolean or one of: background'] } },
  { name: '§1.4 one of', setup: [twice], call: ['search', { records_format: 'xml' }], error: { records_format: ["Value must be one of ['objects', 'lists', 'csv', 'tsv']"] } },
  { name: '§1.4 one of, empty', setup: [twice], call: ['search', { records_format: '' }], result: { total: 2 } },
  { name: '§1.4 filters as JSON text', setup: [three], call: `${SEARCH}&filters={"a":2}`, result: { filters: { a: 2 } }, records: [{ _id: 3, a: 2, b: 1 }] },
  { name: '§1.4 filters that are no JSON', setup: [three], call: ['search', { filters: '{broken' }], error: { filters: ['Cannot parse JSON'] } },
  { name: '§1.4 filters empty', setup: [three], call: ['search', { filters: '' }], error: { filters: ['Cannot parse JSON'] } },
  ...lists.map(([name, value, names]): ContractCase => ({
    name: `§1.4 list ${JSON.stringify(value)}`,
    setup: [three],
    call: ['search', { [name]: value, limit: 1 }],
    records: [record(names as string[])],
  })),
  { name: '§1.4 list of a quoted name with a comma', setup: [table('a int'), ['create', { fields: [{ id: 'x, y', type: 'int' }] }]], call: ['search', { fields: '"x, y",a' }], fields: [{ id: 'x, y', type: 'int4' }, { id: 'a', type: 'int4' }] },
  { name: '§1.4 a list that is none', setup: [three], call: ['search', { fields: 7 }], error: { fields: ['Not a list'] } },
  ...([[null, 'None'], [true, 'True'], [{ a: 'b' }, "{'a': 'b'}"]] as const).map(([item, shown]): ContractCase => ({ name: `§1.4 a list with ${shown} in it`, setup: [three], call: ['search', { fields: ['_id', item] }], error: { fields: [`Neither a string nor a list: ${shown}`] } })),
  { name: '§1.4 a list with a number in it', setup: [three], call: ['search', { fields: [7] }], error: { fields: ['Neither a string nor a list: 7'] } },
  { name: '§1.4 sort as a list', setup: [three], call: ['search', { sort: ['a desc', 'b desc'], fields: 'b' }], records: [{ b: 1 }, { b: 3 }, { b: 2 }] },
  { name: '§1.4 q of a number is its text', setup: [three], call: ['search', { q: 3 }], result: { q: '3', total: 1 } },
  { name: '§1.4 resource_id of a number', setup: [['create', { resource_id: '77001', fields: [{ id: 'a', type: 'int' }] }]], call: ['search', { resource_id: 77001 }], result: { resource_id: '77001' } },
  { name: '§1.4 empty aliases are a removal, absent ones are kept', setup: [table('a int', [], { aliases: '$id-x, $id-y' }), ['create', {}]], call: ['info'], result: { meta: { aliases: (list: string[]) => list.length === 2 } }, then: [[['create', { aliases: '' }], {}], [['info'], { result: { meta: { aliases: [] } } }]] },
  { name: '§1.4 records in a form', call: { line: 'POST /api/3/action/datastore_create', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'resource_id=$id&records=[{"a": 1}]' }, then: [[['search'], { records: [{ _id: 1, a: 1 }] }]] },
  ...(['search', 'info', 'upsert'] as const).map((action): ContractCase => ({
    name: `§1.5 id of ${action}`,
    setup: [twice],
    call: [action, { id: '$id' }],
  })),
  { name: '§1.5 id of create', call: ['create', { id: '$id', fields: [{ id: 'a', type: 'int' }] }], result: { resource_id: '$id', id: absent }, smoke: true },
  { name: '§1.5 id of delete', setup: [twice], call: ['delete', { id: '$id' }], result: { resource_id: '$id' } },
  { name: '§1.5 id of records_delete', setup: [twice], call: ['records_delete', { id: '$id', filters: {} }], result: { resource_id: '$id' } },
]

// biome-ignore-all format: one case a line
import type { ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const rows = table('a int, b text', [{ a: 1, b: 'x' }, { a: 2, b: 'y' }, { a: 3, b: 'y' }], { primary_key: 'a', aliases: '$id-x' })
const total = (count: number) => [['search', { limit: 0 }], { result: { total: count } }] as const
const gone = [['search'], { status: 404 }] as const

/** Contract §8.3, §8.4 and §9.5: datastore_delete and datastore_records_delete. */
export const deletion: readonly ContractCase[] = [
  { name: '§8.3 without filters the table goes, its dictionary and its aliases', setup: [['create', { fields: [{ id: 'a', type: 'int', info: { label: 'A' } }], aliases: '$id-x' }]], call: ['delete'], result: exactly({ resource_id: '$id' }), then: [gone, [['search', { resource_id: '$id-x' }], { status: 404 }], [['create', { fields: [{ id: 'a', type: 'int' }] }], {}], [['info'], { result: { fields: [{ info: absent }], meta: { aliases: [] } } }]], smoke: true },
  { name: '§8.3 filters: null is absent', setup: [rows], call: ['delete', { filters: null }], result: exactly({ resource_id: '$id' }), then: [gone] },
  { name: '§8.3 {} deletes all rows and keeps the table', setup: [rows], call: ['delete', { filters: {} }], result: exactly({ resource_id: '$id', filters: {} }), then: [total(0), [['search', { resource_id: '$id-x' }], { result: { total: 0 } }]] },
  { name: '§8.3 filters delete rows', setup: [rows], call: ['delete', { filters: { b: 'y' } }], result: exactly({ resource_id: '$id', filters: { b: 'y' } }), then: [[['search'], { records: [{ _id: 1, a: 1, b: 'x' }] }]] },
  { name: '§8.3 filters that match nothing', setup: [rows], call: ['delete', { filters: { b: 'z' } }], then: [total(3)] },
  { name: '§8.3 no leak of filterops', setup: [rows], call: ['delete', { filters: { a: { gt: 1 } } }], result: { filterops: absent }, then: [total(1)] },
  ...[[], [{}], '{}', 'x', 7].map((filters): ContractCase => ({ name: `§8.3 filters ${JSON.stringify(filters)} are refused`, setup: [rows], call: ['delete', { filters }], error: { filters: ['filters must be either a dict or null.'] }, then: [total(3)] })),
  { name: '§8.3 include_deleted_records', setup: [rows], call: ['delete', { filters: { b: 'y' }, include_deleted_records: true }], result: { deleted_records: exactly([{ _id: 2, a: 2, b: 'y' }, { _id: 3, a: 3, b: 'y' }]) } },
  { name: '§8.3 include_deleted_records: as many as a search gives', env: { SEARCH_RESULT_ROWS_MAX: '3' }, setup: [table('a int', [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }])], call: ['delete', { filters: {}, include_deleted_records: true }], result: { deleted_records: (list: unknown[]) => list.length === 3 }, then: [total(0)] },
  { name: '§8.3 unknown keys with filters', setup: [rows], call: ['delete', { filters: {}, x: 1 }], error: { __extras: ['invalid value "x"'] }, then: [total(3)] },
  { name: '§8.3 unknown keys without filters drop nothing', setup: [rows], call: ['delete', { filter: { a: 1 } }], error: { __extras: ['invalid value "filter"'] }, then: [total(3)] },
  { name: '§8.3 unknown resource', call: ['delete'], status: 404, error: { message: 'Not found: Resource "$id" was not found.' } },
  { name: '§8.3 the key is free again', setup: [rows, ['delete', { filters: { a: 1 } }]], call: ['upsert', { method: 'insert', records: [{ a: 1 }] }], then: [total(3)] },
  { name: '§8.3 force and calculate_record_count are taken', setup: [rows], call: ['delete', { force: 'true', calculate_record_count: true, filters: { a: 1 } }], then: [total(2)] },
  { name: '§8.4 rows by filters', setup: [rows], call: ['records_delete', { filters: { b: 'y' } }], result: exactly({ resource_id: '$id', filters: { b: 'y' } }), then: [total(1)], smoke: true },
  { name: '§8.4 all rows', setup: [rows], call: ['records_delete', { filters: {} }], then: [total(0)] },
  { name: '§8.4 include_deleted_records', setup: [rows], call: ['records_delete', { filters: { a: 1 }, include_deleted_records: 'yes' }], result: { deleted_records: exactly([{ _id: 1, a: 1, b: 'x' }]) } },
  { name: '§8.4 filters are required', setup: [rows], call: ['records_delete'], error: { filters: ['Missing value'] }, then: [total(3)] },
  ...[null, [], 'x'].map((filters): ContractCase => ({ name: `§8.4 filters ${JSON.stringify(filters)} are refused`, setup: [rows], call: ['records_delete', { filters }], error: { filters: ['Must be a dict'] }, then: [total(3)] })),
  { name: '§8.4 unknown keys are refused', setup: [rows], call: ['records_delete', { filters: {}, x: 1 }], error: { __extras: ['invalid value "x"'] }, then: [total(3)] },
  { name: '§9.5 fields drop columns', setup: [rows], call: ['delete', { fields: ['b'] }], result: { resource_id: '$id', fields: exactly(['b']), schema: { fields: [{ name: 'a' }] } }, then: [[['search'], { fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'int4' }], result: { total: 3 } }]], smoke: true },
  { name: '§9.5 filters and fields together', setup: [rows], call: ['delete', { filters: {}, fields: ['b'] }], error: { fields: [/./] }, then: [total(3)] },
  ...[['_id', /./], ['zz', /zz/], ['a', /key/]].map(([name, sentence]): ContractCase => ({ name: `§9.5 the column ${name} can't be dropped`, setup: [rows], call: ['delete', { fields: [name] }], error: { fields: [sentence] }, then: [total(3)] })),
  { name: '§9.5 no fields at all', setup: [rows], call: ['delete', { fields: [] }], error: { fields: [/./] }, then: [total(3)] },
  { name: '§9.5 every column but the key may go', setup: [table('a int', [{ a: 1 }])], call: ['delete', { fields: 'a' }], then: [[['search'], { records: [{ _id: 1 }] }]] },
  { name: '§9.5 unknown resource', call: ['delete', { fields: ['a'] }], status: 404 },
]

// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent } from './match.ts'

const trees = table('species text, height numeric', [{ species: 'oak', height: '12.5' }, { species: 'elm', height: '3' }])

/** As ckanapi sends a call: no `/3`, ASCII-escaped JSON, the token in two headers. */
const ckanapi = (action: string, json: string): Call => ({
  line: `POST /api/action/${action}`,
  headers: {
    'Content-Type': 'application/json',
    'User-Agent': 'ckanapi/4.11 (+https://github.com/ckan/ckanapi)',
    'Accept-Encoding': 'gzip, deflate',
    Accept: '*/*',
    Connection: 'keep-alive',
    Authorization: 'token',
    'X-CKAN-API-Key': 'token',
  },
  body: json,
})
const part = (name: string, value: string, file = '') => `--edge\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`

const ckanapiCalls: readonly ContractCase[] = [
  { name: 'clients ckanapi: create', call: ckanapi('datastore_create', '{"resource_id": "$id", "records": [{"a": "gr\\u00f6\\u00dfe"}]}'), result: { resource_id: '$id' }, then: [[ckanapi('datastore_search', '{"resource_id": "$id"}'), { body: { success: true }, records: [{ _id: 1, a: 'größe' }] }]], smoke: true },
  { name: 'clients ckanapi: get_only repeats names of lists', setup: [trees], call: `GET /api/action/datastore_search?resource_id=$id&fields=species&fields=height&filters=${encodeURIComponent('{"species": "oak"}')}`, records: [{ species: 'oak', height: 12.5 }] },
  { name: 'clients ckanapi: a file goes as multipart', call: { line: 'POST /api/action/datastore_create', headers: { 'Content-Type': 'multipart/form-data; boundary=edge' }, body: `${part('resource_id', '$id')}${part('records', '[{"a": 1}]', '; filename="records.json"')}--edge--\r\n` }, then: [[['search'], { records: [{ _id: 1, a: 1 }] }]] },
  { name: 'clients ckanapi: ValidationError is an object', setup: [trees], call: ckanapi('datastore_search', '{"resource_id": "$id", "limit": -1}'), status: 409, body: { success: false, error: { __type: 'Validation Error', limit: ['Must be a natural number'] } } },
  { name: 'clients ckanapi: NotFound reads the message after ": "', call: ckanapi('datastore_search', '{"resource_id": "$id"}'), status: 404, body: { success: false, error: { __type: 'Not Found Error', message: /^Not found: / } } },
  { name: 'clients ckanapi: NotAuthorized is an object', call: ckanapi('datastore_search_sql', '{"sql": "SELECT pg_sleep(1)"}'), status: 403, body: { success: false, error: { __type: 'Authorization Error', message: /^Access denied: / } } },
  { name: 'clients ckanapi: anything else is a text', call: ckanapi('package_list', '{}'), status: 400, text: '"Bad request: Action name not known: package_list"' },
]

const THRESHOLD = { total_estimation_threshold: 100_000 }
const encoded = (value: unknown) => encodeURIComponent(JSON.stringify(value))

const pages: readonly ContractCase[] = [
  { name: 'clients datatables_view: count', setup: [trees], call: ['search', { resource_id: '$id', limit: 0, filters: {}, ...THRESHOLD }], result: { total: 2, records: [] } },
  { name: 'clients datatables_view: count, filtered', setup: [trees], call: ['search', { resource_id: '$id', limit: 0, filters: { species: ['oak'] }, ...THRESHOLD }], result: { total: 1 } },
  { name: 'clients datatables_view: page, searched everywhere', setup: [trees], call: ['search', { q: 'oa:*', resource_id: '$id', plain: false, language: 'simple', offset: 0, limit: 10, sort: 'species asc, height desc', filters: {}, ...THRESHOLD }], result: { total: 1, records: [{ _id: 1, species: 'oak', height: 12.5 }] } },
  { name: 'clients datatables_view: page, searched by column', setup: [trees], call: ['search', { q: '{"species": "el:*"}', resource_id: '$id', plain: false, language: 'simple', offset: 0, limit: 10, sort: 'species asc, height desc', filters: {}, ...THRESHOLD }], result: { total: 1, records: [{ _id: 2 }] } },
  { name: 'clients datatables_view: page, not searched', setup: [trees], call: ['search', { q: '', resource_id: '$id', plain: false, language: 'simple', offset: 1, limit: 10, sort: 'species asc', filters: {}, ...THRESHOLD }], records: [{ _id: 1, species: 'oak', height: 12.5 }] },
  { name: 'clients datatables_view: download', setup: [trees, ['search', { resource_id: '$id', limit: 0 }]], call: `GET /datastore/dump/$id?q=oa:*&plain=False&language=simple&sort=species+asc&filters=${encoded({})}&format=csv&fields=species,height`, text: 'species,height\r\noak,12.5\n' },
  { name: 'clients datatables_view: download, not searched', setup: [trees], call: `GET /datastore/dump/$id?q=&plain=False&language=simple&sort=species+desc&filters=${encoded({ species: ['elm', 'oak'] })}&format=tsv&fields=species,height`, text: 'species\theight\r\noak\t12.5\nelm\t3\n' },
  { name: 'clients view filters: values of a column', setup: [trees], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=20&offset=0&fields=species&distinct=true&sort=species&include_total=false', records: [{ species: 'elm' }, { species: 'oak' }], result: { total: absent } },
  { name: 'clients view filters: values that begin with', setup: [trees], call: `GET /api/3/action/datastore_search?resource_id=$id&limit=20&offset=0&fields=species&distinct=true&sort=species&include_total=false&plain=false&q=${encoded({ species: 'oa:*' })}`, records: [{ species: 'oak' }] },
  { name: 'clients resource views: is there a table', setup: [trees], call: ['search', { resource_id: '$id', limit: 0, include_total: false }], result: { fields: [{ id: '_id' }, { id: 'species' }, { id: 'height' }], total: absent } },
  { name: 'clients dictionary page', setup: [trees], call: ['info', { id: '$id', include_meta: false, include_fields_schema: false }], result: { meta: absent, fields: [{ id: 'species', type: 'text', schema: absent }, { id: 'height', type: 'numeric' }] }, then: [[['create', { resource_id: '$id', force: true, fields: [{ id: 'species', type: 'text', info: { label: 'Species', notes: '', type_override: '' } }, { id: 'height', type: 'numeric', info: { label: '' } }] }], {}], [['info', { id: '$id', include_meta: false, include_fields_schema: false }], { result: { fields: [{ info: { label: 'Species', notes: '', type_override: '' } }, { info: { label: '' } }] } }]] },
  { name: 'clients recline', setup: [trees], call: { line: 'POST /api/3/action/datastore_search', headers: { 'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8' }, body: encodeURIComponent('{"resource_id":"$id","filters":{},"limit":10,"offset":0}').replaceAll('%24id', '$id') }, result: { total: 2, total_was_estimated: false, limit: 10 } },
]

const design: Call = ['create', { resource_id: '$id', force: true, delete_fields: true, primary_key: ['code'], fields: [{ id: 'code', type: 'text', tdtype: 'text', info: { label: 'Code', pkreq: 'pk' } }, { id: 'n', type: 'int8', info: {} }], triggers: [] }]
const designed: readonly Call[] = [design, ['upsert', { resource_id: '$id', method: 'insert', records: [{ code: 'a', n: 1 }, { code: 'b', n: 2 }] }]]

const tableDesigner: readonly ContractCase[] = [
  { name: 'clients table designer: create', call: design, result: { resource_id: '$id', delete_fields: true } },
  { name: 'clients table designer: insert', setup: [design], call: ['upsert', { resource_id: '$id', method: 'insert', records: [{ code: 'a', n: 1 }] }], then: [[['search', { resource_id: '$id', filters: { _id: 1 } }], { records: [{ _id: 1, code: 'a', n: 1 }] }]] },
  { name: 'clients table designer: update by _id', setup: designed, call: ['upsert', { resource_id: '$id', method: 'update', records: [{ _id: 2, code: 'c', n: 3 }] }], then: [[['search', { resource_id: '$id', filters: { _id: [2] } }], { records: [{ _id: 2, code: 'c', n: 3 }] }]] },
  { name: 'clients table designer: delete by _id', setup: designed, call: ['delete', { resource_id: '$id', filters: { _id: ['1', '2'] } }], then: [[['search'], { records: [] }]] },
  { name: 'clients table designer: the text of a duplicate', setup: designed, call: ['upsert', { resource_id: '$id', method: 'insert', records: [{ code: 'a', n: 9 }] }], error: { records: [/^duplicate key/] } },
  { name: 'clients table designer: the text of a bad value', setup: designed, call: ['upsert', { resource_id: '$id', method: 'update', records: [{ _id: 1, n: 'x' }] }], error: { records: [/^invalid input syntax.*"x"$/] } },
  { name: 'clients table designer: a field is taken away', setup: designed, call: ['create', { resource_id: '$id', force: true, delete_fields: true, primary_key: ['code'], fields: [{ id: 'code', type: 'text' }], triggers: [] }], then: [[['search'], { records: [{ _id: 1, code: 'a' }, { _id: 2, code: 'b' }] }]] },
]

const chunk = (first: number) => Array.from({ length: 250 }, (_, index) => ({ n: first + index, amount: '10.50', at: '2020-01-02T03:04:05', note: null }))
const pushed = [{ id: 'n', type: 'numeric' }, { id: 'amount', type: 'numeric', info: { label: 'Amount', notes: '' } }, { id: 'at', type: 'timestamp' }, { id: 'note', type: 'text' }]
const NULLS = { filters: null, q: null, full_text: null, fields: null, sort: null, total_estimation_threshold: null, language: 'en' }

const loaders: readonly ContractCase[] = [
  { name: 'clients datapusher: nothing there yet', call: ['search', { id: '$id', limit: 0 }], status: 404, then: [[['delete', { id: '$id', force: true }], { status: 404 }]] },
  { name: 'clients datapusher: chunk by chunk, decimals as texts', call: ['create', { resource_id: '$id', fields: pushed, force: true, records: chunk(0), calculate_record_count: false }], then: [[['create', { resource_id: '$id', fields: pushed, force: true, records: chunk(250), calculate_record_count: true }], {}], [['search', { id: '$id', limit: 1, offset: 499 }], { result: { total: 500 }, records: [{ _id: 500, n: 499, amount: 10.5, at: '2020-01-02T03:04:05.000', note: null }] }]] },
  { name: 'clients datapusher: delete what was there', setup: [trees], call: ['delete', { id: '$id', force: true }], then: [[['search', { id: '$id', limit: 0 }], { status: 404 }]] },
  { name: 'clients xloader: what is there', setup: [trees], call: ['search', { id: '$id', limit: 0 }], result: { total: 2 }, then: [[['info', { id: '$id' }], { result: { fields: [{ id: 'species', type: 'text' }, { id: 'height' }] } }]] },
  { name: 'clients xloader: create without records', call: ['create', { resource_id: '$id', fields: [{ id: 'a', type: 'text', strip_extra_white: true }, { id: 'b', type: 'numeric', info: { type_override: 'numeric' }, strip_extra_white: false }], records: null, force: true }], then: [[['search', { id: '$id', limit: 0 }], { result: { total: 0, fields: [{}, { id: 'a' }, { id: 'b' }] } }]] },
  { name: 'clients xloader: records by 250', setup: [['create', { resource_id: '$id', fields: pushed, force: true, records: chunk(0) }], ['create', { resource_id: '$id', fields: pushed, force: true, records: chunk(250) }]], call: ['search', { id: '$id', limit: 0 }], result: { total: 500 }, then: [[['delete', { id: '$id', force: true }], {}]] },
  { name: 'clients datapusher-plus: search with nulls', setup: [trees], call: ['search', { resource_id: '$id', limit: 1, ...NULLS }], records: [{ _id: 1, species: 'oak', height: 12.5 }] },
  { name: 'clients datapusher-plus: create with aliases', call: ['create', { resource_id: '$id', fields: pushed, force: true, records: chunk(0), aliases: '$id-alias', calculate_record_count: true }], then: [[['search', { resource_id: '$id-alias', limit: 0, ...NULLS }], { result: { total: 250 } }], [['search_sql', { sql: 'SELECT count(*) AS n FROM "$id"' }], { records: [{ n: 250 }] }], [['info', { id: '$id' }], { result: { fields: [{ schema: { index_name: null } }, {}, {}, {}] } }], [['delete', { resource_id: '$id', force: true }], { result: { resource_id: '$id' } }]] },
]

/** The calls of real clients, as they send them. */
export const clients: readonly ContractCase[] = [...ckanapiCalls, ...pages, ...tableDesigner, ...loaders]

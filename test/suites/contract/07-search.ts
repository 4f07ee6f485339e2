// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'
import { absent, exactly } from './match.ts'

const rows = table('a int, b text', [{ a: 2, b: 'x' }, { a: null, b: 'y' }, { a: 1, b: 'x' }, { a: 2, b: null }])
const ids = (...list: number[]) => ({ records: list.map((id) => ({ _id: id })) })
const sorted = (sort: unknown): Call => ['search', { sort, fields: '_id' }]

/** Sort clauses, and the order of the rows. Ties are broken by `_id`. */
const sorts: readonly (readonly [name: string, sort: unknown, ids: number[]])[] = [
  ['ascending: nulls last', 'a', [3, 1, 4, 2]],
  ['asc', 'a asc', [3, 1, 4, 2]],
  ['desc: nulls first', 'a desc', [2, 1, 4, 3]],
  ['nulls first', 'a nulls first', [2, 3, 1, 4]],
  ['desc nulls last', 'a desc nulls last', [1, 4, 3, 2]],
  ['keywords in any case', 'a DESC NULLS LAST', [1, 4, 3, 2]],
  ['several', 'b, a desc', [1, 3, 2, 4]],
  ['a list', ['b desc nulls last', 'a'], [2, 3, 1, 4]],
  ['a quoted name', '"a" desc', [2, 1, 4, 3]],
  ['_id', '_id desc', [4, 3, 2, 1]],
  ['blanks around', '  a   asc  , _id desc', [3, 4, 1, 2]],
  ['empty: by _id', '', [1, 2, 3, 4]],
]

const mechanics: readonly ContractCase[] = [
  ...sorts.map(([name, sort, list], index): ContractCase => ({ name: `§7 sort ${name}`, setup: [rows], call: sorted(sort), ...ids(...list), ...(index === 3 && { smoke: true }) })),
  { name: '§7 sort by a name with blanks', setup: [['create', { fields: [{ id: 'the height', type: 'int' }], records: [{ 'the height': 1 }, { 'the height': 2 }] }]], call: sorted('the height desc'), ...ids(2, 1), then: [[sorted('"the height" desc'), ids(2, 1)]] },
  { name: '§7 sort by a name that looks like a clause', setup: [['create', { fields: [{ id: 'a desc', type: 'int' }], records: [{ 'a desc': 2 }, { 'a desc': 1 }] }]], call: sorted('a desc'), ...ids(2, 1), then: [[sorted('"a desc" desc'), ids(1, 2)]] },
  { name: '§7 sort by a name with a comma', setup: [['create', { fields: [{ id: 'x, y', type: 'int' }], records: [{ 'x, y': 2 }, { 'x, y': 1 }] }]], call: sorted('"x, y"'), ...ids(2, 1) },
  { name: '§7 sort by an unknown column', setup: [rows], call: sorted('zz desc'), error: { sort: ['invalid value "zz desc"'] } },
  { name: '§7 sort: the first bad clause is named', setup: [rows], call: sorted('a, zz, yy desc'), error: { sort: ['invalid value "zz"'] } },
  ...['a up', 'a desc asc', 'a nulls', 'a nulls middle', 'a; drop table x', 'lower(b)', '"a', 'a--', "a'"].map((sort): ContractCase => ({ name: `§7 sort ${JSON.stringify(sort)} is refused`, setup: [rows], call: sorted(sort), error: { sort: [`invalid value "${sort}"`] } })),
  { name: '§7 fields in the order asked for', setup: [rows], call: ['search', { fields: 'b,a', limit: 1 }], fields: [{ id: 'b', type: 'text' }, { id: 'a', type: 'int4' }], text: /\{"b":"x","a":2\}/ },
  { name: '§7 fields: unknown', setup: [rows], call: ['search', { fields: 'a,zz' }], error: { fields: ['invalid value "zz"'] } },
  { name: '§7 fields empty: all', setup: [rows], call: ['search', { fields: '', limit: 1 }], records: [{ _id: 1, a: 2, b: 'x' }] },
  { name: '§7 default order is _id', setup: [rows, ['upsert', { method: 'update', records: [{ _id: 1, a: 9 }] }]], call: ['search', { fields: '_id' }], ...ids(1, 2, 3, 4) },
  { name: '§7 distinct', setup: [rows], call: ['search', { fields: 'b', distinct: true, sort: 'b' }], records: [{ b: 'x' }, { b: 'y' }, { b: null }], result: { total: 3 } },
  { name: '§7 distinct: limit and offset come after', setup: [rows], call: ['search', { fields: 'b', distinct: true, sort: 'b', limit: 1, offset: 1 }], records: [{ b: 'y' }], result: { total: 3 } },
  { name: '§7 distinct over several columns', setup: [rows], call: ['search', { fields: 'a,b', distinct: true, limit: 0 }], result: { total: 4 } },
  { name: '§7 distinct: sorted by a hidden column', setup: [rows], call: ['search', { fields: 'b', distinct: true, sort: 'a' }], error: { query: ['Invalid query'] } },
  { name: '§7 limit: 100 by default', setup: [['create', { records: Array.from({ length: 120 }, (_, a) => ({ a })) }]], call: ['search'], result: { limit: 100, total: 120, records: (list: unknown[]) => list.length === 100 } },
  { name: '§7 limit: the default can be set', env: { SEARCH_RESULT_ROWS_DEFAULT: '2' }, setup: [rows], call: ['search', { fields: '_id' }], result: { limit: 2 }, ...ids(1, 2) },
  { name: '§7 limit above the most is clamped, and echoed so', env: { SEARCH_RESULT_ROWS_MAX: '3' }, setup: [rows], call: ['search', { limit: 50, fields: '_id' }], result: { limit: 3, total: 4 }, ...ids(1, 2, 3) },
  { name: '§7 limit: 32000 at most', setup: [rows], call: ['search', { limit: 32001 }], result: { limit: 32000 } },
  { name: '§7 limit 0 counts', setup: [rows], call: ['search', { limit: 0 }], records: [], result: { limit: 0, total: 4 }, fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'int4' }, { id: 'b', type: 'text' }] },
  { name: '§7 offset', setup: [rows], call: ['search', { offset: 3, fields: '_id' }], ...ids(4), result: { offset: 3, total: 4 } },
  { name: '§7 offset past the end', setup: [rows], call: ['search', { offset: 9 }], records: [], result: { total: 4 } },
  { name: '§7 offset negative', setup: [rows], call: ['search', { offset: -1 }], error: { offset: ['invalid value "-1"'] } },
  { name: '§7 include_total=false', setup: [rows], call: ['search', { include_total: false }], result: { include_total: false, total: absent, total_was_estimated: absent } },
  { name: '§7 total counts what the filters match', setup: [rows], call: ['search', { filters: { b: 'x' }, limit: 1 }], result: { total: 2, total_was_estimated: false } },
  { name: '§7 total follows each write', setup: [rows, ['search'], ['upsert', { method: 'insert', records: [{ a: 5 }] }]], call: ['search', { limit: 0 }], result: { total: 5 }, then: [[['delete', { filters: { b: 'x' } }], {}], [['search', { limit: 0 }], { result: { total: 3 } }]] },
  { name: '§7 total_estimation_threshold is accepted', setup: [rows], call: ['search', { total_estimation_threshold: 1, limit: 0 }], result: { total: 4, total_was_estimated: false } },
  { name: '§7 next_page', setup: [rows], call: ['search', { include_next_page: true, limit: 2, fields: 'a' }], result: { include_next_page: true, next_page: exactly({ _id: { gt: 2 } }) }, smoke: true },
  { name: '§8.5 include_next_page is always echoed', setup: [rows], call: ['search', {}], result: { include_next_page: false, next_page: absent } },
  { name: '§7 next_page, descending', setup: [rows], call: ['search', { include_next_page: true, limit: 2, sort: '_id desc' }], result: { next_page: exactly({ _id: { lt: 3 } }) } },
  { name: '§7 next_page on the last page', setup: [rows], call: ['search', { include_next_page: true, filters: { _id: { gt: 2 } } }], result: { next_page: exactly({ _id: { gt: 4 } }) } },
  { name: '§7 no next_page of an empty page', setup: [rows], call: ['search', { include_next_page: true, filters: { _id: { gt: 4 } } }], result: { next_page: absent } },
  { name: '§7 no next_page in another order', setup: [rows], call: ['search', { include_next_page: true, sort: 'a' }], result: { next_page: absent } },
  { name: '§7 no next_page by two keys', setup: [rows], call: ['search', { include_next_page: true, sort: '_id, a' }], result: { next_page: absent } },
  { name: '§7 no next_page unless asked for', setup: [rows], call: ['search'], result: { next_page: absent } },
  { name: '§7 records_format lists', setup: [rows], call: ['search', { records_format: 'lists', limit: 1 }], records: [[1, 2, 'x']], result: { records_format: 'lists' } },
  { name: '§7 records_format csv', setup: [rows], call: ['search', { records_format: 'csv', limit: 2 }], records: '1,2,x\n2,,y\n' },
  { name: '§7 records_format tsv', setup: [rows], call: ['search', { records_format: 'tsv', limit: 2 }], records: '1\t2\tx\n2\t\ty\n' },
  { name: '§7 records_format csv, fields', setup: [rows], call: ['search', { records_format: 'csv', limit: 2, fields: 'b,_id' }], records: 'x,1\ny,2\n' },
  { name: '§7 unknown parameter', setup: [rows], call: ['search', { filter: {}, total: 1 }], error: { __extras: ['invalid value "filter"', 'invalid value "total"'] } },
]

const result: readonly ContractCase[] = [
  { name: '§8.5 the result', setup: [rows], call: ['search', { limit: 2, offset: 1, filters: { a: { gte: 1 } }, include_next_page: true }], result: { resource_id: '$id', limit: 2, offset: 1, include_total: true, include_next_page: true, records_format: 'objects', filters: { a: { gte: 1 } }, fields: [{ id: '_id', type: 'int' }, { id: 'a', type: 'int4' }, { id: 'b', type: 'text' }], records: [{ _id: 3, a: 1, b: 'x' }, { _id: 4, a: 2, b: null }], total: 3, next_page: { _id: { gt: 4 } }, filterops: absent }, smoke: true },
  { name: '§8.5 sort is echoed as it was sent', setup: [rows], call: ['search', { sort: 'a desc,b' }], result: { sort: 'a desc,b' }, then: [[['search', { sort: ['a desc', 'b'] }], { result: { sort: exactly(['a desc', 'b']) } }]] },
  { name: '§8.5 echoed only if sent', setup: [rows], call: ['search'], result: { filters: absent, q: absent, sort: absent, distinct: absent, plain: absent, language: absent, full_text: absent } },
  { name: '§8.5 filters and q come back decoded', setup: [rows], call: ['search', { filters: '{"a": 1}', q: '{"b": "x"}' }], result: { filters: { a: 1 }, q: { b: 'x' } } },
  { name: '§8.5 neither table nor alias', call: ['search', { resource_id: 'no such trees' }], status: 404, error: { message: 'Not found: Resource "no such trees" was not found.' } },
  { name: '§8.5 keys in column order', setup: [rows], call: ['search', { limit: 1 }], text: /\[\{"_id":1,"a":2,"b":"x"\}\]/ },
]

const link = (rest: string) => `http://localhost:8000/api/3/action/datastore_search?resource_id=$id${rest}`

const links: readonly ContractCase[] = [
  { name: '§7.1 _links: a page in the middle', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=1&offset=2', result: { _links: exactly({ start: 'http://localhost:8000/api/3/action/datastore_search?resource_id=$id&limit=1', prev: 'http://localhost:8000/api/3/action/datastore_search?resource_id=$id&limit=1&offset=1', next: 'http://localhost:8000/api/3/action/datastore_search?resource_id=$id&limit=1&offset=3', page_size: 1, page: 3, total_pages: 4 }) }, smoke: true },
  { name: '§9.6 _links: the first page', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=3', result: { _links: { start: link('&limit=3'), prev: absent, next: link('&limit=3&offset=3'), page: 1, total_pages: 2, page_size: 3 } } },
  { name: '§9.6 _links: the last page', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=3&offset=3', result: { _links: { next: absent, prev: link('&limit=3&offset=0'), page: 2, total_pages: 2 } } },
  { name: '§9.6 _links: offset is replaced and put last', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&offset=1&limit=1', result: { _links: { next: link('&limit=1&offset=2') } } },
  { name: '§9.6 _links: past the end', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=3&offset=30', result: { _links: { next: absent, prev: link('&limit=3&offset=27'), page: absent, total_pages: absent } } },
  { name: '§9.6 _links: limit 0', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=0', result: { _links: exactly({ start: 'http://localhost:8000/api/3/action/datastore_search?resource_id=$id&limit=0' }) } },
  { name: '§9.6 _links: without a total', setup: [rows], call: 'GET /api/3/action/datastore_search?resource_id=$id&limit=1&include_total=false', result: { _links: { next: absent, page: 1, total_pages: absent } } },
  { name: '§9.6 _links carry filters', setup: [rows], call: `GET /api/3/action/datastore_search?resource_id=$id&limit=1&filters=${encodeURIComponent('{"b":"x"}')}`, result: { _links: { next: link('&limit=1&filters=%7B%22b%22%3A%22x%22%7D&offset=1') } } },
  { name: '§9.6 _links of a POST can be followed', setup: [rows], call: ['search', { limit: 1, filters: { b: 'x' } }], result: { _links: { next: /^http:\/\/localhost:8000\/api\/3\/action\/datastore_search\?.*filters=%7B%22b%22%3A%22x%22%7D/ } } },
]

const aliased = table('a int', [{ a: 1 }], { aliases: '$id-x,$id-y' })

const aliases: readonly ContractCase[] = [
  { name: '§7.2 alias in search', setup: [aliased], call: ['search', { resource_id: '$id-x' }], result: { resource_id: '$id', total: 1 }, smoke: true },
  { name: '§7.2 alias in info', setup: [aliased], call: ['info', { id: '$id-y' }], result: { meta: { id: '$id', count: 1 } } },
  { name: '§7.2 alias in a dump', setup: [aliased], call: 'GET /datastore/dump/$id-x', text: '_id,a\r\n1,1\n', headers: { 'content-disposition': /filename="\$id\.csv"/ } },
  { name: '§7.2 alias in SQL', setup: [aliased], call: ['search_sql', { sql: 'SELECT a FROM "$id-x"' }], records: [{ a: 1 }] },
  ...(['upsert', 'delete', 'records_delete'] as const).map((action): ContractCase => ({
    name: `§7.2 no alias in ${action}`,
    setup: [aliased],
    call: [action, { resource_id: '$id-x', ...(action === 'upsert' ? { records: [] } : { filters: {} }) }],
    status: 404,
    error: { message: 'Not found: Resource "$id-x" was not found.' },
    then: [[['search'], { result: { total: 1 } }]],
  })),
  { name: '§7.2 an alias with blanks and more', setup: [table('a int', [{ a: 1 }], { aliases: ['a Größe $id'] })], call: 'GET /datastore/dump/a%20Gr%C3%B6%C3%9Fe%20$id?fields=a', text: 'a\r\n1\n', then: [[['search_sql', { sql: 'SELECT a FROM "a Größe $id"' }], { records: [{ a: 1 }] }], [['search', { resource_id: 'a Größe $id' }], { result: { resource_id: '$id' } }]] },
  { name: '§7.2 an alias with a slash, in a dump', setup: [table('a int', [{ a: 1 }], { aliases: ['a/$id'] })], call: 'GET /datastore/dump/a%2F$id?fields=a', text: 'a\r\n1\n' },
  { name: '§7.2 an alias like the name of a file, in SQL', setup: [table('a int', [{ a: 1 }], { aliases: ['$id.csv'] })], call: ['search_sql', { sql: 'SELECT a FROM "$id.csv"' }], records: [{ a: 1 }] },
  { name: '§7.2 aliases go with their table', setup: [aliased, ['delete']], call: ['search', { resource_id: '$id-x' }], status: 404 },
  { name: '§7.2 newest first', setup: [aliased], call: ['info'], result: { meta: { aliases: exactly(['$id-y', '$id-x']) } } },
]

const listed = (filters: object): Call => ['search', { resource_id: '_table_metadata', filters, sort: 'name' }]

const metadata: readonly ContractCase[] = [
  { name: '§7.3 a row for each table and alias', setup: [aliased], call: listed({ name: ['$id', '$id-x', '$id-y'] }), result: { resource_id: '_table_metadata', total: 3, records: [{ _id: /^[0-9a-f]{16}$/, name: '$id', alias_of: null }, { name: '$id-x', alias_of: '$id' }, { name: '$id-y', alias_of: '$id' }] }, fields: [{ id: '_id', type: 'int' }, { id: 'name', type: 'name' }, { id: 'oid', type: 'oid' }, { id: 'alias_of', type: 'name' }], smoke: true },
  { name: '§7.3 nothing that starts with _', call: ['search', { resource_id: '_table_metadata', limit: 32000 }], result: { records: (list: { name: string }[]) => list.every(({ name }) => !name.startsWith('_')) } },
  { name: '§7.3 csv, ranges, pages', setup: [aliased], call: ['search', { resource_id: '_table_metadata', filters: { name: { gte: '$id', lte: '$id-z' } }, sort: 'name desc', fields: 'name,alias_of', records_format: 'csv', limit: 2 }], records: '$id-y,$id\n$id-x,$id\n', result: { total: 3 } },
  { name: '§7.3 an unknown column', call: ['search', { resource_id: '_table_metadata', fields: 'zz' }], error: { fields: ['invalid value "zz"'] } },
  { name: '§7.3 not in SQL', call: ['search_sql', { sql: 'SELECT * FROM "_table_metadata"' }], status: 403, type: 'Authorization Error' },
  { name: '§7.3 not to be written', call: ['upsert', { resource_id: '_table_metadata', records: [] }], status: 404 },
]

/** Contract §7, §8.5 and §9.6: what search does with its parameters. */
export const search: readonly ContractCase[] = [...mechanics, ...result, ...links, ...aliases, ...metadata]

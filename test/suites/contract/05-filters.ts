// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'
import { table } from './case.ts'

const trees = table('n int, t text, b bool, d date, tags text[], j json, $AUD int', [
  { n: 1, t: 'oak', b: true, d: '2020-01-01', tags: ['x'], j: { k: 1 }, $AUD: 5 },
  { n: 2, t: 'elm', b: false, d: '2021-01-01', tags: ['x', 'y'], j: [1, 2], $AUD: 6 },
  { n: 3, t: '25', b: null, d: '2022-01-01', tags: null, j: null, $AUD: 7 },
  { n: null, t: null, b: null, d: null, tags: [], j: 'x', $AUD: null },
])

/** Filters, and the `_id`s of the rows that match. */
const grammar: readonly (readonly [name: string, filters: unknown, ids: number[]])[] = [
  ['equality', { n: 1 }, [1]],
  ['AND', { n: 2, t: 'elm' }, [2]],
  ['AND of what contradicts', { n: 1, t: 'elm' }, []],
  ['IN', { n: [1, 3] }, [1, 3]],
  ['IN nothing', { n: [] }, []],
  ['IN with null', { n: [1, null] }, [1, 4]],
  ['lt', { n: { lt: 2 } }, [1]],
  ['lte', { n: { lte: 2 } }, [1, 2]],
  ['gt', { n: { gt: 2 } }, [3]],
  ['gte', { n: { gte: 2 } }, [2, 3]],
  ['range', { n: { gt: 1, lt: 3 } }, [2]],
  ['range of text', { t: { gte: 'elm', lt: 'f' } }, [2]],
  ['range of dates', { d: { gt: '2020-06-01', lte: '2021-01-01' } }, [2]],
  ['range of dates without signs', { d: { gt: '20200601', lte: '20210101' } }, [2]],
  ['range of an empty result', { n: { gt: 3, lt: 1 } }, []],
  ['list of ranges and scalars', { n: [{ lte: 1 }, 2, { gte: 3 }] }, [1, 2, 3]],
  ['list of ranges', { n: [{ lt: 2 }, { gt: 2 }] }, [1, 3]],
  ['eq', { n: { eq: 2 } }, [2]],
  ['in', { n: { in: [1, 2] } }, [1, 2]],
  ['list of objects', [{ n: 1 }, { t: 'elm' }], [1, 2]],
  ['$or', { $or: [{ n: 1 }, { n: 3 }] }, [1, 3]],
  ['$or beside a key', { $or: [{ n: 1 }, { n: 2 }], b: true }, [1]],
  ['$and', { $and: [{ n: { gt: 1 } }, { n: { lt: 3 } }] }, [2]],
  ['$or in $and in $or', { $or: [{ $and: [{ $or: [{ n: 1 }, { n: 2 }] }, { b: false }] }, { t: '25' }] }, [2, 3]],
  ['empty $or is ignored', { $or: [] }, [1, 2, 3, 4]],
  ['empty $and is ignored', { $and: [], n: 1 }, [1]],
  ['$$ escapes a column', { $$AUD: 5 }, [1]],
  ['$$ escapes a range', { $$AUD: { gt: 5 } }, [2, 3]],
  ['empty object', {}, [1, 2, 3, 4]],
  ['empty list', [], [1, 2, 3, 4]],
  ['_id', { _id: [1, 4] }, [1, 4]],
  ['_id range', { _id: { gt: 2 } }, [3, 4]],
]

const typed: readonly (readonly [name: string, filters: unknown, ids: number[]])[] = [
  ['a number on text', { t: 25 }, [3]],
  ['a text on text', { t: '25' }, [3]],
  ['a text on int', { n: '2' }, [2]],
  ['a fraction on int', { n: 1.5 }, []],
  ['a range by a fraction on int', { n: { gt: 1.5, lt: 2.5 } }, [2]],
  ['a number beyond int', { n: { lt: 99999999999 } }, [1, 2, 3]],
  ['a boolean', { b: true }, [1]],
  ['a text on bool', { b: 'true' }, [1]],
  ['f on bool', { b: 'f' }, [2]],
  ['a text on date', { d: '2020-01-01' }, [1]],
  ['null', { n: null }, [4]],
  ['null on text', { t: null }, [4]],
  ['a list on an array column', { tags: ['x', 'y'] }, [2]],
  ['eq on an array column', { tags: { eq: ['x'] } }, [1]],
  ['list of lists on an array column', { tags: [['x'], ['x', 'y']] }, [1, 2]],
  ['an empty list on an array column', { tags: { eq: [] } }, [4]],
  ['eq on json: object', { j: { eq: { k: 1 } } }, [1]],
  ['eq on json: list', { j: { eq: [1, 2] } }, [2]],
]

const nested = (depth: number): object => (depth === 1 ? { n: 1 } : { $or: [nested(depth - 1)] })
const operations = (count: number) => ({ n: Array.from({ length: count }, (_, at) => ({ gt: at })) })

const mistakes: readonly (readonly [name: string, filters: unknown, sentence: string])[] = [
  ['unknown column', { zz: 1 }, 'Unknown field: zz'],
  ['unknown column, operators', { zz: { gt: 1 } }, 'Unknown field: zz'],
  ['unknown column, list', { zz: [1] }, 'invalid value "zz"'],
  ['_full_text', { _full_text: 'x' }, 'Unknown field: _full_text'],
  ['unknown operator', { n: { neq: 1 } }, "Unknown filter operation: FilterOp(field='n', op='neq', value=1)"],
  ['unknown operator with a nested value', { n: { neq: { a: [null, 'x'] } } }, "Unknown filter operation: FilterOp(field='n', op='neq', value={'a': [None, 'x']})"],
  ['unknown group', { $not: [{ n: 1 }] }, 'Unknown operators (must be one of $or, $and): $not'],
  ['a number', 7, 'Filters must be defined as a dict or a list of dicts'],
  ['a text', '"x"', 'Filters must be defined as a dict or a list of dicts'],
  ['a list of numbers', [1], 'Filters must be defined as a dict or a list of dicts'],
  ['no JSON', '{n: 1}', 'Cannot parse JSON'],
  ['too deep', nested(12), 'Maximum nesting depth for filter operations reached'],
  ['too many', operations(101), 'Maximum number of filter operations exceeded'],
]

const unreadable: readonly (readonly [name: string, filters: unknown])[] = [
  ['true on int', { n: true }],
  ['1 on bool', { b: 1 }],
  ['a word on int', { n: 'abc' }],
  ['a word on date', { d: 'abc' }],
  ['a range on an array', { tags: { gt: ['x'] } }],
  ['a range on json', { j: { gt: 1 } }],
]

const search = (filters: unknown): Call => ['search', { filters, fields: '_id' }]
const ids = (list: number[]) => list.map((id) => ({ _id: id }))

/** Contract §5: filters, of search, delete, records_delete and dump. */
export const filters: readonly ContractCase[] = [
  ...grammar.map(([name, given, found], index): ContractCase => ({ name: `§5.1 ${name}`, setup: [trees], call: search(given), records: ids(found), result: { total: found.length }, ...(index === 0 && { smoke: true }) })),
  { name: '§5.1 depth 10', setup: [trees], call: search(nested(10)), records: ids([1]) },
  { name: '§5.1 100 operations', setup: [trees], call: search(operations(100)), records: ids([1, 2, 3]) },
  ...grammar.filter(([, given]) => !Array.isArray(given)).map(([name, given, found]): ContractCase => ({
    name: `§5.1 in records_delete: ${name}`,
    setup: [trees],
    call: ['records_delete', { filters: given, include_deleted_records: true }],
    result: { deleted_records: ids(found) },
    then: [[['search', { fields: '_id' }], { records: ids([1, 2, 3, 4].filter((id) => !found.includes(id))) }]],
  })),
  { name: '§5.1 in a dump', setup: [trees], call: `GET /datastore/dump/$id?fields=_id&filters=${encodeURIComponent('{"$or":[{"n":1},{"t":"elm"}]}')}`, text: '_id\r\n1\n2\n' },
  ...mistakes.map(([name, given, sentence], index): ContractCase => ({ name: `§5.2 ${name}`, setup: [trees], call: search(given), error: { filters: [sentence] }, ...(index === 0 && { smoke: true }) })),
  ...([['an object', { n: 1 }, "{'n': 1}"], ['an object with words', { n: null, b: [true, "it's"] }, `{'n': None, 'b': [True, "it's"]}`], ['a text', 'a', 'a'], ['a list of mixed things', [{ a: 'b' }, 'c'], "[{'a': 'b'}, 'c']"]] as const).map(([name, given, shown]): ContractCase => ({ name: `§5.2 $or with ${name}`, setup: [trees], call: search({ $or: given }), error: { filters: [`Filter operations must be defined as a list of dicts: ${shown}`] } })),
  { name: '§5.2 no operation', setup: [trees], call: search({ n: {} }), error: { filters: [/./] } },
  ...['delete', 'records_delete'].map((action): ContractCase => ({ name: `§5.2 in ${action}`, setup: [trees], call: [action, { filters: { zz: 1 } }], error: { filters: ['Unknown field: zz'] }, then: [[['search'], { result: { total: 4 } }]] })),
  { name: '§5.2 in a dump', setup: [trees], call: 'GET /datastore/dump/$id?filters={"zz":1}', status: 409, error: { filters: ['Unknown field: zz'] } },
  ...typed.map(([name, given, found]): ContractCase => ({ name: `§5.3 ${name}`, setup: [trees], call: search(given), records: ids(found) })),
  ...unreadable.map(([name, given]): ContractCase => ({ name: `§5.3 ${name}: Invalid query`, setup: [trees], call: search(given), error: { query: ['Invalid query'] } })),
  ...unreadable.map(([name, given]): ContractCase => ({ name: `§5.3 in delete, ${name}: under filters`, setup: [trees], call: ['delete', { filters: given }], error: { filters: [/./] }, then: [[['search'], { result: { total: 4 } }]] })),
  { name: '§5.3 no SQL text in the answer', setup: [trees], call: search({ n: 'abc' }), error: { info: { statement: undefined, params: undefined } } },
  { name: '§5.3 intervals and bytes are compared by their value', setup: [table('i interval, b bytea', [{ i: '1 day 02:00', b: '\\xDEAD' }, { i: '90 minutes', b: '\\x00' }])], call: search({ i: '1 day 02:00:00', b: '\\xdeAD' }), records: ids([1]), then: [[['search', { filters: { i: ['1:30'] }, fields: 'i' }], { records: [{ i: '01:30:00' }] }]] },
  { name: '§5.3 long numbers keep their digits', setup: [table('a bigint'), ['upsert', '{"resource_id": "$id", "method": "insert", "records": [{"a": 9007199254740992}, {"a": 9007199254740993}]}']], call: ['search', '{"resource_id": "$id", "filters": {"a": 9007199254740993}, "fields": "_id"}'], records: ids([2]) },
  { name: '§5.3 a filter is echoed with every digit', setup: [table('a bigint, n numeric, t text')], call: ['search', '{"resource_id": "$id", "filters": {"a": [9007199254740993, 7], "n": {"gt": 1.50}, "t": "1.50"}, "limit": 1}'], text: /"filters":\{"a":\[9007199254740993,7\],"n":\{"gt":1\.50\},"t":"1\.50"\}.*%22gt%22%3A1\.50/s },
  { name: '§5.3 a number on text, as it was written', setup: [table('t text, k int'), ['upsert', '{"resource_id": "$id", "method": "insert", "records": [{"t": 1.50}, {"t": 1.5}, {"t": 1e3}, {"t": 1000}]}']], call: ['search', '{"resource_id": "$id", "filters": {"t": [1.50, 1e3]}, "fields": "_id"}'], records: ids([1, 3]) },
  { name: '§5.3 whole numbers in other words', setup: [table('a bigint, n numeric, f float8', [{ a: 1000, n: 1000, f: 1000 }])], call: ['search', '{"resource_id": "$id", "filters": {"a": 1e3, "n": 1000.0, "f": 1E+3}, "fields": "_id"}'], records: ids([1]) },
  { name: '§5.3 JSON with every digit', setup: [table('j json'), ['upsert', '{"resource_id": "$id", "method": "insert", "records": [{"j": 9007199254740993}, {"j": {"k": 1.50}}, {"j": 1.0}]}']], call: ['search', '{"resource_id": "$id", "filters": {"j": 9007199254740993}, "fields": "_id"}'], records: ids([1]), then: [[['search', '{"resource_id": "$id", "filters": {"j": {"eq": {"k": 1.50}}}, "fields": "_id"}'], { records: ids([2]) }], [['search', '{"resource_id": "$id", "filters": {"j": 1.0}, "fields": "_id"}'], { records: ids([3]) }]] },
  { name: '§5 a number is no filter', setup: [table('a int')], call: ['search', '{"resource_id": "$id", "filters": 1.50}'], error: { filters: ['Filters must be defined as a dict or a list of dicts'] } },
  { name: '§5.3 numeric with all its digits', setup: [table('a numeric'), ['upsert', '{"resource_id": "$id", "method": "insert", "records": [{"a": 0.123456789012345678}, {"a": 0.123456789012345679}]}']], call: ['search', '{"resource_id": "$id", "filters": {"a": {"gte": 0.123456789012345679}}, "fields": "_id"}'], records: ids([2]) },
]

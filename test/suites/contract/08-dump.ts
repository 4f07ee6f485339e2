// biome-ignore-all format: one case a line

import { deepStrictEqual, ok } from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import type { ContractCase } from './case.ts'
import { table } from './case.ts'

const trees = table('species text, height numeric', [{ species: 'oak', height: 12.5 }, { species: null, height: null }])
const empty = table('a int')
const DUMP = 'GET /datastore/dump/$id'
const attachment = (extension: string) => new RegExp(`^attachment; filename="\\$id\\.${extension}"$`)
const JSON_START = '{\n  "fields": [{"id":"_id","type":"int"},{"id":"species","type":"text"},{"id":"height","type":"numeric"}],\n  "records": [\n'
const XML_START = '<data xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
const NO_RECORDS = '{\n  "fields": [{"id":"_id","type":"int"},{"id":"a","type":"int4"}],\n  "records": [\n]}\n'

const formats: readonly ContractCase[] = [
  { name: '§8.9 csv', setup: [trees], call: DUMP, text: '_id,species,height\r\n1,oak,12.5\n2,,\n', headers: { 'content-type': 'text/csv; charset=utf-8', 'content-disposition': attachment('csv') }, smoke: true },
  { name: '§8.9 tsv', setup: [trees], call: `${DUMP}?format=tsv`, text: '_id\tspecies\theight\r\n1\toak\t12.5\n2\t\t\n', headers: { 'content-type': 'text/tab-separated-values; charset=utf-8', 'content-disposition': attachment('tsv') } },
  { name: '§8.9 json', setup: [trees], call: `${DUMP}?format=json`, text: `${JSON_START}    [1,"oak",12.5],\n    [2,null,null]\n]}\n`, headers: { 'content-type': 'application/json; charset=utf-8', 'content-disposition': attachment('json') } },
  { name: '§8.9 xml', setup: [trees], call: `${DUMP}?format=xml`, text: `${XML_START}<row _id="1"><species>oak</species><height>12.5</height></row>\n<row _id="2"><species xsi:nil="true" /><height xsi:nil="true" /></row>\n</data>\n`, headers: { 'content-type': 'text/xml; charset=utf-8', 'content-disposition': attachment('xml') } },
  { name: '§9.9 ndjson', setup: [trees], call: `${DUMP}?format=ndjson`, text: '{"_id":1,"species":"oak","height":12.5}\n{"_id":2,"species":null,"height":null}\n', headers: { 'content-type': /^application\/x-ndjson/, 'content-disposition': attachment('ndjson') }, smoke: true },
  { name: '§9.9 parquet', setup: [trees], call: `${DUMP}?format=parquet`, headers: { 'content-disposition': attachment('parquet') }, check: ({ bytes }) => ok(new TextDecoder().decode(bytes.subarray(0, 4)) === 'PAR1' && new TextDecoder().decode(bytes.subarray(-4)) === 'PAR1') },
  { name: '§9.9 gzip', setup: [trees], call: `${DUMP}?format=gzip`, headers: { 'content-disposition': attachment('csv\\.gz') }, check: ({ bytes }) => deepStrictEqual(gunzipSync(bytes).toString(), '_id,species,height\r\n1,oak,12.5\n2,,\n') },
  ...['csv', 'tsv', 'json', 'xml'].map((format): ContractCase => ({ name: `§8.9 bom in ${format}`, setup: [trees], call: `${DUMP}?format=${format}&bom=true`, check: ({ bytes }) => deepStrictEqual([...bytes.subarray(0, 3)], [0xef, 0xbb, 0xbf]) })),
  { name: '§8.9 empty csv', setup: [empty], call: DUMP, text: '_id,a\r\n' },
  { name: '§8.9 empty json', setup: [empty], call: `${DUMP}?format=json`, text: NO_RECORDS },
  { name: '§8.9 empty xml', setup: [empty], call: `${DUMP}?format=xml`, text: `${XML_START}</data>\n` },
  { name: '§8.9 limit=0, csv', setup: [trees], call: `${DUMP}?limit=0`, text: '_id,species,height\r\n' },
  { name: '§8.9 limit=0, json', setup: [trees], call: `${DUMP}?limit=0&format=json`, text: `${JSON_START}]}\n` },
  { name: '§8.9 limit=0, xml', setup: [trees], call: `${DUMP}?limit=0&format=xml`, text: `${XML_START}</data>\n` },
  { name: '§8.9 xml names', setup: [['create', { fields: ['a b', 'xml1', '2x', 'ä', '%%', 'a!b', 'ab', '-c'].map((id) => ({ id, type: 'int' })), records: [{ 'a b': 1, xml1: 2, '2x': 3, ä: 4, '%%': 5, 'a!b': 6, ab: 7, '-c': 8 }] }]], call: `${DUMP}?format=xml`, text: `${XML_START}<row _id="1"><a_b>1</a_b><_>2</_><x>3</x><ä>4</ä><__0>5</__0><ab>6</ab><ab_0>7</ab_0><c>8</c></row>\n</data>\n` },
  { name: '§8.9 xml: _id is an attribute only when it comes first', setup: [trees], call: `${DUMP}?format=xml&fields=species,_id&limit=1`, text: `${XML_START}<row><species>oak</species><_id>1</_id></row>\n</data>\n` },
  { name: '§8.9 csv quotes names', setup: [['create', { fields: [{ id: 'a,b', type: 'int' }] }]], call: DUMP, text: '_id,"a,b"\r\n' },
]

const selection: readonly ContractCase[] = [
  { name: '§8.9 fields, sort, limit, offset', setup: [table('a int, b int', [{ a: 1, b: 9 }, { a: 2, b: 8 }, { a: 3, b: 7 }])], call: `${DUMP}?fields=b,a&sort=b&limit=1&offset=1`, text: 'b,a\r\n8,2\n' },
  { name: '§8.9 distinct', setup: [table('a int', [{ a: 1 }, { a: 1 }])], call: `${DUMP}?fields=a&distinct=true`, text: 'a\r\n1\n' },
  { name: '§8.9 default order is _id', setup: [table('a int', [{ a: 1 }, { a: 2 }]), ['upsert', { method: 'update', records: [{ _id: 1, a: 9 }] }]], call: DUMP, text: '_id,a\r\n1,9\n2,2\n' },
  { name: '§8.9 unknown names are ignored', setup: [empty], call: `${DUMP}?nonsense=1`, text: '_id,a\r\n' },
  { name: '§8.9 of repeated names the first counts', setup: [table('a int, b int')], call: `${DUMP}?fields=a&fields=b`, text: 'a\r\n' },
  { name: '§8.9 no row cap', env: { SEARCH_RESULT_ROWS_MAX: '3' }, setup: [['create', { records: [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }] }]], call: DUMP, text: '_id,a\r\n1,1\n2,2\n3,3\n4,4\n5,5\n' },
  { name: '§8.9 more than a block, in order', setup: [['create', { records: Array.from({ length: 5000 }, (_, a) => ({ a })) }]], call: `${DUMP}?fields=a&format=csv`, check: ({ text }) => deepStrictEqual(text, `a\r\n${Array.from({ length: 5000 }, (_, a) => `${a}\n`).join('')}`) },
  { name: '§8.9 an alias: the real id names the file', setup: [table('a int', [], { aliases: '$id-x' })], call: 'GET /datastore/dump/$id-x', headers: { 'content-disposition': attachment('csv') } },
]

const mistakes: readonly ContractCase[] = [
  { name: '§8.9 unknown resource: 404 as JSON', call: DUMP, status: 404, type: 'Not Found Error' },
  { name: '§8.9 unknown format', setup: [empty], call: `${DUMP}?format=docx`, status: 409, error: { format: [/^Value must be one of/] } },
  ...[['fields', 'zz'], ['sort', 'zz'], ['offset', '-1'], ['limit', '-1'], ['filters', '{"zz":1}'], ['filters', 'x']].map(([name, value]): ContractCase => ({ name: `§8.9 bad ${name} ${value}`, setup: [empty], call: `${DUMP}?${name}=${value}`, status: 409, type: 'Validation Error', body: { error: { [name as string]: (sentences: unknown) => Array.isArray(sentences) } } })),
]

/** Contract §8.9 and §9.9: downloads. */
export const dump: readonly ContractCase[] = [...formats, ...selection, ...mistakes]

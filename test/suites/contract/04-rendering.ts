// biome-ignore-all format: one case a line
import type { Call, ContractCase } from './case.ts'

interface Rendering {
  type: string
  sent: string
  /** As in a JSON result; in `lists` the same. */
  json: string
  csv: string
  /** What csv writes for null. */
  csvNull?: string
  /** As in an SQL result, where that is not `json`. */
  sql?: string
  xml: string
}

const rows: readonly Rendering[] = [
  { type: 'int', sent: '7', json: '7', csv: '7', xml: '7' },
  { type: 'bigint', sent: '9007199254740993', json: '9007199254740993', csv: '9007199254740993', xml: '9007199254740993' },
  { type: 'float', sent: '1.5', json: '1.5', csv: '1.5', xml: '1.5' },
  { type: 'float', sent: '100', json: '100', csv: '100', xml: '100' },
  { type: 'float', sent: '1e-7', json: '1e-07', csv: '1e-07', xml: '1e-07' },
  { type: 'float', sent: '"NaN"', json: '"NaN"', csv: 'NaN', xml: 'NaN' },
  { type: 'float', sent: '"-Infinity"', json: '"-Infinity"', csv: '-Infinity', xml: '-Infinity' },
  { type: 'numeric', sent: '10.50', json: '10.5', csv: '10.5', xml: '10.5' },
  { type: 'numeric(10,2)', sent: '10.5', json: '10.50', csv: '10.50', sql: '10.50', xml: '10.50' },
  { type: 'bool', sent: 'true', json: 'true', csv: 't', xml: 'True' },
  { type: 'bool', sent: 'false', json: 'false', csv: 'f', xml: 'False' },
  { type: 'text', sent: '"plain"', json: '"plain"', csv: 'plain', xml: 'plain' },
  { type: 'text', sent: '"a,b"', json: '"a,b"', csv: '"a,b"', xml: 'a,b' },
  { type: 'text', sent: '"a\\"b"', json: '"a\\"b"', csv: '"a""b"', xml: 'a"b' },
  { type: 'text', sent: '"a\\nb"', json: '"a\\nb"', csv: '"a\nb"', xml: 'a\nb' },
  { type: 'text', sent: '"<&>"', json: '"<&>"', csv: '<&>', xml: '&lt;&amp;&gt;' },
  { type: 'date', sent: '"2011-01-02"', json: '"2011-01-02"', csv: '2011-01-02', xml: '2011-01-02' },
  { type: 'time', sent: '"10:05"', json: '"10:05:00"', csv: '10:05:00', xml: '10:05:00' },
  { type: 'timestamp', sent: '"2020-01-01T02:03:04.123"', json: '"2020-01-01T02:03:04.123"', csv: '2020-01-01T02:03:04.123', xml: '2020-01-01T02:03:04.123' },
  { type: 'timestamp', sent: '"2020-01-01"', json: '"2020-01-01T00:00:00.000"', csv: '2020-01-01T00:00:00.000', sql: '"2020-01-01T00:00:00"', xml: '2020-01-01T00:00:00.000' },
  { type: 'timestamptz', sent: '"2020-01-01T02:03:04.5+02:00"', json: '"2020-01-01T00:03:04.5+00:00"', csv: '2020-01-01 00:03:04.5+00', xml: '2020-01-01T00:03:04.5+00:00' },
  { type: 'json', sent: '{"a": [1]}', json: '{"a": [1]}', csv: '"{""a"": [1]}"', csvNull: 'null', xml: '<value key="a"><value key="0">1</value></value>' },
  { type: 'jsonb', sent: '{"a":true}', json: '{"a":true}', csv: '"{""a"":true}"', xml: '<value key="a">True</value>' },
  { type: 'text[]', sent: '["one","two"]', json: '["one","two"]', csv: '"[""one"",""two""]"', csvNull: 'null', xml: '<value key="0">one</value><value key="1">two</value>' },
  { type: 'int[]', sent: '[1,null]', json: '[1,null]', csv: '"[1,null]"', csvNull: 'null', xml: '<value key="0">1</value><value key="1" xsi:nil="true" />' },
  { type: 'uuid', sent: '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', json: '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', csv: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', xml: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' },
  { type: 'interval', sent: '"1 day 02:00:00"', json: '"1 day 02:00:00"', csv: '1 day 02:00:00', xml: '1 day 02:00:00' },
  { type: 'bytea', sent: '"\\\\xdead"', json: '"\\\\xdead"', csv: '\\xdead', xml: '\\xdead' },
]

const stored = ({ type, sent }: Rendering): readonly Call[] => [
  ['create', { fields: [{ id: 'a', type }] }],
  ['upsert', `{"resource_id": "$id", "method": "insert", "records": [{"a": ${sent}}, {"a": null}]}`],
]
const inText = (text: string) => new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))

function rendering(row: Rendering): ContractCase {
  const { type, sent, json, csv, csvNull = '', xml } = row
  const lines = `${csv}\n${csvNull}\n`
  const tsvLines = csv.includes(',') && !/["\n]/.test(csv.slice(1, -1)) ? lines.replace(/^"(.*)"\n/, '$1\n') : lines
  const dump = 'GET /datastore/dump/$id?fields=a&format='
  return {
    name: `§4.6 ${type} ${sent}`,
    setup: stored(row),
    call: ['search', { fields: 'a' }],
    text: inText(`[{"a":${json}},{"a":null}]`),
    then: [
      [['search', { fields: 'a', records_format: 'lists' }], { text: inText(`[[${json}],[null]]`) }],
      [['search', { fields: 'a', records_format: 'csv' }], { records: lines }],
      [['search', { fields: 'a', records_format: 'tsv' }], { records: tsvLines }],
      [`${dump}csv`, { text: `a\r\n${lines}` }],
      [`${dump}tsv`, { text: `a\r\n${tsvLines}` }],
      [`${dump}json`, { text: inText(`"records": [\n    [${json}],\n    [null]\n]}\n`) }],
      [`${dump}ndjson`, { text: `{"a":${json}}\n{"a":null}\n` }],
      [`${dump}xml`, { text: inText(`<row><a>${xml}</a></row>\n<row><a xsi:nil="true" /></row>\n</data>\n`) }],
    ],
  }
}

const inSql = (row: Rendering): ContractCase => ({
  name: `§4.6 ${row.type} ${row.sent}, in SQL`,
  setup: stored(row),
  call: ['search_sql', { sql: 'SELECT a FROM "$id" ORDER BY _id' }],
  text: inText(`[{"a":${row.sql ?? row.json}},{"a":null}]`),
})

/** Contract §4.6: how values are written, in every format. */
export const rendered: readonly ContractCase[] = [
  ...rows.map((row, index): ContractCase => ({ ...rendering(row), ...(index === 0 && { smoke: true }) })),
  ...rows.map(inSql),
  { name: '§4.6 an empty text in csv is quoted', setup: [['create', { fields: [{ id: 'a', type: 'text' }], records: [{ a: '' }, { a: null }] }]], call: ['search', { fields: 'a', records_format: 'csv' }], records: '""\n\n' },
  { name: '§4.6 tsv quotes a tab', setup: [['create', { fields: [{ id: 'a', type: 'text' }, { id: 'b', type: 'int' }], records: [{ a: 'x\ty', b: 1 }] }]], call: ['search', { fields: 'a,b', records_format: 'tsv' }], records: '"x\ty"\t1\n' },
  { name: '§4.6 no rows, csv', setup: [['create', { fields: [{ id: 'a', type: 'text' }] }]], call: ['search', { records_format: 'csv' }], records: '' },
  { name: '§4.6 no rows, lists', setup: [['create', { fields: [{ id: 'a', type: 'text' }] }]], call: ['search', { records_format: 'lists' }], records: [] },
  { name: '§4.6 MS_IN_TIMESTAMP=false', env: { MS_IN_TIMESTAMP: 'false' }, setup: [['create', { fields: [{ id: 'a', type: 'timestamp' }], records: [{ a: '2020-01-01T02:03:04' }] }]], call: ['search', { fields: 'a' }], records: [{ a: '2020-01-01T02:03:04' }] },
  { name: '§4.6 json with line ends stays one NDJSON line', setup: [['create', '{"resource_id": "$id", "fields": [{"id": "a", "type": "json"}], "records": [{"a": {"x":\n1}}]}']], call: 'GET /datastore/dump/$id?fields=a&format=ndjson', text: /^[^\n]+\n$/ },
]

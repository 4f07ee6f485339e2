import { gzipSync } from 'node:zlib'

/** A file, what it is loaded with, and what must come of it. */
export interface FileCase {
  name: string
  body: BodyInit | (() => BodyInit)
  query?: string
  headers?: Record<string, string>
  /** Types of the columns, in their order. */
  types?: Record<string, string>
  /** The table's rows as a csv dump without `_id` shows them, without the header. */
  rows?: string
}

const utf16 = (text: string, bigEndian = false) => {
  const bytes = Buffer.from(text, 'utf16le')
  return new Uint8Array(bigEndian ? bytes.swap16() : bytes)
}
const form =
  (name: string, text: string, fields: Record<string, string> = {}) =>
  () => {
    const data = new FormData()
    for (const [key, value] of Object.entries(fields)) data.set(key, value)
    data.set('file', new Blob([text]), name)
    return data
  }
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

/** More columns than are looked at together, of two types in turn. */
const many = Array.from({ length: 27 }, (_, index) => ({ name: `c${index}`, isWhole: index % 4 !== 1 }))
const manyValues = many.map(({ isWhole }, index) => (isWhole ? index : `${index}.5`)).join(',')

/** Types that a file shows when nobody says them: nothing may be lost, in doubt text. */
export const inferred: readonly FileCase[] = [
  {
    name: 'many columns',
    body: `${many.map(({ name }) => name).join(',')}\n${manyValues}\n`,
    types: Object.fromEntries(many.map(({ name, isWhole }) => [name, isWhole ? 'int8' : 'numeric'])),
    rows: `${manyValues}\n`,
  },
  {
    name: 'integers',
    body: 'a\n1\n-2\n0\n9223372036854775807\n',
    types: { a: 'int8' },
    rows: '1\n-2\n0\n9223372036854775807\n',
  },
  { name: 'leading zeros', body: 'a\n1\n007\n', types: { a: 'text' }, rows: '1\n007\n' },
  { name: 'a plus sign', body: 'a\n1\n+7\n', types: { a: 'text' }, rows: '1\n+7\n' },
  { name: 'a blank within', body: 'a\n1\n 7\n', types: { a: 'text' }, rows: '1\n 7\n' },
  {
    name: 'integers beyond int8',
    body: 'a\n1\n9223372036854775808\n',
    types: { a: 'text' },
    rows: '1\n9223372036854775808\n',
  },
  {
    name: 'decimals of many lengths',
    body: 'a\n1\n2.25\n-0.000001\n123456789.5\n',
    types: { a: 'numeric' },
    rows: '1\n2.25\n-0.000001\n123456789.5\n',
  },
  {
    name: '30 digits',
    body: 'a\n12345678901234567890.123456789\n1.5\n',
    types: { a: 'numeric' },
    rows: '12345678901234567890.123456789\n1.5\n',
  },
  {
    name: 'more digits than there are',
    body: `a\n1.5\n${'1'.repeat(40)}\n`,
    types: { a: 'text' },
    rows: `1.5\n${'1'.repeat(40)}\n`,
  },
  { name: 'exponents', body: 'a\n1.5\n1e3\n', types: { a: 'text' }, rows: '1.5\n1e3\n' },
  { name: 'NaN', body: 'a\n1.5\nNaN\n', types: { a: 'text' }, rows: '1.5\nNaN\n' },
  { name: 'truth', body: 'a\ntrue\nFALSE\n', types: { a: 'bool' }, rows: 't\nf\n' },
  { name: 'zeros and ones', body: 'a\n0\n1\n', types: { a: 'int8' }, rows: '0\n1\n' },
  { name: 'yes and no', body: 'a\nyes\nno\n', types: { a: 'text' }, rows: 'yes\nno\n' },
  { name: 'days', body: 'a\n2020-02-29\n1900-01-01\n', types: { a: 'date' }, rows: '2020-02-29\n1900-01-01\n' },
  {
    name: 'a day that is none',
    body: 'a\n2020-02-28\n2021-02-29\n',
    types: { a: 'text' },
    rows: '2020-02-28\n2021-02-29\n',
  },
  {
    name: 'days in two styles',
    body: 'a\n2020-02-28\n02/28/2020\n',
    types: { a: 'text' },
    rows: '2020-02-28\n02/28/2020\n',
  },
  { name: 'infinity is no day', body: 'a\n2020-02-28\ninfinity\n', types: { a: 'text' } },
  {
    name: 'local times',
    body: 'a\n2020-01-01T10:00:00\n2020-01-01 10:00:00.123456\n',
    types: { a: 'timestamp' },
    rows: '2020-01-01T10:00:00.000\n2020-01-01T10:00:00.123456\n',
  },
  {
    name: 'nanoseconds',
    body: 'a\n2020-01-01T10:00:00.123456789\n',
    types: { a: 'text' },
    rows: '2020-01-01T10:00:00.123456789\n',
  },
  {
    name: 'times in UTC',
    body: 'a\n2020-01-01T10:00:00Z\n2020-01-01T11:30:00Z\n',
    types: { a: 'timestamptz' },
    rows: '2020-01-01 10:00:00+00\n2020-01-01 11:30:00+00\n',
  },
  { name: 'times with and without zone', body: 'a\n2020-01-01T10:00:00Z\n2020-01-01T11:30:00\n', types: { a: 'text' } },
  {
    name: 'times of other zones',
    body: 'a\n2020-01-01T10:00:00+02:00\n',
    types: { a: 'text' },
    rows: '2020-01-01T10:00:00+02:00\n',
  },
  { name: 'days and times', body: 'a\n2020-01-01\n2020-01-01T11:30:00\n', types: { a: 'text' } },
  { name: 'no value at all', body: 'a,b\n,1\n,2\n', types: { a: 'text', b: 'int8' }, rows: ',1\n,2\n' },
  { name: 'nulls and empty texts', body: 'a,b\n"",x\n,y\n', types: { a: 'text' }, rows: '"",x\n,y\n' },
]

/** What shows only far behind the beginning. */
export const late: readonly FileCase[] = [
  ['leading zeros', '007', 'text'],
  ['a fraction', '1.25', 'numeric'],
  ['a word', 'x', 'text'],
  ['a number beyond int8', '92233720368547758080', 'text'],
].map(([name, last, type]) => ({
  name: `${name} in the last of 20,000 rows`,
  body: `a\n${Array.from({ length: 20_000 }, (_, row) => row).join('\n')}\n${last}\n`,
  types: { a: type as string },
  rows: `${Array.from({ length: 20_000 }, (_, row) => row).join('\n')}\n${last}\n`,
}))

export const shapes: readonly FileCase[] = [
  { name: 'CRLF', body: 'a,b\r\n1,x\r\n2,y\r\n', rows: '1,x\n2,y\n' },
  { name: 'CR alone', body: 'a,b\r1,x\r2,y\r', rows: '1,x\n2,y\n' },
  {
    name: 'LF first, CRLF later',
    body: `a,b\n${'1,x\n'.repeat(300_000)}2,y\r\n3,z\r\n`,
    query: '',
    types: { a: 'int8', b: 'text' },
  },
  { name: 'CRLF with LF in a cell', body: 'a,b\r\n1,"x\ny"\r\n2,z\r\n', rows: '1,"x\ny"\n2,z\n' },
  { name: 'LF with CRLF in a cell', body: 'a,b\n1,"x\r\ny"\n2,z\n', rows: '1,"x\r\ny"\n2,z\n' },
  { name: 'no line end at the end', body: 'a,b\n1,x\n2,y', rows: '1,x\n2,y\n' },
  { name: 'empty lines', body: '\n\na,b\n1,x\n\n2,y\n\n\n', rows: '1,x\n2,y\n' },
  { name: 'semicolons', body: 'a;b\n1;x,y\n2;z\n', rows: '1,"x,y"\n2,z\n' },
  { name: 'pipes', body: 'a|b\n1|x\n2|z\n', rows: '1,x\n2,z\n' },
  { name: 'tabs in a csv', body: 'a\tb\n1\tx\n', rows: '1,x\n' },
  { name: 'tsv', body: 'a\tb\n1\t"x\ty"\n', query: 'format=tsv', rows: '1,x\ty\n' },
  { name: 'a given delimiter', body: 'a:b\n1:x\n', query: 'delimiter=:', rows: '1,x\n' },
  { name: 'single quotes', body: "a,b\n1,'x,y'\n2,'z'\n", rows: '1,"x,y"\n2,z\n' },
  {
    name: 'single quotes that nothing needs',
    body: "a,b\n1,'Bobby'\n2,'s-Hertogenbosch\n3,''y''\n",
    rows: "1,'Bobby'\n2,'s-Hertogenbosch\n3,''y''\n",
  },
  { name: 'doubled quotes', body: 'a,b\n1,"x ""y"" z"\n', rows: '1,"x ""y"" z"\n' },
  { name: 'a quote within a cell', body: 'a,b\n1,5" pipe\n', rows: '1,"5"" pipe"\n' },
  { name: 'a header alone', body: 'a,b\n', types: { a: 'text', b: 'text' }, rows: '' },
  { name: 'a trailing comma everywhere', body: 'a,b,\n1,x,\n2,y,\n', rows: '1,x\n2,y\n' },
  { name: 'UTF-8 with a mark', body: '\ufeffa,b\n1,ü\n', types: { a: 'int8' }, rows: '1,ü\n' },
  { name: 'UTF-16LE with a mark', body: utf16('\ufeffa,b\n1,ü€😀\n'), rows: '1,ü€😀\n' },
  { name: 'UTF-16BE with a mark', body: utf16('\ufeffa,b\n1,ü€😀\n', true), rows: '1,ü€😀\n' },
  { name: 'UTF-16LE declared', body: utf16('a,b\n1,ü\n'), query: 'encoding=utf-16le', rows: '1,ü\n' },
  { name: 'Latin-1 declared', body: latin1('a,b\n1,Müller\n'), query: 'encoding=latin1', rows: '1,Müller\n' },
  { name: 'gzip by its content', body: new Uint8Array(gzipSync('a,b\n1,x\n')), rows: '1,x\n' },
  {
    name: 'gzip by its header',
    body: new Uint8Array(gzipSync('a,b\n1,x\n')),
    headers: { 'Content-Encoding': 'gzip' },
    rows: '1,x\n',
  },
  { name: 'a form', body: form('x.csv', 'a,b\n1,x\n'), rows: '1,x\n' },
  {
    name: 'a form with parameters and another format',
    body: form('x.ndjson', '{"a":1,"b":"x"}\n', { on_error: 'abort' }),
    rows: '1,x\n',
  },
  {
    name: 'ndjson',
    body: '{"a":1,"b":"x"}\n\n{"b":"y","a":null}\n',
    query: 'format=ndjson',
    types: { a: 'int8', b: 'text' },
    rows: '1,x\n,y\n',
  },
  {
    name: 'json',
    body: ' [ {"a":1.10,"b":"1"} , {"a":12345678901234567890.123456789,"b":"007"} ] ',
    query: 'format=json',
    types: { a: 'numeric', b: 'text' },
    rows: '1.1,1\n12345678901234567890.123456789,007\n',
  },
  {
    name: 'ndjson by its type',
    body: '{"a":true,"b":{"c":[1,"}"]}}\n',
    headers: { 'Content-Type': 'application/x-ndjson' },
    types: { a: 'bool', b: 'jsonb' },
    rows: 't,"{""c"":[1,""}""]}"\n',
  },
  { name: 'an empty list', body: '[]', query: 'format=json', types: {}, rows: '' },
]

/** A file that must be refused, and what is said about it. */
export interface BadFile extends FileCase {
  status?: number
  error: object
}

export const refused: readonly BadFile[] = [
  {
    name: 'gzip cut short',
    body: new Uint8Array(gzipSync(`a,b\n${'1,x\n'.repeat(5000)}`).subarray(0, -20)),
    error: { file: [/damaged or cut short/] },
  },
  {
    name: 'Latin-1 that nobody declared',
    body: latin1('a,b\n1,x\n2,Müller\n'),
    error: { records: [/not UTF-8/], records_row: 1 },
  },
  { name: 'Latin-1 in the header', body: latin1('a,Grüße\n1,x\n'), error: { encoding: [/not UTF-8/] } },
  {
    name: 'UTF-8 that is declared Latin-1',
    body: 'a,b\n1,Müller\n',
    query: 'encoding=latin1',
    error: { encoding: [/valid UTF-8/] },
  },
  {
    name: 'UTF-8 that is declared UTF-16',
    body: 'a,b\n1,x\n',
    query: 'encoding=utf-16le',
    error: { encoding: [/not UTF-16/] },
  },
  { name: 'UTF-16 that nobody declared', body: utf16('a,b\n1,x\n'), error: { encoding: [/zero bytes/] } },
  {
    name: 'an encoding that there is not',
    body: 'a\n1\n',
    query: 'encoding=ebcdic',
    error: { encoding: [/must be one of/] },
  },
  { name: 'JSON as csv', body: '[{"a":1}]', error: { format: [/JSON/] } },
  { name: 'csv as JSON', body: 'a,b\n1,2\n', query: 'format=json', error: { format: [/not json/] } },
  { name: 'csv as Parquet', body: 'a,b\n1,2\n', query: 'format=parquet', error: { format: [/not parquet/] } },
  { name: 'Parquet as csv', body: 'PAR1....', error: { format: [/Parquet/] } },
  { name: 'Parquet that ends', body: 'PAR1 and no more', query: 'format=parquet', error: { format: [/Parquet/] } },
  { name: 'a spreadsheet', body: 'PK\u0003\u0004 and so on', error: { format: [/spreadsheet/] } },
  { name: 'a web page', body: '<!DOCTYPE html><html></html>', error: { format: [/web page/] } },
  { name: 'nothing', body: '', status: 409, error: { file: [/empty/] } },
  {
    name: 'a row that is short',
    body: 'a,b\n1,2\n\n3\n4,5\n',
    error: { records: [/1 cells, the header 2/], records_row: 1, bad_cells: [{ row: 1, line: 4 }] },
  },
  {
    name: 'a row that is long',
    body: 'a,b\n1,2\n"x\ny",1\n3,4,5\n',
    error: { records: [/3 cells, the header 2/], records_row: 2, bad_cells: [{ row: 2, line: 5 }] },
  },
  { name: 'a quote that never ends', body: 'a,b\n1,2\n3,"4\n5,6\n', error: { records: [/quoted/], records_row: 1 } },
  { name: 'two columns of one name', body: 'a,a\n1,2\n', error: { field: [/Duplicate/] } },
  {
    name: 'a column without a name',
    body: 'a,,b\n1,2,3\n',
    error: { message: 'fields: the header has no name for column 2', fields: [{}, { id: ['Missing value'] }, {}] },
  },
  { name: 'JSON that ends', body: '[{"a":1},', query: 'format=json', error: { file: [/ends in the middle/] } },
  { name: 'JSON that is none', body: '{"a":1}\n{"a":1 2}\n', query: 'format=ndjson', error: { records_row: 0 } },
  {
    name: 'a list in ndjson',
    body: '{"a":1}\n[1]\n',
    query: 'format=ndjson',
    error: { records: [/row "1" is not a json object/] },
  },
  { name: 'a parameter that there is not', body: 'a\n1\n', query: 'mehtod=insert', error: { __extras: [/mehtod/] } },
  {
    name: 'a schema that is none',
    body: 'a\n1\n',
    query: 'schema={"fields":[{"name":"a","type":"strnig"}]}',
    error: { schema: [/must be one of/] },
  },
  { name: 'upsert without a key', body: 'a\n1\n', query: 'method=upsert', error: { table: [/unique key/] } },
]

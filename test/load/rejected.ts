/** A file with rows that can't be stored, and the file of those rows. */
export interface RejectedCase {
  name: string
  query?: string
  body: string
  /** How many of its rows are stored. */
  rows: number
  /** The header and the records of the file of rejected rows. */
  file: string
}

const SIZE = 'invalid input syntax for type bigint'
const cells = (found: number) => `the row has ${found} cells, the header 3`
const QUOTE = 'a quoted value does not end, or goes on behind its closing quote'
const TOP = '_row,_line,_error,_record'
const NAMES = 'name,size,day'

/** Into a table of `name` (text), `size` (integer) and `day` (date). */
export const rejected: readonly RejectedCase[] = [
  {
    name: 'a bad cell',
    body: `${NAMES}\na,1,\nb,x,2020-01-01\nc,3,\n`,
    rows: 2,
    file: `${TOP},${NAMES}\n1,3,"${SIZE}: ""x""",,b,x,2020-01-01\n`,
  },
  {
    name: 'two bad cells of a row: the first is named',
    body: `${NAMES}\na,x,y\n`,
    rows: 0,
    file: `${TOP},${NAMES}\n0,2,"${SIZE}: ""x""",,a,x,y\n`,
  },
  {
    name: 'the sentences of what has the form of a value and is none',
    body: `${NAMES}\na,9223372036854775808,\nb,1,2020-02-30\n`,
    rows: 0,
    file: `${TOP},${NAMES}\n0,2,"value ""9223372036854775808"" is out of range for type bigint",,a,9223372036854775808,\n1,3,"date/time field value out of range: ""2020-02-30""",,b,1,2020-02-30\n`,
  },
  {
    name: 'unicode, quotes and line breaks',
    body: `day,name,size\n,"ü€😀 ""q""\n2nd, line",x\n,'',"6""7"\n,"""",2\n`,
    rows: 1,
    file: `${TOP},day,name,size\n0,2,"${SIZE}: ""x""",,,"ü€😀 ""q""\n2nd, line",x\n1,4,"${SIZE}: ""6""7""",,,'',"6""7"\n`,
  },
  {
    name: 'a text of which a sentence shows the beginning',
    body: `${NAMES}\na,${'é'.repeat(200)},\n`,
    rows: 0,
    file: `${TOP},${NAMES}\n0,2,"${SIZE}: ""${'é'.repeat(100)}…""",,a,${'é'.repeat(200)},\n`,
  },
  {
    name: 'empty texts stay apart from nothing',
    body: `${NAMES}\n"",x,\n,y,\n`,
    rows: 0,
    file: `${TOP},${NAMES}\n0,2,"${SIZE}: ""x""",,"",x,\n1,3,"${SIZE}: ""y""",,,y,\n`,
  },
  {
    name: 'records that are none beside bad cells and empty lines',
    body: `${NAMES}\na,1,\n\nb\n"c\nd",x,\n1,2,3,4,5\n\n\ne,y,\nf,"6"z,\ng,7,\nh,z,\ni,"8\n`,
    rows: 2,
    file:
      `${TOP},${NAMES}\n1,4,"${cells(1)}",b,,,\n2,5,"${SIZE}: ""x""",,"c\nd",x,\n3,7,"${cells(5)}","1,2,3,4,5",,,\n` +
      `4,10,"${SIZE}: ""y""",,e,y,\n5,11,"${QUOTE}","f,""6""z,",,,\n7,13,"${SIZE}: ""z""",,h,z,\n8,14,"${QUOTE}","i,""8",,,\n`,
  },
  {
    name: 'line breaks inside of records that are none',
    body: `${NAMES}\n"a\nb",1\nc,x,\n"d\n\ne"f,1,\n\ng,y,\nh,1,\n`,
    rows: 1,
    file:
      `${TOP},${NAMES}\n0,2,"${cells(2)}","""a\nb"",1",,,\n1,4,"${SIZE}: ""x""",,c,x,\n` +
      `2,5,"${QUOTE}","""d\n\ne""f,1,",,,\n3,9,"${SIZE}: ""y""",,g,y,\n`,
  },
  {
    name: 'tsv, in another encoding of its lines',
    query: 'format=tsv',
    body: 'name\tsize\r\na\tx\r\n"b\tc"\ty\r\nd\t1\r\n',
    rows: 1,
    file: `${TOP},name,size\n0,2,"${SIZE}: ""x""",,a,x\n1,3,"${SIZE}: ""y""",,b\tc,y\n`,
  },
  {
    name: "the file's own columns, also those that are passed over",
    body: '_id,size\n7,x\n8,1\n',
    rows: 1,
    file: `${TOP},_id,size\n0,2,"${SIZE}: ""x""",,7,x\n`,
  },
  {
    name: 'ndjson: records that engines see and others',
    query: 'format=ndjson',
    body: '{"name":"a","size":"x"}\n{"name":"b","size":{"a":"ü\\""}}\n{"nome":"c"}\n{"name":"d","size":1}\n{"name":"e\\n","size":"y"}\n{"name":"f" 2}\n{"size":"z"}\n',
    rows: 1,
    file:
      `_row,_error,_record,name,size\n0,"${SIZE}: ""x""",,a,x\n1,*,"{""name"":""b"",""size"":{""a"":""ü\\""""}}",,\n` +
      `2,*,"{""nome"":""c""}",,\n4,"${SIZE}: ""y""",,"e\n",y\n5,*,"{""name"":""f"" 2}",,\n6,"${SIZE}: ""z""",,,z\n`,
  },
  {
    name: 'json: no record is left',
    query: 'format=json',
    body: '[{"size":true}, {"size":[1]}]',
    rows: 0,
    file: '_row,_error,_record\n0,*,"{""size"":true}"\n1,*,"{""size"":[1]}"\n',
  },
]

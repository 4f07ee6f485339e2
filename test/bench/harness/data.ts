/** Every value follows from this number and the row's own, by DuckDB's `hash`. */
export const SEED = 20261122

export interface Size {
  /** The table's id. */
  table: string
  rows: number
}

export const SMALL: Size = { table: 'rows-100k', rows: 100_000 }
export const MEDIUM: Size = { table: 'rows-1m', rows: 1_000_000 }
export const LARGE: Size = { table: 'rows-10m', rows: 10_000_000 }

interface Column {
  name: string
  /** The type that it is created with. */
  type: string
  /** DuckDB's type for reading it from a file. */
  read: string
  /** SQL of its value in the row numbered `i`; `h(n)` stands for the n-th number below 2^32 of that row. */
  value: string
}

/** A word in about 37 % of the rows, and one in about 0.34 %. */
export const FREQUENT = 'river'
export const RARE = 'quasar'

const WORDS =
  'stone maple harbor silver meadow lantern copper valley orchard bridge ember willow canyon marble prairie cedar ' +
  'falcon garden island juniper kettle ladder mirror needle ocean paper quarry ribbon saddle timber umbrella velvet'

const words = `[${WORDS.split(' ')
  .map((word) => `'${word}'`)
  .join(', ')}]`
const word = (n: number) => `${words}[1 + h(${n}) % 32]`
const sentence = [10, 11, 12, 13, 14, 15, 16].map(word).join(` || ' ' || `)

/**
 * No number is longer than 15 digits or ends in a zero after the point: those take another way in, which has its own
 * work (`LONG_AMOUNT`).
 */
export const columns: readonly Column[] = [
  { name: 'id', type: 'int', read: 'INTEGER', value: 'i' },
  { name: 'cat', type: 'text', read: 'VARCHAR', value: `'category ' || lpad((h(1) % 50)::VARCHAR, 2, '0')` },
  {
    name: 'note',
    type: 'text',
    read: 'VARCHAR',
    value: `CASE WHEN h(2) % 20 > 0 THEN concat(${sentence}, CASE WHEN h(3) % 100 < 39 THEN ' ${FREQUENT}' END, CASE WHEN h(4) % 10000 < 36 THEN ' ${RARE}' END) END`,
  },
  {
    name: 'amount',
    type: 'numeric',
    read: 'DECIMAL(18,2)',
    value: '((h(5) % 9999999) * 10 + 1 + h(6) % 9)::DECIMAL(18,0) * 0.01',
  },
  { name: 'ratio', type: 'float8', read: 'DOUBLE', value: '(2 * (h(7) % 500000) + 1) / 1024' },
  { name: 'flag', type: 'bool', read: 'BOOLEAN', value: 'h(8) % 3 = 0' },
  { name: 'day', type: 'date', read: 'DATE', value: `DATE '2000-01-01' + (h(9) % 9000)::INTEGER` },
  { name: 'seen', type: 'timestamp', read: 'TIMESTAMP', value: `TIMESTAMP '2020-01-01' + to_milliseconds(h(17) * 31)` },
  { name: 'ref', type: 'int', read: 'INTEGER', value: 'CASE WHEN h(18) % 10 > 0 THEN h(19) % 2000000000 END' },
  { name: 'tags', type: 'json', read: 'JSON', value: `'["' || ${word(20)} || '","' || ${word(21)} || '"]'` },
]

/** An amount of 19 digits: more than a JSON parser keeps. */
export const LONG_AMOUNT = `('12345678901' || lpad((h(5) % 1000000)::VARCHAR, 6, '0') || '.' || (11 + h(6) % 9)::VARCHAR)`

/** The column of the first name is `primary_key`, that of the second in `indexes`. */
export const KEY = 'id'
export const INDEXED = 'ref'

/** A SELECT of the rows numbered from `first` to `last`, the same ones each time. */
export function rowsSql(first: number, last: number, { salt = 0, long = false } = {}): string {
  const values = columns.map(({ name, value }) => `${long && name === 'amount' ? LONG_AMOUNT : value} AS ${name}`)
  const hashed = values
    .join(', ')
    .replace(/\bh\((\d+)\)/g, (_, n) => `(hash(i * 64 + ${n}, ${SEED + salt}) >> 32)::BIGINT`)
  return `SELECT ${hashed} FROM (SELECT unnest(range(${first}, ${last + 1})) AS i)`
}

/** A JSON array of those rows, as one text. */
export function recordsSql(first: number, last: number, options?: { salt?: number; long?: boolean }): string {
  const members = columns.map(({ name, read }) => {
    if (read === 'TIMESTAMP') return `strftime(${name}, '%Y-%m-%dT%H:%M:%S.%g')`
    return read === 'JSON' ? `${name}::JSON` : name
  })
  const object = `json_object(${columns.map(({ name }, index) => `'${name}', ${members[index]}`).join(', ')})::VARCHAR`
  const text = options?.long ? `regexp_replace(${object}, '"amount":"([0-9.]+)"', '"amount":\\1')` : object
  return `SELECT '[' || string_agg(${text}, ',' ORDER BY id) || ']' FROM (${rowsSql(first, last, options)})`
}

/** `{'id': 'INTEGER', …}` for `read_csv` and `read_json`. */
export const readColumns = `{${columns.map(({ name, read }) => `'${name}': '${read}'`).join(', ')}}`

export const fields = columns.map(({ name, type }) => ({ id: name, type }))

import type { ColumnType, Family } from '../../../core/field-types.ts'

/** How each family is kept in BigQuery: one row each. */
interface StorageRow {
  /** As a column is declared. */
  declared(column: ColumnType): string
  /** SQL of the value that `text`, a text from `readValue`, stands for. */
  fromText(text: string): string
  /** Whether rows can be kept together by it. */
  clusters: boolean
}

const plain = (type: string, clusters = true): StorageRow => ({
  declared: () => type,
  fromText: (text) => (type === 'STRING' ? text : `CAST(${text} AS ${type})`),
  clusters,
})

const rows: Readonly<Record<Family, StorageRow>> = {
  integer: plain('INT64'),
  numeric: { declared: numericType, fromText: (text) => `CAST(${text} AS BIGNUMERIC)`, clusters: true },
  float: plain('FLOAT64', false),
  boolean: plain('BOOL'),
  text: plain('STRING'),
  date: plain('DATE'),
  time: plain('TIME', false),
  timestamp: plain('DATETIME'),
  timestamptz: {
    declared: () => 'TIMESTAMP',
    fromText: (text) => `TIMESTAMP_MICROS(CAST(${text} AS INT64))`,
    clusters: true,
  },
  // PostgreSQL's json keeps the text, its jsonb the value.
  json: {
    declared: ({ type }) => (type.name === 'jsonb' ? 'JSON' : 'STRING'),
    fromText: (text) => text,
    clusters: false,
  },
  uuid: plain('STRING'),
  opaque: plain('STRING'),
}

/** BigQuery's ARRAY holds no NULL and does not tell an empty one from none, so lists are kept as JSON texts. */
const list = plain('STRING', false)

/** Whole digits and decimals that a NUMERIC holds; it takes half the room of a BIGNUMERIC. */
const NUMERIC = { whole: 29, decimals: 9 }

function numericType({ modifier }: ColumnType): string {
  if (!modifier) return 'BIGNUMERIC'
  const [precision, scale] = modifier as [number, number]
  const fits = precision - scale <= NUMERIC.whole && scale <= NUMERIC.decimals
  return `${fits ? 'NUMERIC' : 'BIGNUMERIC'}(${precision}, ${scale})`
}

function storageOf(column: ColumnType): StorageRow {
  return column.array ? list : rows[column.type.family]
}

/** The type that a column is declared with: `NUMERIC(10, 2)`. */
export function storageType(column: ColumnType): string {
  return storageOf(column).declared(column)
}

/** The type without its parameters, which casts don't take: `NUMERIC`. */
export function castType(column: ColumnType): string {
  return storageType(column).replace(/\(.*/, '')
}

/** SQL of the value that a text from `readValue` stands for, in the type of the column. */
export function valueSql(text: string, column: ColumnType): string {
  if (castType(column) === 'JSON') return `PARSE_JSON(${text}, wide_number_mode => 'exact')`
  if (castType(column) === 'NUMERIC') return `CAST(${text} AS NUMERIC)`
  return storageOf(column).fromText(text)
}

/** TO_JSON_STRING makes a text of NULL, too. */
function jsonText(value: string): string {
  return `IF(${value} IS NULL, NULL, TO_JSON_STRING(${value}))`
}

/** SQL of the text that the REST API sends of a value: null for null. */
export function textSql(value: string, column: ColumnType): string {
  const type = castType(column)
  if (type === 'STRING') return value
  if (type === 'JSON') return jsonText(value)
  return `CAST(${type === 'TIMESTAMP' ? `UNIX_MICROS(${value})` : value} AS STRING)`
}

/** Whether a table can be clustered by the column, and the column be part of a declared key. */
export function canCluster(column: ColumnType): boolean {
  return storageOf(column).clusters
}

const JSON_BLANKS = String.raw`r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+'`

/** SQL of a value that can be sorted and told from others: JSON as its text. Null stays null. */
export function orderable(value: string, column: ColumnType): string {
  return castType(column) === 'JSON' ? jsonText(value) : value
}

/** SQL of a value by which equal ones are told; JSON texts are alike but for white space. */
export function comparable(value: string, column: ColumnType): string {
  if (column.type.family !== 'json' || castType(column) === 'JSON' || column.array) return orderable(value, column)
  return `REGEXP_REPLACE(${value}, ${JSON_BLANKS}, r'\\1')`
}

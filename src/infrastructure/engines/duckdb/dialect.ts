import type { ColumnType, Family } from '../../../core/field-types.ts'
import type { Column } from '../../../core/table-schema.ts'
import { MONTH_FIRST_DAY, TRUE_WORDS, textPattern } from '../../../core/values.ts'
import type { FilterDialect } from '../sql/filter.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'

/**
 * How each family is stored, read from text and written as text in DuckDB: one row each. Only storage types that
 * DuckLake holds exactly, too.
 */
interface FamilyRow {
  storage: string
  /** The value of `raw`, a text that matches the family's pattern; NULL when it is out of range. */
  fromText(raw: string, storage: string, column: StoredType): string
  /** JSON text of a value that is not null. */
  json(value: string, column: StoredType): string
  /** Text of a value that is not null, as PostgreSQL's COPY writes it. */
  csv(value: string, column: StoredType): string
  /** Whether csv text may need quotes. */
  quoted?: boolean
}

/** A column type with its digits after the point, which only the storage knows of a `numeric` without modifier. */
export interface StoredType {
  readonly type: ColumnType
  readonly scale: number
}

const quoted = (text: string) => `'"' || ${text} || '"'`
const cast = (raw: string, storage: string) => `TRY_CAST(${raw} AS ${storage})`

/** `12/31/2020` as PostgreSQL reads it, and no blank before an offset, which DuckDB would not read. */
const day = (raw: string) =>
  `regexp_replace(regexp_replace(trim(${raw}), ${quoteLiteral(MONTH_FIRST_DAY)}, '\\3-\\1-\\2'), '\\s+([+-]\\d|Z|UTC)', '\\1', 'i')`

/** A clock without seconds before an offset, which DuckDB would not read either: looked at only where it could not. */
const withSeconds = (raw: string) =>
  `regexp_replace(${raw}, '^(.*[ T]\\d{1,2}:\\d{2})\\s*(Z|UTC|[+-]\\d{1,2}(:?\\d{2})?)$', '\\1:00\\2', 'i')`

const moment = (raw: string, storage: string) =>
  `coalesce(${cast(day(raw), storage)}, ${cast(withSeconds(day(raw)), storage)})`

/** A 128-bit decimal takes twenty times as long to write or read as one that fits 64 bits. */
const wide = (expression: (type: string) => string, scale: number) =>
  scale > 18
    ? expression(`DECIMAL(38,${scale})`)
    : `coalesce(${expression(`DECIMAL(18,${scale})`)}, ${expression(`DECIMAL(38,${scale})`)})`

/** One expression each, as short as can be: for a small page DuckDB spends more time on planning than on rows. */
const decimalText = (value: string, { type, scale }: StoredType) => {
  const bound = `1${'0'.repeat(Math.max(0, 17 - scale))}`
  const isNarrow = type.modifier !== undefined && (type.modifier[0] as number) <= 18
  const text =
    scale > 17 || isNarrow
      ? `${value}::VARCHAR`
      : `CASE WHEN ${value} BETWEEN -${bound} AND ${bound} THEN ${value}::DECIMAL(18,${scale})::VARCHAR ELSE ${value}::VARCHAR END`
  return type.modifier || scale === 0 ? text : `regexp_replace(${text}, '\\.?0+$', '')`
}

/** Only a whole number is written with a `.0`; a regular expression takes as long as the number itself. */
const doubleText = (value: string, quote: string) =>
  `CASE WHEN ${value} <> trunc(${value}) THEN ${value}::VARCHAR ` +
  `WHEN isfinite(${value}) THEN regexp_replace(${value}::VARCHAR, '\\.0$', '') ` +
  `WHEN isnan(${value}) THEN '${quote}NaN${quote}' WHEN ${value} > 0 THEN '${quote}Infinity${quote}' ` +
  `WHEN ${value} < 0 THEN '${quote}-Infinity${quote}' END`

/** Three decimals, six where they are needed (contract §10.2 row 35). */
const timestampText = (value: string) =>
  `CASE WHEN microsecond(${value}) % 1000 = 0 THEN strftime(${value}, '%Y-%m-%dT%H:%M:%S.%g') ELSE strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f') END`

const plainTimestampText = (value: string) => `replace(${value}::VARCHAR, ' ', 'T')`

export interface Dialect extends FilterDialect {
  storage(column: StoredType): string
  /** SQL that reads `raw` as a value of the column: NULL when it is not one. `raw` itself is not null. */
  fromText(raw: string, column: StoredType): string
  /**
   * SQL that reads a plainly written text (`Records.plain`) with at most `scale` digits after the point: it fails where the
   * value is out of range. Undefined: the column does not hold so many digits.
   */
  fromPlainText(raw: string, column: StoredType, scale: number): string | undefined
  /** JSON text of a column, `null` for null. */
  json(value: string, column: StoredType): string
  /** A column's value as plain text; NULL for null. */
  text(value: string, column: StoredType): string
  /** csv text of a column without quotes; NULL where the cell is empty. */
  csvValue(value: string, column: StoredType): string
  /** csv text of a column with quotes where needed, never NULL. */
  csvCell(value: string, column: StoredType, delimiter: string): string
  stored(column: Column): StoredType
}

export interface DialectOptions {
  /** Timestamps always carry milliseconds (contract §10.1). */
  msInTimestamp: boolean
  scaleOf(column: Column): number
  /** What items of a list of JSON texts are stored as. */
  jsonItems?: 'JSON' | 'VARCHAR'
}

/** DuckDB's SQL for the shared field types. */
export function createDialect({ msInTimestamp, scaleOf, jsonItems = 'JSON' }: DialectOptions): Dialect {
  const families = familyRows(msInTimestamp ? timestampText : plainTimestampText)
  const rowOf = ({ type }: StoredType) => families[type.type.family]
  const elementStorage = (column: StoredType) => storageOf(column, rowOf(column))

  const storage = (column: StoredType) => {
    if (!column.type.array) return elementStorage(column)
    return `${column.type.type.family === 'json' ? jsonItems : elementStorage(column)}[]`
  }

  const elementFromText = (raw: string, column: StoredType) => {
    const pattern = textPattern(column.type)
    const value = rowOf(column).fromText(raw, elementStorage(column), column)
    return pattern === undefined
      ? value
      : `CASE WHEN regexp_full_match(${raw}, ${quoteLiteral(pattern)}, 'i') THEN ${value} END`
  }

  const arrayFromText = (raw: string, column: StoredType) => {
    const texts = `CAST(TRY_CAST(${raw} AS JSON) AS VARCHAR[])`
    const values = `list_transform(${texts}, x -> ${elementFromText('x', column)})`
    return `CASE WHEN len(list_filter(${values}, x -> x IS NULL)) = len(list_filter(${texts}, x -> x IS NULL)) THEN ${values} END`
  }

  const elements = (value: string, column: StoredType) =>
    `'[' || array_to_string(list_transform(${value}, x -> coalesce(CAST(${rowOf(column).json('x', column)} AS VARCHAR), 'null')), ',') || ']'`

  const jsonOf = (value: string, column: StoredType) =>
    column.type.array ? elements(value, column) : rowOf(column).json(value, column)

  const csvOf = (value: string, column: StoredType) =>
    column.type.array ? elements(value, column) : rowOf(column).csv(value, column)

  const csvNull = ({ type }: StoredType) => (type.array ? 'null' : type.type.csvNull)

  const stored = (column: Column): StoredType => ({
    type: column.type,
    scale: declaredScale(column.type) ?? scaleOf(column),
  })

  return {
    storage,
    stored,
    fromText: (raw, column) => (column.type.array ? arrayFromText(raw, column) : elementFromText(raw, column)),
    fromPlainText: (raw, column, scale) => {
      if (column.type.type.family !== 'numeric') return `CAST(${raw} AS ${storage(column)})`
      if (scale > column.scale) return undefined
      const narrow = column.scale > 18 ? raw : `CAST(${raw} AS DECIMAL(18,${column.scale}))`
      return `CAST(${narrow} AS ${storage(column)})`
    },
    json: (value, column) => `coalesce(${jsonOf(value, column)}, 'null')`,
    text: csvOf,
    csvValue: (value, column) => {
      const none = csvNull(column)
      return none === undefined ? csvOf(value, column) : `coalesce(${csvOf(value, column)}, ${quoteLiteral(none)})`
    },
    csvCell: (value, column, delimiter) => {
      const none = csvNull(column)
      const text = csvOf(value, column)
      const mayNeedQuotes = column.type.array || rowOf(column).quoted
      const cell = mayNeedQuotes ? csvQuoted(text, delimiter) : text
      return `coalesce(${cell}, ${quoteLiteral(none ?? '')})`
    },
    reference: (column) => comparable(`t.${quoteIdentifier(column.name)}`, column),
    value: (placeholder, column) => filterValue(placeholder, stored(column), storage(stored(column)), arrayFromText),
    exactRange: (column) => exactRange(stored(column)),
  }
}

function familyRows(timestamp: (value: string) => string): Readonly<Record<Family, FamilyRow>> {
  const text = {
    storage: 'VARCHAR',
    fromText: (raw: string) => raw,
    json: (value: string) => `to_json(${value})`,
    csv: (value: string) => value,
    quoted: true,
  }
  const asText = (value: string) => `${value}::VARCHAR`
  return {
    integer: { storage: 'BIGINT', fromText: cast, json: asText, csv: asText },
    numeric: {
      storage: 'DECIMAL',
      fromText: (raw, storage) => numericFromText(raw, storage),
      json: decimalText,
      csv: decimalText,
    },
    float: {
      storage: 'DOUBLE',
      // An overflow becomes infinite without a word: only a text that says so may.
      fromText: (raw, storage) =>
        `CASE WHEN isfinite(${cast(raw, storage)}) OR regexp_matches(${raw}, '[a-df-z]', 'i') THEN ${cast(raw, storage)} END`,
      json: (value) => doubleText(value, '"'),
      csv: (value) => doubleText(value, ''),
    },
    boolean: {
      storage: 'BOOLEAN',
      fromText: (raw) => `lower(trim(${raw})) IN (${TRUE_WORDS.map(quoteLiteral).join(', ')})`,
      json: asText,
      csv: (value) => `CASE ${value} WHEN TRUE THEN 't' WHEN FALSE THEN 'f' END`,
    },
    text,
    date: {
      storage: 'DATE',
      fromText: (raw, storage) => cast(day(raw), storage),
      json: (value) => quoted(asText(value)),
      csv: asText,
    },
    time: { storage: 'TIME', fromText: cast, json: (value) => quoted(asText(value)), csv: asText },
    timestamp: {
      storage: 'TIMESTAMP',
      fromText: moment,
      json: (value) => quoted(timestamp(value)),
      csv: timestamp,
    },
    timestamptz: {
      storage: 'TIMESTAMPTZ',
      fromText: moment,
      json: (value) => quoted(`replace(${value}::VARCHAR, ' ', 'T') || ':00'`),
      csv: asText,
    },
    json: {
      storage: 'JSON',
      // Line ends inside a JSON text are white space; in NDJSON they would end the record.
      fromText: (raw, storage) => cast(`translate(${raw}, '\n\r', '  ')`, storage),
      json: asText,
      csv: asText,
      quoted: true,
    },
    uuid: { storage: 'UUID', fromText: cast, json: (value) => quoted(asText(value)), csv: asText },
    opaque: { ...text, fromText: (raw, _storage, { type }) => opaqueText(`trim(${raw})`, type) },
  }
}

/** The one form in which PostgreSQL writes the values of a type that is kept as text, however they were sent. */
function opaqueText(raw: string, { type }: ColumnType): string {
  if (type.name === 'interval') {
    const read = `replace(TRY_CAST(${raw} AS INTERVAL)::VARCHAR, 'month', 'mon')`
    // DuckDB leaves out whatever follows a clock: `01:30 2 days` would lose the days.
    return `CASE WHEN regexp_matches(${raw}, ':.*[a-zA-Z]') THEN ${raw} ELSE coalesce(${read}, ${raw}) END`
  }
  return ['bytea', 'macaddr', 'inet', 'cidr'].includes(type.name) ? `lower(${raw})` : raw
}

const INTEGER_STORAGE: Readonly<Record<string, string>> = { int2: 'SMALLINT', int4: 'INTEGER', int8: 'BIGINT' }

function declaredScale({ type, modifier }: ColumnType): number | undefined {
  return type.modifier === 'precision' ? modifier?.[1] : undefined
}

function storageOf({ type, scale }: StoredType, row: FamilyRow): string {
  if (type.type.family === 'integer') return INTEGER_STORAGE[type.type.name] ?? row.storage
  if (type.type.name === 'float4') return 'FLOAT'
  if (type.type.family !== 'numeric') return row.storage
  return `DECIMAL(${type.modifier?.[0] ?? 38},${scale})`
}

function numericFromText(raw: string, storage: string): string {
  const scale = Number(/,(\d+)\)/.exec(storage)?.[1] ?? 0)
  const value = wide((decimal) => `TRY_CAST(TRY_CAST(${raw} AS ${decimal}) AS ${storage})`, scale)
  return `CASE WHEN ${textScale(raw)} <= ${scale} THEN ${value} END`
}

/** Digits after the point that a number's text needs, trailing zeros not counted. */
export function textScale(raw: string): string {
  const mantissa = (number: string) =>
    `CASE WHEN contains(${number}, '.') THEN length(rtrim(trim(${number}), '0')) - strpos(trim(${number}), '.') ELSE 0 END`
  const exponent = `coalesce(TRY_CAST(split_part(lower(${raw}), 'e', 2) AS INTEGER), 0)`
  return (
    `CASE WHEN contains(lower(${raw}), 'e') THEN greatest(0, ${mantissa(`split_part(lower(${raw}), 'e', 1)`)} - ${exponent}) ` +
    `ELSE ${mantissa(raw)} END`
  )
}

/** Digits before the point that a number's text needs. */
export function textWholeDigits(raw: string): string {
  const whole = (number: string) => `length(ltrim(split_part(trim(${number}), '.', 1), '+-0'))`
  const exponent = `coalesce(TRY_CAST(split_part(lower(${raw}), 'e', 2) AS INTEGER), 0)`
  return (
    `CASE WHEN contains(lower(${raw}), 'e') THEN greatest(0, ${whole(`split_part(lower(${raw}), 'e', 1)`)} + ${exponent}) ` +
    `ELSE ${whole(raw)} END`
  )
}

/** A text as a csv cell: quoted when it holds the delimiter, a quote or a line end, or nothing at all. */
function csvQuoted(text: string, delimiter: string): string {
  const needed = [delimiter, '"', '\n', '\r'].map((char) => `contains(${text}, ${quoteLiteral(char)})`).join(' OR ')
  return `CASE WHEN ${text} = '' OR ${needed} THEN '"' || replace(${text}, '"', '""') || '"' ELSE ${text} END`
}

function filterValue(
  placeholder: string,
  column: StoredType,
  storage: string,
  arrayFromText: (raw: string, column: StoredType) => string,
): string {
  const text = `CAST(${placeholder} AS VARCHAR)`
  if (column.type.array) return arrayFromText(text, column)
  const { family } = column.type.type
  if (family === 'boolean') return `(lower(trim(${text})) IN (${TRUE_WORDS.map(quoteLiteral).join(', ')}))`
  if (family === 'json') return `json(${text})`
  if (family === 'opaque') return opaqueText(`trim(${text})`, column.type)
  if (family === 'date') return `CAST(${day(text)} AS ${storage})`
  if (family !== 'timestamp' && family !== 'timestamptz') return `CAST(${text} AS ${storage})`
  return `coalesce(${cast(day(text), storage)}, CAST(${withSeconds(day(text))} AS ${storage}))`
}

/** JSON texts are equal when they are alike but for white space. */
function comparable(reference: string, { type }: Column): string {
  return type.type.family === 'json' && !type.array ? `json(${reference})` : reference
}

function exactRange({ type, scale }: StoredType): { scale: number; least: bigint; greatest: bigint } | undefined {
  if (type.array) return undefined
  if (type.type.range) return { scale: 0, least: type.type.range[0], greatest: type.type.range[1] }
  if (type.type.family !== 'numeric') return undefined
  const greatest = 10n ** BigInt(type.modifier?.[0] ?? 38) - 1n
  return { scale, least: -greatest, greatest }
}

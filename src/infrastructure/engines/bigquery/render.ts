import type { ColumnType, Family } from '../../../core/field-types.ts'
import type { DumpFormat, RecordsFormat } from '../engine.ts'
import type { RestCell } from './rest.ts'

/** A column of a result: its name there, its type, and how many digits its numbers show. */
export interface ResultCell {
  name: string
  type: ColumnType
}

export interface RenderOptions {
  /** Timestamps always carry milliseconds (contract §10.1). */
  msInTimestamp: boolean
}

type Raw = string | null

/** How one family is written (contract §4.6). What stands in a cell is what the REST API sends. */
interface FamilyRow {
  json(raw: string, column: ColumnType, options: RenderOptions): string
  csv(raw: string, column: ColumnType, options: RenderOptions): string
}

const verbatim: FamilyRow = { json: (raw) => raw, csv: (raw) => raw }
const quotedText: FamilyRow = { json: jsonString, csv: (raw) => raw }

const rows: Readonly<Record<Family, FamilyRow>> = {
  integer: verbatim,
  numeric: { json: numberText, csv: numberText },
  float: {
    json: (raw, column) => {
      const text = floatText(raw, column)
      return /^[-\d]*\d/.test(text) ? text : `"${text}"`
    },
    csv: floatText,
  },
  boolean: { json: (raw) => raw.toLowerCase(), csv: (raw) => (raw.toLowerCase() === 'true' ? 't' : 'f') },
  text: quotedText,
  date: { json: (raw) => `"${raw}"`, csv: (raw) => raw },
  time: { json: (raw) => `"${timeText(raw)}"`, csv: timeText },
  timestamp: {
    json: (raw, _column, options) => `"${timestampText(raw, options)}"`,
    csv: (raw, _column, options) => timestampText(raw, options),
  },
  timestamptz: {
    json: (raw) => `"${utcText(raw).replace(' ', 'T')}+00:00"`,
    csv: (raw) => `${utcText(raw)}+00`,
  },
  json: verbatim,
  uuid: { json: (raw) => `"${raw}"`, csv: (raw) => raw },
  opaque: quotedText,
}

/** As PostgreSQL writes it: control characters by upper-case codes. */
export function jsonString(text: string): string {
  return JSON.stringify(text).replace(/\\(?:u00[0-9a-f]{2}|.)/g, (code) =>
    code.startsWith('\\u00') ? `\\u00${code.slice(4).toUpperCase()}` : code,
  )
}

/** All digits; zeros behind the last one only where the declared scale wants them. */
function numberText(raw: string, { modifier }: ColumnType): string {
  const text = /e/i.test(raw) ? withoutExponent(raw) : raw
  const [whole = '0', fraction = ''] = text.split('.')
  if (modifier) {
    const scale = modifier[1] as number
    return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0').slice(0, scale)}`
  }
  const digits = fraction.replace(/0+$/, '')
  return digits === '' ? whole : `${whole}.${digits}`
}

function withoutExponent(raw: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)\.?(\d*)e([+-]?\d+)$/i.exec(raw) ?? []
  const point = whole.length + Number(exponent)
  const digits = (whole + fraction).padEnd(point, '0')
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** The shortest digits that give the value back; an exponent has two. */
function floatText(raw: string, { type }: ColumnType): string {
  if (/nan/i.test(raw)) return 'NaN'
  if (/inf/i.test(raw)) return raw.startsWith('-') ? '-Infinity' : 'Infinity'
  const value = Number(raw)
  return (type.name === 'float4' ? singleText(value) : String(value)).replace(/e([+-])(\d)$/, 'e$10$2')
}

function singleText(value: number): string {
  for (let digits = 1; digits <= 9; digits += 1) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === value) return String(text)
  }
  return String(value)
}

/** `10:05:00.5`: a fraction without zeros at its end. */
function timeText(raw: string): string {
  return raw.includes('.') ? raw.replace(/\.?0+$/, '') : raw
}

/** Three decimals, six where they are needed (contract §10.2 row 35). */
function timestampText(raw: string, { msInTimestamp }: RenderOptions): string {
  const [moment = '', fraction = ''] = raw.replace(' ', 'T').split('.')
  const digits = fraction.replace(/0+$/, '')
  if (msInTimestamp) return `${moment}.${digits.padEnd(digits.length > 3 ? 6 : 3, '0')}`
  return digits === '' ? moment : `${moment}.${digits}`
}

const MICROSECONDS = 1_000_000n

/** Microseconds since 1970 as `2020-01-01 00:03:04.5`. */
function utcText(raw: string): string {
  const total = BigInt(raw)
  const seconds = total / MICROSECONDS - (total % MICROSECONDS < 0n ? 1n : 0n)
  const fraction = String(total - seconds * MICROSECONDS)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const moment = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return fraction === '' ? moment : `${moment}.${fraction}`
}

/** A list is kept as a JSON list of its elements' texts. */
function listText(raw: string, column: ColumnType, options: RenderOptions): string {
  const element: ColumnType = { type: column.type, array: false, ...(column.modifier && { modifier: column.modifier }) }
  const family = column.type.family
  const items = (JSON.parse(raw) as (string | null)[]).map((item) => {
    if (item === null) return 'null'
    return rows[family].json(item, element, options)
  })
  return `[${items.join(',')}]`
}

/** JSON text of a cell. */
export function jsonText(raw: Raw, column: ColumnType, options: RenderOptions): string {
  if (raw === null) return 'null'
  return column.array ? listText(raw, column, options) : rows[column.type.family].json(raw, column, options)
}

/** Text of a cell in csv, without quotes; empty for null but where the contract wants a word. */
function csvText(raw: Raw, column: ColumnType, options: RenderOptions): string {
  if (raw === null) return (column.array ? 'null' : column.type.csvNull) ?? ''
  return column.array ? listText(raw, column, options) : rows[column.type.family].csv(raw, column, options)
}

function delimitedCell(raw: Raw, column: ColumnType, options: RenderOptions, delimiter: string): string {
  const text = csvText(raw, column, options)
  const needsQuotes = (raw !== null && text === '') || text.includes(delimiter) || /["\n\r]/.test(text)
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text
}

/** The text of a cell, of a nested one its JSON. */
export function rawText(cell: RestCell): Raw {
  const { v } = cell
  return v === null || typeof v === 'string' ? v : JSON.stringify(plainValue(cell))
}

function plainValue({ v }: RestCell): unknown {
  if (Array.isArray(v)) return v.map(plainValue)
  return v !== null && typeof v === 'object' ? v.f.map(plainValue) : v
}

export type RowWriter = (cells: readonly Raw[]) => string

interface RowFormat {
  writer(columns: readonly ResultCell[], options: RenderOptions): RowWriter
  /** What stands between two rows of an answer. */
  separator: string
}

const objects: RowFormat = {
  writer: (columns, options) => {
    const keys = columns.map(({ name }, index) => `${index === 0 ? '{' : ','}${jsonString(name)}:`)
    return (cells) => {
      let text = ''
      for (const [index, column] of columns.entries())
        text += (keys[index] as string) + jsonText(cells[index] as Raw, column.type, options)
      return columns.length === 0 ? '{}' : `${text}}`
    }
  },
  separator: ',',
}

const lists: RowFormat = {
  writer: (columns, options) => (cells) =>
    `[${columns.map(({ type }, index) => jsonText(cells[index] as Raw, type, options)).join(',')}]`,
  separator: ',',
}

const delimited = (delimiter: string): RowFormat => ({
  writer: (columns, options) => (cells) =>
    `${columns.map(({ type }, index) => delimitedCell(cells[index] as Raw, type, options, delimiter)).join(delimiter)}\n`,
  separator: '',
})

/** How a page of rows is written in each `records_format`. */
export const rowFormats: Readonly<Record<RecordsFormat, RowFormat>> = {
  objects,
  lists,
  csv: delimited(','),
  tsv: delimited('\t'),
}

/** One row of a download, with its line end. */
export function dumpWriter(
  format: Exclude<DumpFormat, 'parquet'>,
  columns: readonly ResultCell[],
  options: RenderOptions,
  line: { before: string; after: string } = { before: '', after: '' },
): RowWriter {
  if (format === 'csv' || format === 'tsv') return rowFormats[format].writer(columns, options)
  const write = rowFormats[format === 'lists' ? 'lists' : 'objects'].writer(columns, options)
  return format === 'lists' ? (cells) => `${line.before}${write(cells)}${line.after}\n` : (cells) => `${write(cells)}\n`
}

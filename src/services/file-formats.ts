import type { CkanField } from '../core/table-schema.ts'
import type { DumpFormat } from '../infrastructure/engines/engine.ts'
import type { Frame } from './stream/frame.ts'
import { frame, framedLength } from './stream/frame.ts'
import { gzip } from './stream/gzip.ts'
import { xmlRows } from './stream/xml.ts'

type Stream = ReadableStream<Uint8Array>
type Fields = readonly CkanField[]

/** A format that rows can be downloaded in. */
export interface FileFormat {
  /** How the engine writes the rows, and what stands around each line of them. */
  engineFormat: DumpFormat
  line?: { before: string; after: string }
  contentType: string
  extension: string
  /** What stands around the rows. */
  frame?(fields: Fields, mark: string): Frame
  /** Rewrites the engine's rows. */
  rewrite?(rows: Stream, fields: Fields): Stream
  gzipped?: true
  /** The same rows may give other bytes the next time. */
  varies?: true
}

/** Bytes, and how many where that is known, or about how many. */
export interface File {
  stream: Stream
  length?: number
  estimatedBytes?: number
}

const names = (fields: Fields) => fields.map(({ id }) => id)

const header = (delimiter: string, special: RegExp) => (fields: Fields, mark: string) => {
  const quoted = names(fields).map((name) => (special.test(name) ? `"${name.replaceAll('"', '""')}"` : name))
  return { before: `${mark}${quoted.join(delimiter)}\r\n`, after: '' }
}

const plain = (_fields: Fields, mark: string) => ({ before: mark, after: '' })
const csv = { engineFormat: 'csv', frame: header(',', /[,\r\n"]/) } as const

/** The files that rows can be downloaded as (contract §8.9, §9.9, §10.2 row 45): exact bytes around the rows. */
export const fileFormats: Readonly<Record<string, FileFormat>> = {
  csv: { ...csv, contentType: 'text/csv; charset=utf-8', extension: 'csv' },
  tsv: {
    engineFormat: 'tsv',
    contentType: 'text/tab-separated-values; charset=utf-8',
    extension: 'tsv',
    frame: header('\t', /[\t\r\n"]/),
  },
  json: {
    engineFormat: 'lists',
    line: { before: '    ', after: ',' },
    contentType: 'application/json; charset=utf-8',
    extension: 'json',
    frame: (fields, mark) => ({
      before: `${mark}{\n  "fields": ${JSON.stringify(fields)},\n  "records": [\n`,
      after: ']}\n',
      lastLine: { trim: 2, after: '\n' },
    }),
  },
  xml: {
    engineFormat: 'lists',
    contentType: 'text/xml; charset=utf-8',
    extension: 'xml',
    frame: plain,
    rewrite: (rows, fields) => xmlRows(rows, names(fields)),
  },
  ndjson: {
    engineFormat: 'ndjson',
    contentType: 'application/x-ndjson; charset=utf-8',
    extension: 'ndjson',
    frame: plain,
  },
  gzip: { ...csv, contentType: 'application/gzip', extension: 'csv.gz', gzipped: true, varies: true },
  parquet: {
    engineFormat: 'parquet',
    contentType: 'application/vnd.apache.parquet',
    extension: 'parquet',
    varies: true,
  },
}

const BYTE_ORDER_MARK = '\ufeff'
/** Bytes of rows that were rewritten, for each of the engine's. */
const REWRITTEN = 4

/** The engine's rows as a file of a format. Its length is known where the rows' is and nothing is rewritten. */
export function fileOf(format: FileFormat, rows: File, fields: Fields, { bom = false } = {}): File {
  const around = format.frame?.(fields, bom ? BYTE_ORDER_MARK : '')
  const rewritten = format.rewrite ? format.rewrite(rows.stream, fields) : rows.stream
  const framed = around ? frame(rewritten, around) : rewritten
  const { length, estimatedBytes = length } = rows
  const estimate = estimatedBytes !== undefined && {
    estimatedBytes: format.rewrite ? estimatedBytes * REWRITTEN : estimatedBytes,
  }
  if (format.gzipped) return { stream: gzip(framed), ...estimate }
  if (format.rewrite || length === undefined) return { stream: framed, ...estimate }
  return { stream: framed, length: around ? framedLength(length, around) : length }
}

/** What stands before the rows where nothing else is done to them; undefined where they are rewritten or packed. */
export function headerOf(format: FileFormat, fields: Fields, { bom = false } = {}): string | undefined {
  if (format.rewrite || format.gzipped) return undefined
  const around = format.frame?.(fields, bom ? BYTE_ORDER_MARK : '')
  return around && around.after !== '' ? undefined : (around?.before ?? '')
}

/** `trees.csv` → `trees` and `csv`; undefined for a name without such an ending. */
export function splitFileName(name: string): { base: string; format: string } | undefined {
  for (const [format, { extension }] of Object.entries(fileFormats)) {
    const base = name.slice(0, -extension.length - 1)
    if (base !== '' && name === `${base}.${extension}`) return { base, format }
  }
  return undefined
}

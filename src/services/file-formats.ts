import { ValidationError } from '../core/errors.ts'
import type { CkanField } from '../core/table-schema.ts'
import type { DumpFormat, DumpPart } from '../infrastructure/engines/engine.ts'
import type { Frame } from './stream/frame.ts'
import { frame, framedLength } from './stream/frame.ts'
import { gzip } from './stream/gzip.ts'
import { xmlRows } from './stream/xml.ts'
import { zip } from './stream/zip.ts'

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
  /** The extension of the files in it, where it is a zip file. */
  zipOf?: string
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

/**
 * The format that is asked for; with `parts`, its files in a zip file, however many there are.
 *
 * @throws ValidationError where there is only one file anyway.
 */
export function formatOf({ format, parts }: { format?: string; parts?: string }): FileFormat {
  const found = fileFormats[format || 'csv'] as FileFormat
  if (!parts) return found
  if (found.engineFormat !== 'parquet')
    throw new ValidationError({ parts: ['Only Parquet comes in parts: ask for format=parquet'] })
  return { ...found, contentType: 'application/zip', extension: 'zip', zipOf: found.extension }
}

/** What an engine has made: the rows, or the files that they fill. */
export type Rows = File | { parts: readonly DumpPart[] }

export interface FileOptions {
  bom?: boolean
  /** What files in a zip file are called, before their number. */
  base: string
  lastModified: Date
}

/** The engine's rows as a file of a format. Its length is known where the rows' is and nothing is rewritten. */
export async function fileOf(format: FileFormat, rows: Rows, fields: Fields, options: FileOptions): Promise<File> {
  if ('parts' in rows || format.zipOf !== undefined) {
    const files = 'parts' in rows ? rows.parts : [{ length: rows.length, open: () => rows.stream }]
    const nameOf = (index: number) => `${options.base}${numbered(index, files.length)}.${format.zipOf}`
    return zip(
      files.map(({ length, open }, index) => ({ name: nameOf(index), length, open })),
      options.lastModified,
    )
  }
  return framed(format, rows, fields, options)
}

/** `-03` of a dozen, nothing of one. */
function numbered(index: number, count: number): string {
  return count === 1 ? '' : `-${String(index + 1).padStart(String(count).length, '0')}`
}

function framed(format: FileFormat, rows: File, fields: Fields, { bom = false }: FileOptions): File {
  const around = format.frame?.(fields, bom ? BYTE_ORDER_MARK : '')
  const rewritten = format.rewrite ? format.rewrite(rows.stream, fields) : rows.stream
  const stream = around ? frame(rewritten, around) : rewritten
  const { length, estimatedBytes = length } = rows
  const estimate = estimatedBytes !== undefined && {
    estimatedBytes: format.rewrite ? estimatedBytes * REWRITTEN : estimatedBytes,
  }
  if (format.gzipped) return { stream: gzip(stream), ...estimate }
  if (format.rewrite || length === undefined) return { stream, ...estimate }
  return { stream, length: around ? framedLength(length, around) : length }
}

/** What stands before the rows where nothing else is done to them; undefined where they are rewritten or packed. */
export function headerOf(format: FileFormat, fields: Fields, { bom = false } = {}): string | undefined {
  if (format.rewrite || format.gzipped || format.zipOf !== undefined) return undefined
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

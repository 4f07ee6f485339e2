import { ValidationError } from '../../core/errors.ts'

export type FileFormat = 'csv' | 'tsv' | 'ndjson' | 'json' | 'parquet'

const EXTENSIONS: Readonly<Record<string, FileFormat>> = {
  csv: 'csv',
  txt: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'json',
  parquet: 'parquet',
}

const MEDIA_TYPES: Readonly<Record<string, FileFormat>> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/json': 'json',
  'application/vnd.apache.parquet': 'parquet',
}

/** What a request says about its file beside the parameters. */
export interface FileHints {
  name?: string
  mediaType?: string
}

/** The format that a request says its file has: csv unless it says something. */
export function formatOf(asked: string | undefined, { name = '', mediaType = '' }: FileHints): FileFormat {
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? ''
  return (asked as FileFormat | undefined) ?? EXTENSIONS[extension] ?? MEDIA_TYPES[mediaType] ?? 'csv'
}

/** What a file is, told by its first bytes, for what is no text of ours. */
const SIGNS: readonly [RegExp, string][] = [
  [/^PK\x03\x04/, 'a ZIP archive or a spreadsheet (xlsx, ods)'],
  [/^\xd0\xcf\x11\xe0/, 'a spreadsheet (xls)'],
  [/^%PDF-/, 'a PDF document'],
  [/^\s*<(!doctype html|html)/i, 'a web page'],
  [/^\s*<\?xml/i, 'an XML document'],
]

const isJsonText = (text: string) => /^\s*[[{]/.test(text)

const MISMATCHES: Readonly<Record<FileFormat, (text: string) => string | undefined>> = {
  csv: (text) => (/^\s*(\{\s*"|\[\s*[[{])/.test(text) ? 'JSON' : undefined),
  tsv: (text) => (/^\s*(\{\s*"|\[\s*[[{])/.test(text) ? 'JSON' : undefined),
  ndjson: (text) => (isJsonText(text) || text.trim() === '' ? undefined : 'no JSON'),
  json: (text) => (isJsonText(text) ? undefined : 'no JSON'),
  parquet: () => undefined,
}

/**
 * Refuses a file that is another format than it is said to be.
 *
 * @param head - Its first bytes, decoded for a text.
 */
export function checkFormat(format: FileFormat, head: Uint8Array): void {
  const text = Array.from(head.subarray(0, 1024), (byte) => String.fromCharCode(byte)).join('')
  const isParquet = text.startsWith('PAR1')
  if (format === 'parquet' && isParquet) return
  const sign = isParquet ? 'Parquet' : SIGNS.find(([pattern]) => pattern.test(text))?.[1]
  const found = sign ?? (format === 'parquet' ? 'no Parquet' : MISMATCHES[format](text))
  if (found !== undefined) throw new ValidationError({ format: [`the file is ${found}, and not ${format}`] })
}

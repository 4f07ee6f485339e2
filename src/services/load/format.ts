import { ValidationError } from '../../core/errors.ts'

export type FileFormat = 'csv' | 'tsv' | 'ndjson' | 'json' | 'parquet'

const EXTENSIONS: ReadonlyMap<string, FileFormat> = new Map(
  Object.entries({
    csv: 'csv',
    txt: 'csv',
    tsv: 'tsv',
    tab: 'tsv',
    ndjson: 'ndjson',
    jsonl: 'ndjson',
    json: 'json',
    parquet: 'parquet',
  } as const),
)

const MEDIA_TYPES: ReadonlyMap<string, FileFormat> = new Map(
  Object.entries({
    'text/csv': 'csv',
    'text/tab-separated-values': 'tsv',
    'application/x-ndjson': 'ndjson',
    'application/ndjson': 'ndjson',
    'application/jsonl': 'ndjson',
    'application/json': 'json',
    'application/vnd.apache.parquet': 'parquet',
  } as const),
)

/** What a request says about its file beside the parameters. */
export interface FileHints {
  name?: string
  mediaType?: string
}

/** The format that a request says its file has: csv unless it says something. */
export function formatOf(asked: string | undefined, { name = '', mediaType = '' }: FileHints): FileFormat {
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? ''
  return (asked as FileFormat | undefined) ?? EXTENSIONS.get(extension) ?? MEDIA_TYPES.get(mediaType) ?? 'csv'
}

/** What a file is, told by its first bytes, for what is no text of ours. */
const SIGNS: readonly [RegExp | string, string][] = [
  ['PK\u0003\u0004', 'a ZIP archive or a spreadsheet (xlsx, ods)'],
  ['\u00d0\u00cf\u0011\u00e0', 'a spreadsheet (xls)'],
  ['%PDF-', 'a PDF document'],
  ['\u001f\u008b', 'packed with gzip'],
  [/^\s*<(!doctype html|html)/i, 'a web page'],
  [/^\s*<\?xml/i, 'an XML document'],
]

const isJsonText = (text: string) => /^\s*[[{]/.test(text)

/** What must not begin, or what must begin, a file of each format. */
const BEGINNINGS: Readonly<Record<FileFormat, (text: string) => string | boolean>> = {
  csv: (text) => (/^\s*(\{\s*"|\[\s*[[{])/.test(text) ? 'JSON' : true),
  tsv: (text) => (/^\s*(\{\s*"|\[\s*[[{])/.test(text) ? 'JSON' : true),
  ndjson: (text) => isJsonText(text) || text.trim() === '',
  json: isJsonText,
  parquet: () => false,
}

/**
 * Refuses a file that is another format than it is said to be.
 *
 * @param head - Its first bytes, decoded for a text.
 */
export function checkFormat(format: FileFormat, head: Uint8Array): void {
  const text = asLatin1(head)
  if (format === 'parquet' && text.startsWith(PARQUET)) return
  const found = signOf(text) ?? BEGINNINGS[format](text)
  if (found !== true) refuse(format, found)
}

/** Refuses what shows by its first bytes, as they came, to be no text. */
export function checkIsText(format: FileFormat, head: Uint8Array): void {
  const sign = signOf(asLatin1(head))
  if (sign !== undefined) refuse(format, sign)
}

const PARQUET = 'PAR1'

function signOf(text: string): string | undefined {
  if (text.startsWith(PARQUET)) return 'Parquet'
  return SIGNS.find(([sign]) => (typeof sign === 'string' ? text.startsWith(sign) : sign.test(text)))?.[1]
}

function asLatin1(head: Uint8Array): string {
  return Array.from(head.subarray(0, 1024), (byte) => String.fromCharCode(byte)).join('')
}

function refuse(format: FileFormat, found: string | boolean): never {
  const sentence = typeof found === 'string' ? `the file is ${found}, and not ${format}` : `the file is not ${format}`
  throw new ValidationError({ format: [sentence] })
}

import { ValidationError } from '../../core/errors.ts'
import type { ByteStream } from './bytes.ts'

/** How the cells of a file are told apart, and its header. */
export interface Layout {
  delimiter: string
  quote: string
  /** Names of the columns, trimmed. */
  names: string[]
  /** Lines and bytes of the file up to the first record's. */
  header: { lines: number; bytes: number }
}

const DELIMITERS = [',', ';', '\t', '|']
const LF = 0x0a
const CR = 0x0d

/**
 * Reads the layout of a delimited file off its beginning: the delimiter that splits the first lines into most cells,
 * equally many in each.
 *
 * @param head - UTF-8.
 * @param isWhole - The head is all of the file.
 */
export function readLayout(head: Uint8Array, isWhole: boolean, given: { delimiter?: string }): Layout {
  const text = new TextDecoder().decode(head)
  const quote = quoteOf(text, given.delimiter)
  const delimiter = given.delimiter ?? delimiterOf(text, quote)
  if (delimiter.length !== 1 || /["'\r\n]/.test(delimiter))
    throw new ValidationError({ delimiter: ['must be one character'] })
  const blank = /^(?:[ \t]*(?:\r\n|\n|\r))*/.exec(text)?.[0] ?? ''
  const [record] = records(text.slice(blank.length), delimiter, quote, 1)
  if (!record || (record.end === undefined && !isWhole)) {
    throw new ValidationError({
      file: [record ? 'the header is longer than 1 MB' : 'the file is empty: it has no header'],
    })
  }
  if (record.cells.some((cell) => cell.includes('\ufffd'))) {
    throw new ValidationError({
      encoding: ['the header is not UTF-8: say which encoding the file has, such as encoding=latin1'],
    })
  }
  const names = record.cells.map((name) => name.trim())
  if (names.length > 1 && names.at(-1) === '') names.pop()
  const unnamed = names.indexOf('')
  if (unnamed >= 0) {
    const fields = names.map((name) => (name === '' ? { id: ['Missing value'] } : {}))
    throw new ValidationError({ fields }, { message: `fields: the header has no name for column ${unnamed + 1}` })
  }
  const header = blank + text.slice(blank.length, blank.length + (record.end ?? text.length))
  return {
    delimiter,
    quote,
    names,
    header: { lines: header.split(/\r\n|\n|\r/).length - 1, bytes: new TextEncoder().encode(header).length },
  }
}

interface TextRecord {
  cells: string[]
  /** Where the next one begins; undefined: the text ends within this one. */
  end: number | undefined
}

/** The first records of a text, by RFC 4180. */
function records(text: string, delimiter: string, quote: string, most: number): TextRecord[] {
  const found: TextRecord[] = []
  let cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < text.length && found.length < most; at++) {
    const char = text[at] as string
    if (quoted) {
      if (char !== quote) cell += char
      else if (text[at + 1] === quote) cell += text[++at]
      else quoted = false
    } else if (char === quote && cell === '') quoted = true
    else if (char === delimiter) {
      cells.push(cell)
      cell = ''
    } else if (char === '\n' || char === '\r') {
      if (char === '\r' && text[at + 1] === '\n') at++
      if (cells.length > 0 || cell !== '') found.push({ cells: [...cells, cell], end: at + 1 })
      cells = []
      cell = ''
    } else cell += char
  }
  if (found.length < most && (cells.length > 0 || cell !== '')) found.push({ cells: [...cells, cell], end: undefined })
  return found
}

/** Single quotes only where by them, and not without them, all records have as many cells: else they are data. */
function quoteOf(text: string, delimiter?: string): string {
  const isEven = (quote: string) => {
    const counts = sampledCounts(text, delimiter ?? delimiterOf(text, quote), quote)
    return counts.every((count) => count > 1 && count === counts[0])
  }
  return !text.includes('"') && text.includes("'") && !isEven('"') && isEven("'") ? "'" : '"'
}

const SNIFFED_RECORDS = 50

/** How many cells the first records have. */
function sampledCounts(text: string, delimiter: string, quote: string): number[] {
  return records(text, delimiter, quote, SNIFFED_RECORDS)
    .filter(({ end }) => end !== undefined || text.length < 1000)
    .map(({ cells }) => cells.length)
}

function delimiterOf(text: string, quote: string): string {
  const scored = DELIMITERS.map((delimiter) => {
    const counts = sampledCounts(text, delimiter, quote)
    const first = counts[0] ?? 1
    const equal = counts.filter((count) => count === first).length
    return { delimiter, score: first > 1 ? (equal / counts.length) * 1000 + first : 0 }
  })
  return scored.reduce((best, candidate) => (candidate.score > best.score ? candidate : best)).delimiter
}

/** Ends each record with LF alone: a line end within quotes is the value's own and stays. */
export function withLineFeeds(body: ByteStream, { delimiter, quote }: Pick<Layout, 'delimiter' | 'quote'>): ByteStream {
  const mark = quote.charCodeAt(0)
  const separator = delimiter.charCodeAt(0)
  let quoted = false
  let previous = LF
  let closed = false
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const out = new Uint8Array(chunk.length)
        let to = 0
        for (let at = 0; at < chunk.length; at++) {
          const byte = chunk[at] as number
          if (byte === mark) {
            const opens = previous === separator || previous === LF || previous === CR || closed
            closed = quoted
            quoted = !quoted && opens
            out[to++] = byte
          } else {
            closed = false
            if (quoted) out[to++] = byte
            else if (byte === CR) out[to++] = LF
            else if (byte !== LF || previous !== CR) out[to++] = byte
          }
          previous = quoted && byte !== mark ? 0 : byte
        }
        controller.enqueue(out.subarray(0, to))
      },
    }),
  )
}

/** Whether a chunk holds a carriage return. */
export function hasReturn(chunk: Uint8Array): boolean {
  return chunk.includes(CR)
}

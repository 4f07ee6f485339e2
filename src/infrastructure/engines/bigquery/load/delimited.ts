import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import type { LoadSource } from '../../engine.ts'
import type { BadRecord, FileRow } from './rows.ts'

type Layout = Pick<Extract<LoadSource, { format: 'delimited' }>, 'columns' | 'delimiter' | 'quote' | 'header'>

const LF = 0x0a
const READ_BYTES = 1024 * 1024
/** A longer record is none. */
const MAX_BYTES = 2 * 1024 * 1024
/** Of such a record only the beginning is shown. */
const SHOWN_BYTES = 4000

const UNQUOTED = 'a quoted value does not end, or goes on behind its closing quote'
const ENDLESS = 'a quoted value does not end: the rows behind it can not be told from it'
const OVERLONG = 'the line is longer than 2 MB'
const NOT_UTF8 = 'the text is not UTF-8: say which with encoding=, such as encoding=latin1'

/**
 * Reads a delimited file by RFC 4180, in pieces: no more than a piece and one record is held. A value is quoted when its
 * first character is a quote; a quote behind another character is the value's own. What is empty and not quoted is null.
 * Empty lines are passed over where there are several columns.
 */
export async function* readDelimited(path: string, layout: Layout): AsyncGenerator<FileRow | BadRecord> {
  const end = new RecordEnd(layout)
  const counted = { row: 0, line: layout.header.lines + 1 }
  let rest: Buffer = Buffer.alloc(0)
  /** The beginning of a record that is too long to be held. */
  let overlong: Buffer | undefined
  const read = (bytes: Buffer, lines: number) => readRecord(bytes, lines, layout, counted)
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    let bytes = chunk
    let start = 0
    if (overlong) {
      const at = end.find(bytes, 0)
      if (at < 0) continue
      yield tooLong(overlong, end.lines, counted)
      overlong = undefined
      start = at + 1
    } else if (rest.length > 0) bytes = Buffer.concat([rest, chunk])
    let quoteAt = bytes.indexOf(layout.quote, start)
    while (start < bytes.length) {
      if (quoteAt >= 0 && quoteAt < start) quoteAt = bytes.indexOf(layout.quote, start)
      let at = bytes.indexOf(LF, start)
      let lines = 1
      if (quoteAt >= 0 && (at < 0 || quoteAt < at)) {
        end.reset()
        at = end.find(bytes, start)
        lines = end.lines
      }
      if (at < 0) break
      const found = read(bytes.subarray(start, at), lines)
      if (found) yield found
      start = at + 1
    }
    rest = bytes.subarray(start)
    if (rest.length <= MAX_BYTES) continue
    end.reset()
    end.find(rest, 0)
    overlong = Buffer.from(rest.subarray(0, SHOWN_BYTES))
    rest = Buffer.alloc(0)
  }
  if (overlong) yield { ...tooLong(overlong, end.lines, counted), ...(end.isQuoted && { isEndless: true }) }
  if (rest.length === 0) return
  end.reset()
  end.find(rest, 0)
  const record = rest.toString().replace(/[\r\n]+$/, '')
  if (end.isQuoted && record.includes('\n'))
    yield { ...counted, sentence: ENDLESS, record: record.slice(0, SHOWN_BYTES), isEndless: true }
  else {
    const found = read(end.isQuoted ? Buffer.from(record) : rest, 1)
    if (found) yield found
  }
}

function tooLong(beginning: Buffer, lines: number, counted: { row: number; line: number }): BadRecord {
  const place = { ...counted }
  counted.row += 1
  counted.line += lines
  return { ...place, sentence: OVERLONG, record: beginning.toString().replace(/\ufffd+$/, '') }
}

function readRecord(
  bytes: Buffer,
  lines: number,
  { columns, delimiter, quote }: Layout,
  counted: { row: number; line: number },
): FileRow | BadRecord | undefined {
  const place = { ...counted }
  counted.line += lines
  if (bytes.length === 0 && columns.length > 1) return undefined
  counted.row += 1
  const record = bytes.toString()
  const bad = (sentence: string): BadRecord => ({ ...place, sentence, record })
  if (bytes.length > MAX_BYTES) return { ...bad(OVERLONG), record: record.slice(0, SHOWN_BYTES) }
  if (record.includes('\ufffd') && !isUtf8(bytes)) return bad(NOT_UTF8)
  const cells = record.includes(quote)
    ? readCells(record, delimiter, quote)
    : record.split(delimiter).map((text) => (text === '' ? null : text))
  if (!cells) return bad(UNQUOTED)
  if (cells.length === columns.length + 1 && cells.at(-1) === null) cells.pop()
  if (cells.length !== columns.length) return bad(`the row has ${cells.length} cells, the header ${columns.length}`)
  return { ...place, cells }
}

/** Undefined: a quoted value is not well formed. */
function readCells(record: string, delimiter: string, quote: string): (string | null)[] | undefined {
  const cells: (string | null)[] = []
  for (let at = 0; ; at += 1) {
    if (record[at] !== quote) {
      const end = record.indexOf(delimiter, at)
      const text = record.slice(at, end < 0 ? undefined : end)
      cells.push(text === '' ? null : text)
      if (end < 0) return cells
      at = end
      continue
    }
    let text = ''
    for (at += 1; ; at += 2) {
      const end = record.indexOf(quote, at)
      if (end < 0) return undefined
      text += record.slice(at, end)
      at = end
      if (record[at + 1] !== quote) break
      text += quote
    }
    cells.push(text)
    at += 1
    if (at === record.length) return cells
    if (record[at] !== delimiter) return undefined
  }
}

/** Finds the line feed that ends a record: one that no quotes stand around. */
class RecordEnd {
  /** Lines of the record so far. */
  lines = 1
  isQuoted = false
  readonly #quote: number
  readonly #delimiter: number
  #previous: number
  #hasClosed = false

  constructor({ quote, delimiter }: Pick<Layout, 'quote' | 'delimiter'>) {
    this.#quote = quote.charCodeAt(0)
    this.#delimiter = Buffer.from(delimiter).at(-1) as number
    this.#previous = this.#delimiter
  }

  /** A new record begins. */
  reset(): void {
    this.lines = 1
    this.isQuoted = false
    this.#previous = this.#delimiter
    this.#hasClosed = false
  }

  /** Goes on in the next bytes of the record; -1: it does not end in them. */
  find(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === this.#quote) {
        const opens = this.#previous === this.#delimiter || this.#hasClosed
        this.#hasClosed = this.isQuoted
        this.isQuoted = !this.isQuoted && opens
      } else {
        this.#hasClosed = false
        if (byte === LF) {
          if (!this.isQuoted) return at
          this.lines += 1
        }
      }
      this.#previous = byte
    }
    return -1
  }
}

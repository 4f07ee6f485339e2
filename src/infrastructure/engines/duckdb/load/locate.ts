import { createReadStream } from 'node:fs'

const LF = 0x0a

export interface Place {
  row: number
  line: number
}

interface Layout {
  quote: string
  delimiter: string
  columns: readonly string[]
  header: { lines: number }
}

interface Wanted {
  /** Where records begin, in bytes. Those are bad, and don't count among the good. */
  offsets: readonly number[]
  /** Good records, by their number from 0. */
  rows: readonly number[]
  /** No more than so many of the offsets. */
  until: number
}

/**
 * Finds the rows and lines of some records of a delimited file: rows count records from 0, empty lines not among them,
 * lines count from 1 and begin with the header.
 */
export async function locate(
  path: string,
  { quote, delimiter, columns, header }: Layout,
  wanted: Wanted,
): Promise<{ byOffset: Map<number, Place>; byRow: Map<number, Place> }> {
  const bad = new Set(wanted.offsets)
  const described = new Set(wanted.offsets.slice(0, wanted.until))
  const rows = new Set(wanted.rows)
  const byOffset = new Map<number, Place>()
  const byRow = new Map<number, Place>()
  const mark = quote.charCodeAt(0)
  const separator = delimiter.charCodeAt(0)
  let quoted = false
  let closedAt = -2
  let previous = separator
  let start = 0
  let row = 0
  let good = 0
  let line = header.lines + 1
  let startLine = line
  let position = 0
  const endRecord = () => {
    const place = { row, line: startLine }
    const isEmpty = position - start === 0 && columns.length > 1
    if (bad.has(start)) {
      if (described.has(start)) byOffset.set(start, place)
      row += 1
    } else if (!isEmpty) {
      if (rows.has(good)) byRow.set(good, place)
      good += 1
      row += 1
    }
  }
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < chunk.length; at++, position++) {
      const byte = chunk[at]
      if (byte === mark) {
        if (quoted) closedAt = position
        quoted = !quoted && (position === start || previous === separator || closedAt === position - 1)
      } else if (byte === LF) {
        line += 1
        // A record that never closes its quote ends where the next known one begins.
        if (quoted && !bad.has(start)) continue
        quoted = false
        endRecord()
        start = position + 1
        startLine = line
      }
      previous = byte as number
    }
    if (byOffset.size === described.size && byRow.size === rows.size) break
  }
  if (position > start) endRecord()
  return { byOffset, byRow }
}

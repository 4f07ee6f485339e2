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

/** Which records are looked for. What is asked for goes forward through the file; answers ascend. */
interface Wanted {
  /** Records that are none and begin from one position to before another. They don't count among the good. */
  records(from: number, before: number): Promise<readonly Extent[]>
  /** Good records, by their number from 0, from one to before another. */
  rows(from: number, before: number): Promise<readonly number[]>
}

/** Where a record begins that is none, and how many bytes it has; 0: its end is where its quotes say. */
export interface Extent {
  offset: number
  bytes: number
}

interface Found {
  /** Good records up to here. */
  good: number
  byOffset: [offset: number, place: Place][]
  byRow: [row: number, place: Place][]
}

/** Finds a few records of a delimited file, all at once. */
export async function locate(
  path: string,
  layout: Layout,
  wanted: { records: readonly Extent[]; rows: readonly number[] },
): Promise<{ byOffset: Map<number, Place>; byRow: Map<number, Place> }> {
  const byOffset = new Map<number, Place>()
  const byRow = new Map<number, Place>()
  const looked: Wanted = {
    records: async (from, before) => wanted.records.filter(({ offset }) => offset >= from && offset < before),
    rows: async (from, before) => wanted.rows.filter((row) => row >= from && row < before),
  }
  for await (const found of locateAll(path, layout, looked)) {
    for (const [offset, place] of found.byOffset) byOffset.set(offset, place)
    for (const [row, place] of found.byRow) byRow.set(row, place)
    if (byOffset.size === wanted.records.length && byRow.size === new Set(wanted.rows).size) break
  }
  return { byOffset, byRow }
}

/**
 * Finds the rows and lines of records of a delimited file, some at a time: rows count records from 0, empty lines not
 * among them, lines count from 1 and begin with the header.
 */
export async function* locateAll(
  path: string,
  { quote, delimiter, columns, header }: Layout,
  wanted: Wanted,
): AsyncGenerator<Found> {
  let bad = new Map<number, number>()
  let rows = new Set<number>()
  let found: Found = { good: 0, byOffset: [], byRow: [] }
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
    const isEmpty = position - start === 0 && columns.length > 1
    if (bad.has(start)) {
      found.byOffset.push([start, { row, line: startLine }])
      row += 1
    } else if (!isEmpty) {
      if (rows.has(good)) found.byRow.push([good, { row, line: startLine }])
      good += 1
      row += 1
    }
  }
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>) {
    const begun = bad.get(start)
    const records = await wanted.records(position, position + chunk.length)
    bad = new Map(records.map(({ offset, bytes }) => [offset, bytes]))
    if (begun !== undefined) bad.set(start, begun)
    rows = new Set(await wanted.rows(good, good + lineFeeds(chunk) + 1))
    for (let at = 0; at < chunk.length; at++, position++) {
      const byte = chunk[at]
      if (byte === mark) {
        if (quoted) closedAt = position
        quoted = !quoted && (position === start || previous === separator || closedAt === position - 1)
      } else if (byte === LF) {
        line += 1
        const bytes = bad.get(start)
        if (bytes ? position < start + bytes : quoted) continue
        quoted = false
        endRecord()
        start = position + 1
        startLine = line
      }
      previous = byte as number
    }
    yield { ...found, good }
    found = { good, byOffset: [], byRow: [] }
  }
  if (position > start) endRecord()
  yield { ...found, good }
}

function lineFeeds(chunk: Uint8Array): number {
  let count = 0
  for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) count += 1
  return count
}

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { LoadFile, LoadSource } from '../../engine.ts'
import { readDelimited } from './delimited.ts'
import { pathOf } from './files.ts'
import { readParquet } from './parquet.ts'

/** Where a record stands: rows count from 0, lines of the file from 1. */
export interface Place {
  row: number
  line?: number
}

/** A record of a file: one cell for each of the source's columns. */
export interface FileRow extends Place {
  cells: readonly (string | null)[]
}

/** What stands in the place of a record and is none. */
export interface BadRecord extends Place {
  sentence: string
  record: string
  /** Whoever wrote the source has left it out, and told of it. */
  isTold?: boolean
  /** Its end can't be told: what stands behind it may be records. */
  isEndless?: boolean
}

/** The records of a file, one after the other, and what is none between them. */
export async function* readRows(source: LoadSource, rejects?: LoadFile): AsyncGenerator<FileRow | BadRecord> {
  switch (source.format) {
    case 'delimited':
      return yield* readDelimited(pathOf(source.file), source)
    case 'ndjson':
      return yield* amid(readLines(source.file, source.columns), rejects)
    case 'parquet':
      return yield* numbered(readParquet(source.file, source.columns))
  }
}

async function* numbered(rows: AsyncIterable<FileRow['cells']>): AsyncGenerator<FileRow> {
  let row = 0
  for await (const cells of rows) yield { row: row++, cells }
}

async function* readLines(file: LoadFile, columns: readonly string[]): AsyncGenerator<FileRow['cells']> {
  for await (const record of objects(file))
    yield columns.map((name) => {
      const value = Object.hasOwn(record, name) ? record[name] : null
      return value === null || value === undefined ? null : String(value)
    })
}

async function* objects(file: LoadFile): AsyncGenerator<Record<string, unknown>> {
  const input = createReadStream(pathOf(file), { highWaterMark: 1024 * 1024 })
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
      if (line !== '') yield JSON.parse(line) as Record<string, unknown>
  } finally {
    input.destroy()
  }
}

/** The n-th record that is there stands behind those before it that were left out. */
async function* amid(
  rows: AsyncIterable<FileRow['cells']>,
  rejects: LoadFile | undefined,
): AsyncGenerator<FileRow | BadRecord> {
  const left = rejects && objects(rejects)
  const nextLeft = async (): Promise<BadRecord | undefined> => {
    const found = await left?.next()
    if (!found || found.done) return undefined
    const { row, error, record } = found.value
    return { row: Number(row), sentence: String(error), record: String(record), isTold: true }
  }
  let reject = await nextLeft()
  let row = 0
  for await (const cells of rows) {
    for (; reject?.row === row; reject = await nextLeft()) {
      yield reject
      row += 1
    }
    yield { row, cells }
    row += 1
  }
  for (; reject; reject = await nextLeft()) yield reject
}

import { ValidationError } from '../../core/errors.ts'
import type { ByteStream } from './bytes.ts'

/** Records of a file, as the bytes of a JSON array. */
export interface Batch {
  bytes: Uint8Array
  /** The number of the first of them, from 0. */
  firstRow: number
}

const BATCH_BYTES = 1024 * 1024
const MAX_RECORD_BYTES = 16 * 1024 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const isBlank = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Splits a file of JSON objects, one a line (`ndjson`) or in one list (`json`), into batches. Only where objects begin
 * and end is looked at: whether they are JSON is for whoever reads a batch.
 */
export async function* jsonBatches(body: ByteStream, format: 'ndjson' | 'json'): AsyncGenerator<Batch> {
  const splitter = new Splitter(format)
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      splitter.take(value)
      if (splitter.size >= BATCH_BYTES) yield splitter.batch()
    }
    splitter.finish()
    if (splitter.size > 0) yield splitter.batch()
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** Where the scan stands in a file that is one list. */
type Stage = 'before' | 'first' | 'record' | 'comma' | 'after'

class Splitter {
  readonly #isList: boolean
  #records: Uint8Array[] = []
  /** The bytes of the record that has begun, from chunks before. */
  #begun: Uint8Array[] = []
  #begunBytes = 0
  #depth = 0
  #quoted = false
  #escaped = false
  #stage: Stage
  #row = 0
  size = 0

  constructor(format: 'ndjson' | 'json') {
    this.#isList = format === 'json'
    this.#stage = this.#isList ? 'before' : 'record'
  }

  take(chunk: Uint8Array): void {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#depth === 0) {
        if (byte === OPEN_OBJECT && this.#expectsRecord()) {
          this.#depth = 1
          start = at
        } else if (!isBlank(byte)) this.#between(byte)
      } else if (this.#quoted) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#quoted = false
      } else if (byte === QUOTE) this.#quoted = true
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --this.#depth === 0)
        this.#end(chunk.subarray(start, at + 1))
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start))
  }

  batch(): Batch {
    const bytes = new Uint8Array(this.size + 1)
    let to = 0
    for (const piece of this.#records) {
      bytes.set(piece, to)
      to += piece.length
    }
    bytes[0] = OPEN_LIST
    bytes[to] = CLOSE_LIST
    const batch = { bytes: bytes.subarray(0, to + 1), firstRow: this.#row - this.#count }
    this.#records = []
    this.#count = 0
    this.size = 0
    return batch
  }

  finish(): void {
    if (this.#depth > 0 || (this.#isList && this.#stage !== 'after')) {
      throw new ValidationError({ file: [`the JSON ends in the middle, after ${this.#row} records`] })
    }
  }

  #count = 0

  #expectsRecord(): boolean {
    if (!this.#isList) return true
    if (this.#stage !== 'first' && this.#stage !== 'record') return false
    this.#stage = 'comma'
    return true
  }

  /** A byte that is no record's. */
  #between(byte: number): void {
    if (this.#stage === 'before' && byte === OPEN_LIST) this.#stage = 'first'
    else if (this.#stage === 'comma' && byte === COMMA) this.#stage = 'record'
    else if ((this.#stage === 'first' || this.#stage === 'comma') && byte === CLOSE_LIST) this.#stage = 'after'
    else {
      const what =
        this.#stage === 'before' ? 'the file is not a list of objects' : `row "${this.#row}" is not a json object`
      throw new ValidationError({ records: [what], records_row: this.#row })
    }
  }

  #keep(piece: Uint8Array): void {
    this.#begun.push(piece.slice())
    this.#begunBytes += piece.length
    if (this.#begunBytes > MAX_RECORD_BYTES) {
      throw new ValidationError({ records: [`row "${this.#row}" is longer than 16 MB`], records_row: this.#row })
    }
  }

  #end(rest: Uint8Array): void {
    // Each record is led by a comma, of which the first becomes the bracket.
    for (const piece of [LEAD, ...this.#begun, rest]) {
      this.#records.push(piece === rest ? rest.slice() : piece)
      this.size += piece.length
    }
    this.#begun = []
    this.#begunBytes = 0
    this.#count += 1
    this.#row += 1
  }
}

const LEAD = Uint8Array.of(COMMA)

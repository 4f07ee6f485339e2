import type { LoadFile } from '../../infrastructure/engines/engine.ts'
import type { ByteStream } from './bytes.ts'

/** A record that engines never see, by its number in the file. */
export interface RejectedRecord {
  row: number
  error: string
  record: string
}

/** Of a longer record only the beginning is kept: engines refuse lines beyond 64 MB, and a character can take 6 bytes. */
const MAX_CHARACTERS = 10 * 1024 * 1024

/** Records that were left out of a source, written beside it as lines of JSON at the disk's pace. */
export class RejectedRecords {
  readonly #keep: (body: ByteStream) => Promise<LoadFile>
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined
  #file: Promise<LoadFile> | undefined

  /** @param keep - Stores the file; called with the first record. */
  constructor(keep: (body: ByteStream) => Promise<LoadFile>) {
    this.#keep = keep
  }

  async add(records: readonly RejectedRecord[]): Promise<void> {
    if (records.length === 0) return
    const lines = records.map(({ row, error, record }) => `${JSON.stringify({ row, error, record: cut(record) })}\n`)
    await this.#open().write(new TextEncoder().encode(lines.join('')))
  }

  /** The file; undefined when there was nothing to write. */
  async end(): Promise<LoadFile | undefined> {
    await this.#writer?.close()
    return this.#file
  }

  /** Ends without a file. */
  async abort(reason: unknown): Promise<void> {
    await this.#writer?.abort(reason).catch(() => {})
    await this.#file?.then(
      (file) => file.discard(),
      () => {},
    )
  }

  #open(): WritableStreamDefaultWriter<Uint8Array> {
    if (this.#writer) return this.#writer
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    this.#file = this.#keep(readable)
    // It is awaited at the end; until then its failure is the writer's.
    this.#file.catch(() => {})
    this.#writer = writable.getWriter()
    this.#writer.closed.catch(() => {})
    return this.#writer
  }
}

function cut(record: string): string {
  return record.length <= MAX_CHARACTERS ? record : record.slice(0, MAX_CHARACTERS).replace(/[\ud800-\udbff]$/, '')
}

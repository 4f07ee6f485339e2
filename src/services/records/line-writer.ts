const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a
const MIN_CHUNK = 4 * 1024
const MAX_CHUNK = 4 * 1024 * 1024
/** Below this length a loop is faster than `set`. */
const SHORT_RUN = 48

const encoder = new TextEncoder()

/** What stands for a white-space control character inside a JSON string. */
const escapes: Readonly<Record<number, number>> = { 9: 0x74, 10: 0x6e, 13: 0x72 }

/**
 * Builds lines out of runs copied from one source and of what is put between them. Chunks hold whole lines.
 * A run is opened with `copyFrom` and written by `copyTo`; nothing is put while one is open.
 */
export class LineWriter {
  /** Where the open run begins in the source, or -1. */
  run = -1
  private readonly source: Uint8Array
  private readonly full: Uint8Array[] = []
  private chunk: Uint8Array
  private at = 0
  private lineStart = 0

  constructor(source: Uint8Array, expectedBytes: number) {
    this.source = source
    this.chunk = new Uint8Array(Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, expectedBytes)))
  }

  copyFrom(start: number): void {
    this.run = start
  }

  /** Writes the open run up to `end` and closes it; does nothing when none is open. */
  copyTo(end: number): void {
    if (this.run >= 0 && this.run < end) this.copy(this.run, end)
    this.run = -1
  }

  copy(start: number, end: number): void {
    const { source } = this
    const length = end - start
    const at = this.reserve(length)
    const { chunk } = this
    if (length < SHORT_RUN) for (let i = 0; i < length; i++) chunk[at + i] = source[start + i] as number
    else chunk.set(source.subarray(start, end), at)
    this.at = at + length
  }

  put(byte: number): void {
    const at = this.reserve(1)
    this.chunk[at] = byte
    this.at = at + 1
  }

  putBytes(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length)
    this.chunk.set(bytes, at)
    this.at = at + bytes.length
  }

  /** Text of ASCII characters, as it is. */
  putAscii(text: string): void {
    const at = this.reserve(text.length)
    for (let i = 0; i < text.length; i++) this.chunk[at + i] = text.charCodeAt(i)
    this.at = at + text.length
  }

  /** Any text, as a JSON string. */
  putString(text: string): void {
    this.putBytes(encoder.encode(JSON.stringify(text)))
  }

  /** Any text, as the inside of a JSON string. */
  putInside(text: string): void {
    this.putBytes(encoder.encode(JSON.stringify(text).slice(1, -1)))
  }

  /** A piece of JSON source as the inside of a JSON string. */
  putEscaped(start: number, end: number): void {
    const { source } = this
    let at = this.reserve(2 * (end - start))
    const { chunk } = this
    for (let p = start; p < end; p++) {
      const byte = source[p] as number
      if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) {
        chunk[at++] = BACKSLASH
        chunk[at++] = escapes[byte] ?? byte
      } else chunk[at++] = byte
    }
    this.at = at
  }

  endLine(): void {
    this.put(NEWLINE)
    this.lineStart = this.at
  }

  /** Forgets what the current line holds. */
  restartLine(): void {
    this.at = this.lineStart
    this.run = -1
  }

  /** All lines. Nothing may be written after. */
  finish(): Uint8Array[] {
    this.flush()
    return this.full
  }

  /** Makes room; answers where to write. */
  private reserve(length: number): number {
    if (this.at + length > this.chunk.length) this.grow(length)
    return this.at
  }

  private grow(length: number): void {
    const line = this.chunk.subarray(this.lineStart, this.at)
    const size = Math.max(MIN_CHUNK, Math.min(MAX_CHUNK, this.chunk.length), 2 * (line.length + length))
    this.flush()
    this.chunk = new Uint8Array(size)
    this.chunk.set(line)
    this.at = line.length
    this.lineStart = 0
  }

  private flush(): void {
    if (this.lineStart > 0) this.full.push(this.chunk.subarray(0, this.lineStart))
  }
}

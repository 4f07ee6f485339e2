import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Part, Rendering } from '../../src/services/dump-files.ts'

type Stream = ReadableStream<Uint8Array>

const READ_BYTES = 256 * 1024
/** Free bytes that files leave to the data, whose log a full disk can cost. */
const HEADROOM = 256 * 1024 * 1024
const BETWEEN_CHECKS = 32 * 1024 * 1024

/** Whether there is room on the disk for so many bytes more. */
export async function hasRoom(folder: string, bytes: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize >= HEADROOM + bytes
}

/** A file that one writes and many read, from its beginning, while it grows. */
export class DumpFile {
  readonly rendering = randomUUID().replaceAll('-', '').slice(0, 16)
  /** Aborts when nobody waits for what is being written. */
  readonly left = new AbortController()
  readonly #folder: string
  readonly #path: string
  #handle: Promise<FileHandle> | undefined
  #waiting: (() => void)[] = []
  #failure: { reason: unknown } | undefined
  bytes = 0
  isWhole = false
  /** Clients that hold it. */
  holds = 0

  constructor(folder: string) {
    this.#folder = folder
    this.#path = join(folder, this.rendering)
  }

  /** Makes the file, or opens the one that is whole. */
  async open(): Promise<FileHandle> {
    this.#throwIfFailed()
    this.#handle ??= open(this.#path, this.isWhole ? 'r' : 'wx+')
    return this.#handle
  }

  /** Writes the stream into it, as fast as the disk takes it. */
  async write({ stream, length }: Rendering): Promise<void> {
    const reader = stream.getReader()
    const cancel = () => void reader.cancel(this.left.signal.reason).catch(() => {})
    if (this.left.signal.aborted) cancel()
    this.left.signal.addEventListener('abort', cancel, { once: true })
    try {
      for (let checked = 0; ; ) {
        const { done, value } = await reader.read()
        // A stream that was cancelled ends as if whole.
        this.left.signal.throwIfAborted()
        if (done) break
        await this.#append(value)
        if (this.bytes - checked < BETWEEN_CHECKS) continue
        checked = this.bytes
        if (!(await hasRoom(this.#folder, 0))) throw new Error('the disk is nearly full')
      }
      if (length !== undefined && length !== this.bytes) throw new Error(`wrote ${this.bytes} of ${length} bytes`)
      this.isWhole = true
      this.wake()
    } catch (error) {
      void reader.cancel(error).catch(() => {})
      await this.fail(error)
      throw error
    } finally {
      this.left.signal.removeEventListener('abort', cancel)
    }
  }

  async #append(value: Uint8Array): Promise<void> {
    const handle = await this.open()
    for (let at = 0; at < value.length; ) {
      const { bytesWritten } = await handle.write(value, at, value.length - at, this.bytes + at)
      at += bytesWritten
    }
    this.bytes += value.length
    this.wake()
  }

  /** Until it is whole. `isOver` ends the wait for one who has left. */
  async whole(isOver: () => boolean): Promise<number> {
    while (!this.isWhole && !isOver()) await this.#changed()
    return this.bytes
  }

  /** The next bytes from `at` on, up to `end`; undefined at the end. */
  async read(at: number, end: number, isOver: () => boolean): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#throwIfFailed()
      const last = Math.min(end, this.bytes)
      if (at < last) return this.#readAt(at, Math.min(READ_BYTES, last - at))
      if (isOver() || this.isWhole || at >= end) return undefined
      await this.#changed()
    }
  }

  async #readAt(at: number, size: number): Promise<Uint8Array> {
    const handle = await this.open()
    const { bytesRead, buffer } = await handle.read(new Uint8Array(size), 0, size, at).catch((error) => {
      // What has failed is closed under its readers.
      this.#throwIfFailed()
      throw error
    })
    if (bytesRead === 0) throw new Error('a kept file has less bytes than were written')
    return buffer.subarray(0, bytesRead)
  }

  async #changed(): Promise<void> {
    this.#throwIfFailed()
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#throwIfFailed()
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.reason
  }

  /** Whoever waits looks again. */
  wake(): void {
    for (const look of this.#waiting.splice(0)) look()
  }

  /** Breaks every stream that reads it, and removes it. */
  async fail(reason: unknown): Promise<void> {
    this.#failure ??= { reason }
    this.wake()
    await this.letGo()
    await this.remove()
  }

  /** Those who hold it read on: what they have open stays until they let it go. */
  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }

  /** Closes it, until somebody opens it again. */
  async letGo(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.then((opened) => opened.close()).catch(() => {})
  }
}

/** A stream of a file's bytes. `leave` is called once nobody reads it any more. */
export function streamOf(file: DumpFile, part: Part | undefined, isOver: () => boolean, leave: () => void): Stream {
  let at = part?.start ?? 0
  const end = part?.end ?? Number.POSITIVE_INFINITY
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await file.read(at, end, isOver)
          if (isOver()) throw new Error('nobody reads the file any more')
          if (chunk) {
            at += chunk.length
            return controller.enqueue(chunk)
          }
          leave()
          controller.close()
        } catch (error) {
          leave()
          throw error
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
}

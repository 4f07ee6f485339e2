import { randomUUID } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { closeExported, openExported, streamExported } from './exported-file.ts'

/** What is kept at most: milliseconds, files, and bytes of all together. */
export const LIMITS = { age: 24 * 60 * 60 * 1000, files: 100, bytes: 1_000_000_000 }

interface Kept {
  table: string
  bytes: number
  since: number
  expiry: NodeJS.Timeout
}

/** Files of rows that loads have left out, kept for a while for whoever loaded them. */
export class RejectedFiles {
  readonly #folder: string
  readonly #now: () => number
  /** By id, the oldest first. */
  readonly #files = new Map<string, Kept>()

  /** @param folder - For these files alone; empty at the start. */
  constructor(folder: string, now: () => number = () => Date.now()) {
    this.#folder = folder
    this.#now = now
  }

  /** Whether a file of so many bytes can be kept at all. */
  hasRoom(bytes: number): boolean {
    return bytes <= LIMITS.bytes
  }

  /** Takes a file over, and lets go of the oldest where there are too many; answers its id, or undefined when it can't be kept. */
  async keep(table: string, { path, bytes }: { path: string; bytes: number }): Promise<string | undefined> {
    if (!this.hasRoom(bytes)) return undefined
    const id = randomUUID()
    const moved = await rename(path, this.#path(id)).then(
      () => true,
      () => false,
    )
    if (!moved) return undefined
    const expiry = setTimeout(() => void this.#remove(id), LIMITS.age)
    expiry.unref()
    this.#files.set(id, { table, bytes, since: this.#now(), expiry })
    for (const [oldest] of this.#files) {
      if (this.#files.size <= LIMITS.files && this.#bytes() <= LIMITS.bytes) break
      await this.#remove(oldest)
    }
    return id
  }

  /** A file of this table, with its bytes; undefined when there is none, or none any more. */
  async open(table: string, id: string): Promise<{ stream: ReadableStream<Uint8Array>; length: number } | undefined> {
    const kept = this.#files.get(id)
    if (kept?.table !== table) return undefined
    if (this.#now() - kept.since >= LIMITS.age) {
      await this.#remove(id)
      return undefined
    }
    const file = await openExported(this.#path(id)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    return file && { stream: streamExported(file, closeExported), length: file.bytes }
  }

  /** Removes the files of a table that is gone. */
  async drop(table: string): Promise<void> {
    for (const [id, kept] of this.#files) if (kept.table === table) await this.#remove(id)
  }

  /** Forgets all files, which the next start removes. */
  close(): void {
    for (const { expiry } of this.#files.values()) clearTimeout(expiry)
    this.#files.clear()
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.csv`)
  }

  #bytes(): number {
    return [...this.#files.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async #remove(id: string): Promise<void> {
    clearTimeout(this.#files.get(id)?.expiry)
    this.#files.delete(id)
    await rm(this.#path(id), { force: true }).catch(() => undefined)
  }
}

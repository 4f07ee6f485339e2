import type { StoredTable } from './metadata.ts'

/** Tables as last read or written by this process. */
export class TableCache {
  readonly #tables = new Map<string, StoredTable>()
  readonly #changed = new Map<string, number>()
  #now = 0
  #cleared = 0

  /** The time of a read that begins now, for `remember`. */
  get now(): number {
    return this.#now
  }

  get(id: string): StoredTable | undefined {
    return this.#tables.get(id)
  }

  /** Keeps what a read that began at `since` found; false when a write came between: then it may be old. */
  remember(table: StoredTable, since: number): boolean {
    if (Math.max(this.#cleared, this.#changed.get(table.id) ?? 0) > since) return false
    this.#tables.set(table.id, table)
    return true
  }

  /** After a commit. */
  set(id: string, table: StoredTable): void {
    this.#change(id)
    this.#tables.set(id, table)
  }

  /** After a drop, or after a write of which it is not known how it ended. */
  delete(id: string): void {
    this.#change(id)
    this.#tables.delete(id)
  }

  /** When somebody else may have written anything. */
  clear(): void {
    this.#now += 1
    this.#cleared = this.#now
    this.#changed.clear()
    this.#tables.clear()
  }

  #change(id: string): void {
    this.#now += 1
    this.#changed.set(id, this.#now)
  }
}

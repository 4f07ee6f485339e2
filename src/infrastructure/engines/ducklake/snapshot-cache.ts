import { TableCache } from '../duckdb/table-cache.ts'

/**
 * Tables as they are at one snapshot of the lake. One that somebody else has written drops them all: anything may have
 * changed.
 */
export class SnapshotCache extends TableCache {
  #snapshot = -1

  /** The snapshot that somebody has just seen to be the last. */
  standAt(snapshot: number): void {
    if (snapshot <= this.#snapshot) return
    this.#snapshot = snapshot
    this.clear()
  }

  /** The snapshot that this process has written, being the only one that writes. What it changed must be noted. */
  wrote(snapshot: number): void {
    if (snapshot === this.#snapshot + 1) this.#snapshot = snapshot
    else this.standAt(snapshot)
  }
}

import { ServiceUnavailable } from '../../../core/errors.ts'
import type { StoredTable } from '../duckdb/metadata.ts'
import { TableCache } from '../duckdb/table-cache.ts'

/** Names that are remembered to be nobody's. */
const ABSENT = 1000

/**
 * Tables as they are at one snapshot of the lake, and names that there are not. One that somebody else has written drops them all:
 * anything may have changed.
 */
export class SnapshotCache extends TableCache {
  #snapshot = -1
  readonly #absent = new Set<string>()
  readonly #setBack: () => void

  /** @param setBack - Called when the lake stands at an earlier snapshot than it did. */
  constructor(setBack: () => void = () => {}) {
    super()
    this.#setBack = setBack
  }

  /**
   * Asks for the last snapshot, and stands at it.
   *
   * @throws ServiceUnavailable when it is an earlier one than before the question: the catalog was restored, or another server
   *   has taken its place that lacks the last commits. What is known of the commits that are lost is worse than nothing.
   */
  async look(ask: () => Promise<number>): Promise<number> {
    const before = this.#snapshot
    const snapshot = await ask()
    if (snapshot < before) {
      if (this.#snapshot === before) {
        this.#snapshot = snapshot
        this.clear()
        this.#setBack()
      }
      throw new ServiceUnavailable('The lake was set back to an earlier state, and is opened again.', {
        retryAfterSeconds: 1,
      })
    }
    this.standAt(snapshot)
    return snapshot
  }

  isAbsent(name: string): boolean {
    return this.#absent.has(name)
  }

  /** Keeps that a read that began at `since` has found nothing; false when a write came between. */
  rememberAbsent(name: string, since: number): boolean {
    if (this.now !== since) return false
    if (this.#absent.size < ABSENT) this.#absent.add(name)
    return true
  }

  override set(id: string, table: StoredTable): void {
    this.#absent.clear()
    super.set(id, table)
  }

  override clear(): void {
    this.#absent.clear()
    super.clear()
  }

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

import { ServiceUnavailable } from '../../../core/errors.ts'
import type { StoredTable } from '../duckdb/metadata.ts'
import { TableCache } from '../duckdb/table-cache.ts'
import type { SeenStand, Stand } from './stand.ts'
import { isSuccessor } from './stand.ts'

/** Names that are remembered to be nobody's. */
const ABSENT = 1000

const NOWHERE: Stand = { snapshot: -1 }

/**
 * Tables as they are at one snapshot of the lake, and names that there are not. One that somebody else has written drops them all:
 * anything may have changed.
 */
export class SnapshotCache extends TableCache {
  #stand = NOWHERE
  readonly #absent = new Set<string>()
  readonly #setBack: (isCertain: boolean) => void

  /** @param setBack - Called when the lake has lost commits, or may have. */
  constructor(setBack: (isCertain: boolean) => void = () => {}) {
    super()
    this.#setBack = setBack
  }

  /**
   * Asks where the lake stands, and stands there.
   *
   * @param ask - Is given the snapshot that was the last one so far.
   * @returns The last snapshot.
   * @throws ServiceUnavailable when the lake has lost commits, or may have. What is known of them is worse than nothing.
   */
  async look(ask: (known: number) => Promise<SeenStand>): Promise<number> {
    const known = this.#stand
    const { knownMadeAt, ...stand } = await ask(known.snapshot)
    const isGoingOn = known === NOWHERE ? 'yes' : isSuccessor({ ...stand, knownMadeAt }, known)
    if (isGoingOn !== 'yes') {
      if (this.#stand === known) {
        this.#stand = stand
        this.clear()
        this.#setBack(isGoingOn === 'no')
      }
      throw new ServiceUnavailable('The lake may have been set back to an earlier state, and is opened again.', {
        retryAfterSeconds: 1,
      })
    }
    if (stand.snapshot >= this.#stand.snapshot) this.#standAt(stand)
    return stand.snapshot
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

  /** The snapshot that this process has written, being the only one that writes. What it changed must be noted. */
  wrote(snapshot: number): void {
    const { snapshot: before, database } = this.#stand
    if (snapshot <= before) return
    this.#stand = { snapshot, database }
    if (snapshot > before + 1) this.clear()
  }

  #standAt(stand: Stand): void {
    const isLater = stand.snapshot > this.#stand.snapshot
    this.#stand = stand
    if (isLater) this.clear()
  }
}

/** Pauses don't grow beyond this doubling. */
const DOUBLINGS = 5

/** How a write is run again. */
export interface RetryOptions {
  /** The pause before that; each one may be twice as long as the one before. */
  firstPauseMs?: number
  /** How often it is run in all. */
  attempts?: number
  /** How long after its first failure it is still begun again. */
  patienceMs?: number
}

/** One write at a time for each name; what waits keeps its order (traps T15). */
export class WriteQueue {
  readonly #isConflict: (error: unknown) => boolean
  readonly #options: Required<RetryOptions>
  readonly #tails = new Map<string, Promise<unknown>>()

  /** @param isConflict - Tells that a write met one of another process or of another table, and may be run again. */
  constructor(isConflict: (error: unknown) => boolean, options: RetryOptions = {}) {
    this.#isConflict = isConflict
    this.#options = { firstPauseMs: 5, attempts: 6, patienceMs: Number.POSITIVE_INFINITY, ...options }
  }

  /** Runs `work` after all earlier work of these names; runs it again when it met another write. */
  async run<T>(names: readonly string[], work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const earlier = names.map((name) => this.#tails.get(name))
    const turn = Promise.allSettled(earlier).then(() => {
      signal?.throwIfAborted()
      return this.#withRetries(work)
    })
    const tail = turn.catch(() => undefined)
    for (const name of names) this.#tails.set(name, tail)
    try {
      return await turn
    } finally {
      for (const name of names) if (this.#tails.get(name) === tail) this.#tails.delete(name)
    }
  }

  /** Stands for the work of a name that came last: another one as soon as more waits. Undefined: none runs or waits. */
  last(name: string): unknown {
    return this.#tails.get(name)
  }

  /** Names that something runs or waits for. */
  get length(): number {
    return this.#tails.size
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.allSettled(this.#tails.values())
  }

  async #withRetries<T>(work: () => Promise<T>): Promise<T> {
    const { firstPauseMs, attempts, patienceMs } = this.#options
    let deadline: number | undefined
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        deadline ??= performance.now() + patienceMs
        const isOver = attempt === attempts || performance.now() > deadline
        if (isOver || !this.#isConflict(error)) throw error
        await pause(firstPauseMs * 2 ** Math.min(attempt, DOUBLINGS) * Math.random())
      }
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

const ATTEMPTS = 6
/** Pauses don't grow beyond this doubling. */
const DOUBLINGS = 5

/** One write at a time for each name; what waits keeps its order (traps T15). */
export class WriteQueue {
  readonly #isConflict: (error: unknown) => boolean
  readonly #firstPauseMs: number
  readonly #attempts: number
  readonly #patienceMs: number
  readonly #tails = new Map<string, Promise<unknown>>()

  /**
   * @param isConflict - Tells that a write met one of another process or of another table, and may be run again.
   * @param firstPauseMs - The pause before that; each one may be twice as long as the one before.
   * @param attempts - How often a write is run in all.
   * @param patienceMs - How long after it first met one it is still begun again.
   */
  constructor(
    isConflict: (error: unknown) => boolean,
    firstPauseMs = 5,
    attempts = ATTEMPTS,
    patienceMs = Number.POSITIVE_INFINITY,
  ) {
    this.#isConflict = isConflict
    this.#firstPauseMs = firstPauseMs
    this.#attempts = attempts
    this.#patienceMs = patienceMs
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
    let deadline: number | undefined
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        deadline ??= performance.now() + this.#patienceMs
        const isOver = attempt === this.#attempts || performance.now() > deadline
        if (isOver || !this.#isConflict(error)) throw error
        await pause(this.#firstPauseMs * 2 ** Math.min(attempt, DOUBLINGS) * Math.random())
      }
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

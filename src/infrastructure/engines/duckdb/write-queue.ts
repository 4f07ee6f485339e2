import { setTimeout } from 'node:timers/promises'
import { isConflict } from './failures.ts'

const ATTEMPTS = 6
const FIRST_PAUSE_MS = 5

/** One write at a time for each name; what waits keeps its order (traps T15). */
export class WriteQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `work` after all earlier work of these names; runs it again when it met another write. */
  async run<T>(names: readonly string[], work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const earlier = names.map((name) => this.#tails.get(name))
    const turn = Promise.allSettled(earlier).then(() => {
      signal?.throwIfAborted()
      return withRetries(work)
    })
    const tail = turn.catch(() => undefined)
    for (const name of names) this.#tails.set(name, tail)
    try {
      return await turn
    } finally {
      for (const name of names) if (this.#tails.get(name) === tail) this.#tails.delete(name)
    }
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.allSettled(this.#tails.values())
  }
}

async function withRetries<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === ATTEMPTS || !isConflict(error)) throw error
      await setTimeout(FIRST_PAUSE_MS * 2 ** attempt * Math.random())
    }
  }
}

import { TooManyRequests } from '../core/errors.ts'

/** A few things at once; the rest wait a little, then are turned away. */
export class Slots {
  readonly #size: number
  readonly #waitMs: number
  readonly #sentence: string
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(options: { size: number; waitSeconds: number; sentence: string }) {
    this.#size = options.size
    this.#waitMs = options.waitSeconds * 1000
    this.#sentence = options.sentence
  }

  /**
   * Runs `work` when a slot is free.
   *
   * @throws TooManyRequests when none becomes free in time.
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#taken -= 1
    }
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#taken < this.#size) {
      this.#taken += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (reason: unknown) => {
        const index = this.#waiting.indexOf(enter)
        if (index < 0) return
        this.#waiting.splice(index, 1)
        settle()
        reject(reason)
      }
      const timer = setTimeout(() => leave(new TooManyRequests(this.#sentence, this.#waitMs / 1000)), this.#waitMs)
      const abort = () => leave(signal?.reason)
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const enter = () => {
        settle()
        resolve()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.push(enter)
    })
  }
}

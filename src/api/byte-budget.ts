import { ServiceUnavailable } from '../core/errors.ts'

/** What one reader holds of a budget. */
export interface Share {
  /**
   * Takes so many bytes more, when they are free.
   *
   * @throws ServiceUnavailable when they do not become free in time.
   */
  take(bytes: number): Promise<void>
  /** Gives everything back. */
  release(): void
}

/** So many bytes for all together: who finds none waits a little, in the order of asking, and is then turned away. */
export class ByteBudget {
  readonly #waitMs: number
  readonly #sentence: string
  readonly #waiting: { bytes: number; enter: () => void }[] = []
  #free: number

  constructor(options: { bytes: number; waitSeconds: number; sentence: string }) {
    this.#free = options.bytes
    this.#waitMs = options.waitSeconds * 1000
    this.#sentence = options.sentence
  }

  share(): Share {
    let held = 0
    return {
      take: async (bytes) => {
        await this.#take(bytes)
        held += bytes
      },
      release: () => {
        this.#free += held
        held = 0
        this.#admit()
      },
    }
  }

  async #take(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && bytes <= this.#free) {
      this.#free -= bytes
      return
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(new ServiceUnavailable(this.#sentence, { retryAfterSeconds: Math.ceil(this.#waitMs / 1000) }))
        this.#admit()
      }, this.#waitMs)
      const enter = () => {
        clearTimeout(timer)
        resolve()
      }
      const entry = { bytes, enter }
      this.#waiting.push(entry)
    })
  }

  /** Lets in those in front as far as there is room. */
  #admit(): void {
    for (let first = this.#waiting[0]; first && first.bytes <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= first.bytes
      first.enter()
    }
  }
}

/** Lets so many through at once; the others wait, in their order. */
export class Lane {
  readonly #width: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(width: number) {
    this.#width = width
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get isBusy(): boolean {
    return this.#running > 0
  }

  /** Runs `work` when there is room. Who leaves while waiting leaves the line. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#admit(signal)
    try {
      return await work()
    } finally {
      this.#running -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Lets everybody through who waits. */
  clear(): void {
    for (const start of this.#waiting.splice(0)) start()
  }

  async #admit(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#running < this.#width) {
      this.#running += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', leave)
        this.#running += 1
        resolve()
      }
      const leave = () => {
        const index = this.#waiting.indexOf(start)
        if (index >= 0) this.#waiting.splice(index, 1)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#waiting.push(start)
    })
  }
}

/** What runs in DuckDB at once, by kind: none of them waits for another. */
export interface Lanes {
  reads: Lane
  /** Callers' own SQL, which may take long. */
  sql: Lane
  writes: Lane
  /** Steps of those who mostly wait for their client, such as the pieces of a download. */
  steps: Lane
}

/** Node's default for `UV_THREADPOOL_SIZE`. */
const SMALL_POOL = 4

/**
 * Lanes that together fit into Node's thread pool, of which each statement holds a thread while it runs (traps T27).
 * A pool of 16 or more gives each its full width.
 */
export function createLanes(pool = Number(process.env.UV_THREADPOOL_SIZE) || SMALL_POOL): Lanes {
  const narrow = pool < 16
  const [sql, writes, steps] = narrow ? [1, 1, 1] : [4, 3, 2]
  const reads = Math.max(2, Math.min(6, pool - 1 - sql - writes - steps))
  return { reads: new Lane(reads), sql: new Lane(sql), writes: new Lane(writes), steps: new Lane(steps) }
}

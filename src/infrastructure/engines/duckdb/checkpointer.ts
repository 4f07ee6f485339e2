import type { WriteQueue } from '../write-queue.ts'
import type { Client } from './client.ts'

const PAUSE_MS = 500

/**
 * Moves changed definitions from the write-ahead log into the file soon after their commit. A checkpoint fails while
 * a write transaction is open; then it is tried again later (traps T14).
 */
export class Checkpointer {
  readonly #client: Client
  readonly #queue: WriteQueue
  #timer: NodeJS.Timeout | undefined

  constructor(client: Client, queue: WriteQueue) {
    this.#client = client
    this.#queue = queue
  }

  schedule(): void {
    if (this.#timer) return
    this.#timer = setTimeout(() => void this.#checkpoint(), PAUSE_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #checkpoint(): Promise<void> {
    await this.#queue.idle()
    this.#timer = undefined
    await this.#client.session((session) => session.run('CHECKPOINT')).catch(() => this.schedule())
  }
}

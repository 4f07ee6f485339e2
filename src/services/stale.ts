import { ServiceUnavailable } from '../core/errors.ts'
import { StaleSchema } from '../infrastructure/engines/engine.ts'

const ATTEMPTS = 100
const LONGEST_PAUSE_MS = 100

/** Runs `work`, which describes a table and plans by it, again as often as the table's columns change under way. */
export async function whileStale<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StaleSchema)) throw error
      if (attempt === ATTEMPTS) {
        throw new ServiceUnavailable('The table changes too fast just now.', { cause: error, retryAfterSeconds: 1 })
      }
      await pause(Math.random() * Math.min(LONGEST_PAUSE_MS, 4 * attempt))
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}

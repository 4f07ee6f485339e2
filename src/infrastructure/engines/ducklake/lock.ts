import { ServiceUnavailable } from '../../../core/errors.ts'

/** The writers' lock of a lake: whoever holds it is the only one, in any process, who writes. */
export interface Lock {
  /** Runs `work` when all others are done. The lock is let go of also when this process dies. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Runs `work` if no other process does work of that kind; it does not hold up writes. Undefined: one does. */
  alone<T>(kind: string, work: () => Promise<T>): Promise<T | undefined>
  /** Who has more to do than others lets so long pass before it asks again, where those who wait only look from time to time. */
  readonly restMs?: number
  close(): Promise<void>
}

/** What who waits for the lock is told in the end. */
export function heldTooLong(): ServiceUnavailable {
  return new ServiceUnavailable('Others have been writing to the lake for too long.', { retryAfterSeconds: 5 })
}

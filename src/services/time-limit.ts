import { ValidationError } from '../core/errors.ts'
import type { CallOptions } from '../infrastructure/engines/engine.ts'

/**
 * Runs `work` with a signal that aborts when the caller's does or when the time is up.
 *
 * @throws ValidationError with this sentence when the time was up (contract §7, §8.6).
 */
export async function withTimeLimit<T>(
  seconds: number,
  sentence: string,
  { signal }: CallOptions,
  work: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const limit = AbortSignal.timeout(seconds * 1000)
  try {
    return await work({ signal: signal ? AbortSignal.any([signal, limit]) : limit })
  } catch (error) {
    if (limit.aborted && !signal?.aborted) throw new ValidationError({ query: [sentence] }, { cause: error })
    throw error
  }
}

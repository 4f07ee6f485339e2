import { ServiceUnavailable } from '../../../core/errors.ts'
import { unlessAborted } from '../../../core/unless-aborted.ts'
import type { Outage } from '../../outage.ts'

const SILENT = "The lake's catalog does not answer."

/**
 * What work on a catalog comes to. A database that stands still keeps its connections and never answers: whoever asks it is told
 * after a while, though the work can't be stopped.
 *
 * @param work - Is given a signal that aborts then, and when `signal` does.
 * @throws ServiceUnavailable when it takes longer than `limitMs`.
 */
export async function answerInTime<T>(
  limitMs: number,
  outage: Outage,
  work: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const limit = new AbortController()
  const timer = setTimeout(() => {
    outage.begin(SILENT)
    limit.abort(new ServiceUnavailable(SILENT, { retryAfterSeconds: 5 }))
  }, limitMs)
  const either = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal
  try {
    return await unlessAborted(work(either), either)
  } finally {
    clearTimeout(timer)
  }
}

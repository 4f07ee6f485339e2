import { ServiceUnavailable } from '../../../core/errors.ts'
import { BigqueryFailure, readFailure } from './failures.ts'

/** What went wrong with the bucket, where it was the bucket; else the error as it came. */
export function bucketFailure(name: string, error: unknown): unknown {
  if (error instanceof BigqueryFailure || !(readFailure(error) instanceof BigqueryFailure)) return error
  return new ServiceUnavailable("The bucket for downloads can't be used just now.", {
    cause: new Error(`bucket ${name}: ${(error as Error).message}`, { cause: error }),
    retryAfterSeconds: 10,
  })
}

import type { Writable } from 'node:stream'
import { drained } from './drained.ts'
import { Failure } from './failure.ts'
import { megabytes } from './progress.ts'

/** A connection that broke; what came until then is good. */
export class BrokenOff extends Failure {}

/**
 * Writes a body as fast as it is taken; answers how many bytes it had.
 *
 * @param there - Bytes of the file that came before.
 */
export async function copy(
  body: ReadableStream<Uint8Array>,
  file: Writable,
  onBytes: (bytes: number) => void,
  there = 0,
): Promise<number> {
  const reader = body.getReader()
  let failure: NodeJS.ErrnoException | undefined
  const noteFailure = (error: NodeJS.ErrnoException) => {
    failure = error
  }
  file.on('error', noteFailure)
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw new BrokenOff(`The download broke off after ${megabytes(there + bytes)} MB: the file is not complete.`, {
        cause: error,
      })
    })
    if (done) return bytes
    if (!file.write(value)) await drained(file)
    if (failure) {
      await reader.cancel().catch(() => {})
      throw new Failure(`The file can't be written after ${megabytes(there + bytes)} MB (${failure.code}).`, {
        cause: failure,
      })
    }
    bytes += value.length
    onBytes(value.length)
  }
}

import { breakable } from './breakable.ts'
import type { Bucket } from './bucket.ts'

interface Options {
  /** Bytes of the first file that are left out. */
  skipped?: number
  signal?: AbortSignal | undefined
}

/**
 * Files of the bucket as one stream; the next is opened once the one before has been read to its end. Where nothing is
 * left to read nothing is asked for: Cloud Storage refuses a range that is empty.
 */
export function oneAfterAnother(
  bucket: Bucket,
  files: readonly { name: string; bytes: number }[],
  { skipped = 0, signal }: Options = {},
): ReadableStream<Uint8Array> {
  const pieces = files
    .map(({ name, bytes }, index) => ({ name, bytes, start: index === 0 ? skipped : 0 }))
    .filter(({ bytes, start }) => bytes > start)
  let next = 0
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const piece = pieces[next]
          if (!piece) return controller.close()
          reader ??= bucket.read(piece.name, piece.start).getReader()
          const { value, done } = await reader.read()
          if (!done) return controller.enqueue(value)
          reader = undefined
          next += 1
        }
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return breakable(stream, signal)
}

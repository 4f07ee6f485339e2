import { breakable } from './breakable.ts'
import type { Bucket } from './bucket.ts'

interface Options {
  /** Bytes of the first file that are left out. */
  skipped?: number
  signal?: AbortSignal | undefined
}

/** Files of the bucket as one stream; the next is opened once the one before has been read to its end. */
export function oneAfterAnother(
  bucket: Bucket,
  files: readonly { name: string }[],
  { skipped = 0, signal }: Options = {},
): ReadableStream<Uint8Array> {
  let next = 0
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const file = files[next]
          if (!reader && !file) return controller.close()
          reader ??= bucket.read((file as { name: string }).name, next === 0 ? skipped : 0).getReader()
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

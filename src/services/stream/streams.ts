import { joinBytes } from '../../core/bytes.ts'
import type { Bytes } from '../../infrastructure/engines/engine.ts'

type Stream = ReadableStream<Uint8Array>

/** Each chunk changed on its way, one at a time. */
export function mapStream(stream: Stream, change: (chunk: Uint8Array) => Uint8Array): Stream {
  const reader = stream.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(change(value))
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** Pieces one after the other: in one piece when all are in hand, else as a stream. */
export function concat(pieces: readonly Bytes[]): Bytes {
  return pieces.every((piece) => piece instanceof Uint8Array)
    ? joinBytes(pieces as readonly Uint8Array[])
    : concatStreams(pieces)
}

/** Bytes as a stream of pieces. */
export function pieces(bytes: Uint8Array, size: number): Stream {
  let at = 0
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at >= bytes.length) return controller.close()
        controller.enqueue(bytes.subarray(at, at + size))
        at += size
      },
    },
    { highWaterMark: 0 },
  )
}

/** All that a stream gives, in one piece. */
export async function collect(stream: Stream): Promise<Uint8Array> {
  const found: Uint8Array[] = []
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return joinBytes(found)
    found.push(value)
  }
}

function concatStreams(pieces: readonly Bytes[]): Stream {
  const waiting = [...pieces]
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const read = reader ? await reader.read() : undefined
          if (read && !read.done) return controller.enqueue(read.value)
          reader = undefined
          const piece = waiting.shift()
          if (piece === undefined) return controller.close()
          if (piece instanceof Uint8Array) return controller.enqueue(piece)
          reader = piece.getReader()
        }
      },
      async cancel(reason) {
        await reader?.cancel(reason)
        for (const piece of waiting) if (!(piece instanceof Uint8Array)) await piece.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

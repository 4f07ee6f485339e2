import { PayloadTooLarge, ValidationError } from '../../core/errors.ts'

export type ByteStream = ReadableStream<Uint8Array>

const MEGABYTE = 1024 * 1024

/** A stream that calls `look` with each chunk on its way; what that throws ends it, and what comes before as well. */
export function watch(body: ByteStream, look: (chunk: Uint8Array) => void): ByteStream {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        try {
          look(value)
        } catch (error) {
          reader.cancel(error).catch(() => {})
          throw error
        }
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** A stream without its first bytes. */
export function skipped(body: ByteStream, bytes: number): ByteStream {
  const reader = body.getReader()
  let left = bytes
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read()
          if (done) return controller.close()
          const rest = left > 0 ? value.subarray(left) : value
          left = Math.max(0, left - value.length)
          if (rest.length > 0) return controller.enqueue(rest)
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** A stream that fails with 413 once there are more bytes than MAX_LOAD_MB. */
export function limited(body: ByteStream, limitMb: number): ByteStream {
  let bytes = 0
  return watch(body, (chunk) => {
    bytes += chunk.length
    if (bytes > limitMb * MEGABYTE) throw tooLarge(limitMb)
  })
}

export function tooLarge(limitMb: number): PayloadTooLarge {
  return new PayloadTooLarge(`The file is larger than ${limitMb} MB (MAX_LOAD_MB). Load it in parts.`)
}

/** The first bytes of a stream, as many as asked or all there are, and a stream that begins with them. */
export async function peek(body: ByteStream, length: number): Promise<{ head: Uint8Array; body: ByteStream }> {
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let got = 0
  let ended = false
  while (got < length && !ended) {
    const { done, value } = await reader.read()
    if (done) ended = true
    else {
      chunks.push(value)
      got += value.length
    }
  }
  const head = joined(chunks, got)
  const waiting = [...chunks]
  const again = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = waiting.shift()
        if (chunk) return controller.enqueue(chunk)
        if (ended) return controller.close()
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return { head: head.subarray(0, length), body: again }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0] as Uint8Array
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}

/** Passes chunks through a transform of the platform, and names what it can't read in these words. */
export function through(body: ByteStream, transform: unknown, sentence: string): ByteStream {
  const pair = transform as TransformStream<Uint8Array, Uint8Array>
  let failure: unknown
  const source = watchFailure(body, (error) => {
    failure = error
  })
  const reader = source.pipeThrough(pair).getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error) => {
          throw failure ?? new ValidationError({ file: [sentence] }, { cause: error })
        })
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

/** Tells of a stream's own failure, which a transform behind it would pass on in its own words. */
function watchFailure(body: ByteStream, tell: (error: unknown) => void): ByteStream {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch((error) => {
          tell(error)
          throw error
        })
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

const GZIP_CUT = 'The gzip data is damaged or cut short.'

/** Unpacks gzip. */
export function unpacked(body: ByteStream): ByteStream {
  return through(body, new DecompressionStream('gzip'), GZIP_CUT)
}

export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import type { Compressor, Compressors } from '../../src/api/compress.ts'

const CHUNK_BYTES = 64 * 1024

/**
 * What Node compresses answers with, on its thread pool. The quickest levels: against gzip's usual one they take a
 * third (gzip) and a fifth (Brotli) of the time, for files of tabular data that are a tenth larger.
 */
export const compressors: Compressors = {
  br: through(() => createBrotliCompress({ chunkSize: CHUNK_BYTES, params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
  gzip: through(() => createGzip({ chunkSize: CHUNK_BYTES, level: 1 })),
}

/** Passes a stream through one of Node's, which takes in no more than its reader takes out. */
function through(create: () => Transform): Compressor {
  return (stream) => {
    const source = stream.getReader()
    const transform = create()
    const output = transform[Symbol.asyncIterator]()
    // What fails here fails the output as well.
    pipeline(chunks(source), transform).catch(() => {})
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await output.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        async cancel(reason) {
          transform.destroy()
          await source.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}

async function* chunks(source: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await source.read()
    if (done) return
    yield value
  }
}

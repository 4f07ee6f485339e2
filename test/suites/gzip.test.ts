import { setTimeout as sleep } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { compressors } from '../../adapters/node/compressors.ts'
import type { Compressor } from '../../src/api/compress.ts'
import { gzip } from '../../src/services/stream/gzip.ts'

const bytesOf = async (stream: ReadableStream<Uint8Array>) => Buffer.from(await new Response(stream).arrayBuffer())

function streamOf(pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
}

const noise = (length: number) => crypto.getRandomValues(new Uint8Array(length))

const forms: [string, Compressor | undefined, (bytes: Uint8Array) => Buffer][] = [
  ['gzip as the web has it', gzip, gunzipSync],
  ['gzip as Node has it', compressors.gzip, gunzipSync],
  ['Brotli as Node has it', compressors.br, brotliDecompressSync],
]

describe.each(forms)('%s', (_form, compress = gzip, decompress) => {
  test.each([
    ['nothing', []],
    ['one byte', [Buffer.from('x')]],
    ['text', [Buffer.from('hello '.repeat(100_000)), Buffer.from('end')]],
    ['what does not compress', Array.from({ length: 40 }, () => noise(65_536))],
    ['what nearly vanishes', [new Uint8Array(5_000_000), new Uint8Array(0), new Uint8Array(1)]],
  ])('%s comes back', async (_name, pieces) => {
    expect(decompress(await bytesOf(compress(streamOf(pieces)))).equals(Buffer.concat(pieces))).toBe(true)
  })

  test('a source that fails fails the file', async () => {
    let pulls = 0
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls += 1
        if (pulls < 5) controller.enqueue(noise(65_536))
        else controller.error(new Error('disk'))
      },
    })
    await expect(bytesOf(compress(source))).rejects.toThrow('disk')
  })

  test('takes in little while nobody reads, and lets go of its source', async () => {
    let taken = 0
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          taken += 1
          controller.enqueue(noise(65_536))
        },
        cancel(reason) {
          cancelled = reason
        },
      },
      { highWaterMark: 0 },
    )
    const reader = compress(source).getReader()
    await reader.read()
    await sleep(200)
    expect(taken).toBeLessThan(10)
    await reader.cancel('enough')
    expect(cancelled).toBe('enough')
  })
})

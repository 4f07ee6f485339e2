import { gzip, gzipBytes } from '../services/stream/gzip.ts'
import { type Accepted, readAcceptEncoding } from './accept-encoding.ts'
import type { Context } from './context.ts'
import type { Reply } from './operation.ts'
import { concat, pieces } from './streams.ts'
import { encodedTag } from './versions.ts'

type Stream = ReadableStream<Uint8Array>

/** A smaller answer fits into one packet as it is. */
const LEAST_BYTES = 1024
/** Larger ones go out while they are compressed. */
const WHOLE_BYTES = 1024 * 1024
const PIECE_BYTES = 64 * 1024

const TEXT = /^(?:text\/|application\/(?:json|javascript|x-ndjson)\b)/

/**
 * An answer that reads data, compressed where its client likes that. The runtime's `CompressionStream` does it off the
 * thread that serves everybody. Nobody gets anything but gzip: Brotli at a quality that keeps up with it saves no more,
 * and zstd is not in every runtime. `HEAD` is answered as for a client that takes none.
 *
 * @throws What the body's stream throws before there is enough of it to decide.
 */
export async function compress(context: Context, reply: Reply): Promise<Reply> {
  const { request, service, operation } = context
  if (!service.config.compression || operation?.permission !== 'read' || reply.status !== 200) return reply
  if (reply.body === null || !TEXT.test(reply.headers['Content-Type'] ?? '')) return reply
  const accepted = readAcceptEncoding(request.headers.get('accept-encoding'))
  const varied = { ...reply, headers: { ...reply.headers, Vary: varies(reply.headers.Vary) } }
  if (!accepted.encoding || request.method === 'HEAD') return varied
  return reply.body instanceof Uint8Array
    ? compressWhole(varied, reply.body, accepted)
    : compressStream(varied, reply.body, accepted)
}

function varies(vary: string | undefined): string {
  if (vary === undefined) return 'Accept-Encoding'
  return vary.includes('Accept-Encoding') ? vary : `${vary}, Accept-Encoding`
}

async function compressWhole(reply: Reply, body: Uint8Array, { required }: Accepted): Promise<Reply> {
  if (body.length < LEAST_BYTES && !required) return { ...reply, body }
  if (body.length > WHOLE_BYTES) return encoded(reply, gzip(pieces(body, PIECE_BYTES)))
  const known = reply.gzipped?.known()
  const bytes = known ?? (await gzipBytes(body))
  if (!known) reply.gzipped?.keep(bytes)
  return encoded(reply, bytes)
}

async function compressStream(reply: Reply, body: Stream, accepted: Accepted): Promise<Reply> {
  const { start, ended } = await readStart(body)
  if (ended) return compressWhole(reply, concat(start) as Uint8Array, accepted)
  return encoded(reply, gzip(concat([...start, body]) as Stream))
}

/** A stream's first pieces: enough of them to know that it is worth compressing, or all. */
async function readStart(body: Stream): Promise<{ start: Uint8Array[]; ended: boolean }> {
  const reader = body.getReader()
  const start: Uint8Array[] = []
  for (let bytes = 0; bytes < LEAST_BYTES; ) {
    const { done, value } = await reader.read()
    if (done) return { start, ended: true }
    start.push(value)
    bytes += value.length
  }
  reader.releaseLock()
  return { start, ended: false }
}

function encoded(reply: Reply, body: Uint8Array | Stream): Reply {
  const { 'Content-Length': _, ETag: tag, ...headers } = reply.headers
  return {
    ...reply,
    headers: { ...headers, 'Content-Encoding': 'gzip', ...(tag !== undefined && { ETag: encodedTag(tag, 'gzip') }) },
    body,
  }
}

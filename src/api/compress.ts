import { gzip } from '../services/stream/gzip.ts'
import { collect, concat, pieces } from '../services/stream/streams.ts'
import { readAcceptEncoding } from './accept-encoding.ts'
import type { Context } from './context.ts'
import type { Reply } from './operation.ts'
import { ENCODINGS, type Encoding, encodedTag } from './versions.ts'

type Stream = ReadableStream<Uint8Array>

/** Encodes a stream: not on the thread that serves everybody, and taking in no more than its reader takes out. */
export type Compressor = (stream: Stream) => Stream

/** What answers can be encoded with. */
export type Compressors = Readonly<Partial<Record<Encoding, Compressor>>>

/** What every runtime has. */
const webCompressors: Compressors = { gzip }

/** How one answer is to be encoded. */
interface Encoder {
  encoding: Encoding
  compressor: Compressor
  /** However small it is. */
  required: boolean
}

/** A smaller answer fits into one packet as it is. */
const LEAST_BYTES = 1024
/** Larger ones go out while they are compressed. */
const WHOLE_BYTES = 1024 * 1024
const PIECE_BYTES = 64 * 1024

const TEXT = /^(?:text\/|application\/(?:json|javascript|x-ndjson)\b)/

/**
 * An answer that reads data, compressed where its client likes that. `HEAD` is answered as for a client that takes
 * nothing compressed.
 *
 * @throws What the body's stream throws before there is enough of it to decide.
 */
export async function compress(context: Context, reply: Reply): Promise<Reply> {
  const { request, service, operation } = context
  if (!service.config.compression || operation?.permission !== 'read' || reply.status !== 200) return reply
  if (reply.body === null || !TEXT.test(reply.headers['Content-Type'] ?? '')) return reply
  const encoder = request.method === 'HEAD' ? undefined : encoderFor(context)
  if (!encoder) return reply
  return reply.body instanceof Uint8Array
    ? compressWhole(reply, reply.body, encoder)
    : compressStream(reply, reply.body, encoder)
}

function encoderFor({ request, service: { compressors = webCompressors } }: Context): Encoder | undefined {
  const header = request.headers.get('accept-encoding')
  if (header === null) return undefined
  const offered = ENCODINGS.filter((name) => compressors[name])
  const { encoding, required } = readAcceptEncoding(header, offered)
  const compressor = encoding && compressors[encoding]
  return compressor && { encoding, compressor, required }
}

async function compressWhole(
  reply: Reply,
  body: Uint8Array,
  { encoding, compressor, required }: Encoder,
): Promise<Reply> {
  if (body.length < LEAST_BYTES && !required) return { ...reply, body }
  const known = reply.encoded?.known(encoding)
  if (known) return encoded(reply, encoding, known)
  const stream = compressor(pieces(body, PIECE_BYTES))
  if (body.length > WHOLE_BYTES) return encoded(reply, encoding, stream)
  const bytes = await collect(stream)
  reply.encoded?.keep(encoding, bytes)
  return encoded(reply, encoding, bytes)
}

async function compressStream(reply: Reply, body: Stream, encoder: Encoder): Promise<Reply> {
  const { start, ended } = await readStart(body)
  if (ended) return compressWhole(reply, concat(start) as Uint8Array, encoder)
  return encoded(reply, encoder.encoding, encoder.compressor(concat([...start, body]) as Stream))
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

function encoded(reply: Reply, encoding: Encoding, body: Uint8Array | Stream): Reply {
  const { 'Content-Length': _, 'Accept-Ranges': __, ETag: tag, ...headers } = reply.headers
  return {
    ...reply,
    headers: {
      ...headers,
      'Content-Encoding': encoding,
      ...(tag !== undefined && { ETag: encodedTag(tag, encoding) }),
    },
    body,
  }
}

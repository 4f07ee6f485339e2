import { BadRequest, PayloadTooLarge } from '../core/errors.ts'
import { concat } from './streams.ts'

const MEGABYTE = 1024 * 1024

/**
 * The request's body, whole. Throws `PayloadTooLarge` by `Content-Length` before anything is read, and while reading
 * as soon as there is more than the limit.
 *
 * @param limitMb - In megabytes of 2^20 bytes.
 */
export async function readBody(request: Request, limitMb: number): Promise<Uint8Array> {
  const limit = limitMb * MEGABYTE
  const declared = request.headers.get('content-length')
  const isDeclared = declared !== null && /^\d+$/.test(declared)
  if (isDeclared && Number(declared) > limit) throw tooLarge(limitMb)
  // A runtime that knows the length holds the client to it, and hands all of it over at once.
  if (isDeclared) return checked(new Uint8Array(await request.arrayBuffer().catch(cutShort)), limit, limitMb)
  return request.body ? readCounted(request.body, limit, limitMb) : new Uint8Array()
}

async function readCounted(body: ReadableStream<Uint8Array>, limit: number, limitMb: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const reader = body.getReader()
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(cutShort)
    if (done) return concat(chunks) as Uint8Array
    chunks.push(value)
    length += value.length
    if (length <= limit) continue
    // Not awaited: a source may answer the cancel only after the response.
    reader.cancel().catch(() => {})
    throw tooLarge(limitMb)
  }
}

function checked(bytes: Uint8Array, limit: number, limitMb: number): Uint8Array {
  if (bytes.length > limit) throw tooLarge(limitMb)
  return bytes
}

function cutShort(): never {
  throw new BadRequest('The request ended before its body did')
}

function tooLarge(limitMb: number): PayloadTooLarge {
  return new PayloadTooLarge(
    `The request's body is larger than ${limitMb} MB (MAX_REQUEST_BODY_MB). Send the records in several calls.`,
  )
}

import { BadRequest, PayloadTooLarge } from '../core/errors.ts'
import { concat } from '../services/stream/streams.ts'
import { ByteBudget, type Share } from './byte-budget.ts'
import type { Context, Service } from './context.ts'
import type { Operation } from './operation.ts'

const MEGABYTE = 1024 * 1024

/** Parameters are small; only records may be many. */
export const MAX_PARAMETERS_MB = 4

/** So many bodies of the largest size may be in memory at once. A smaller one than this is not counted. */
const BODIES_IN_FLIGHT = 8
const UNCOUNTED_BYTES = MEGABYTE
const WAIT_SECONDS = 5

const budgets = new WeakMap<Service, ByteBudget>()

/**
 * The request's body, whole. Throws `PayloadTooLarge` by `Content-Length` before anything is read, and while reading
 * as soon as there is more than the limit: `MAX_REQUEST_BODY_MB`, or what parameters take for an operation without
 * records. All bodies together are bounded: what does not fit waits briefly, then gets `ServiceUnavailable`.
 * `context.finally` lets go of it.
 */
export async function readBody(context: Context, operation: Operation): Promise<Uint8Array> {
  const { request, service } = context
  const most = service.config.maxRequestBodyMb
  const limitMb = operation.readOnly ? Math.min(most, MAX_PARAMETERS_MB) : most
  const limit = limitMb * MEGABYTE
  const tooLarge = () => new PayloadTooLarge(sentenceOf(limitMb, operation))
  const header = request.headers.get('content-length')
  const declared = header !== null && /^\d+$/.test(header) ? Number(header) : undefined
  if (declared !== undefined && declared > limit) throw tooLarge()
  if (declared !== undefined && declared <= UNCOUNTED_BYTES) {
    // A runtime that knows the length holds the client to it, and hands all of it over at once.
    const bytes = new Uint8Array(await request.arrayBuffer().catch(cutShort))
    if (bytes.length > limit) throw tooLarge()
    return bytes
  }
  if (!request.body) return new Uint8Array()
  const share = budgetOf(service).share()
  context.finally.push(share.release)
  return readCounted(request.body, limit, share, tooLarge)
}

async function readCounted(
  body: ReadableStream<Uint8Array>,
  limit: number,
  share: Share,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const reader = body.getReader()
  // Not awaited: a source may answer the cancel only after the response.
  const stop = (error: unknown): never => {
    reader.cancel().catch(() => {})
    throw error
  }
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(cutShort)
    if (done) return concat(chunks) as Uint8Array
    length += value.length
    if (length > limit) stop(tooLarge())
    await share.take(value.length).catch(stop)
    chunks.push(value)
  }
}

function budgetOf(service: Service): ByteBudget {
  let budget = budgets.get(service)
  if (!budget) {
    budget = new ByteBudget({
      bytes: service.config.maxRequestBodyMb * MEGABYTE * BODIES_IN_FLIGHT,
      waitSeconds: WAIT_SECONDS,
      sentence: 'Too many large requests come in just now. Try again in a few seconds.',
    })
    budgets.set(service, budget)
  }
  return budget
}

function cutShort(): never {
  throw new BadRequest('The request ended before its body did')
}

function sentenceOf(limitMb: number, { readOnly }: Operation): string {
  return readOnly
    ? `The request's body is larger than ${limitMb} MB, the most that parameters may take.`
    : `The request's body is larger than ${limitMb} MB (MAX_REQUEST_BODY_MB). Send the records in several calls.`
}

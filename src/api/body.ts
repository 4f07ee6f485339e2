import { PayloadTooLarge } from '../core/errors.ts'
import { concat } from '../services/stream/streams.ts'
import { ByteBudget, type Share } from './byte-budget.ts'
import type { Context, Service } from './context.ts'
import type { Operation } from './operation.ts'
import { longestMs, Pace } from './pace.ts'

const MEGABYTE = 1024 * 1024

/** Parameters are small; only records may be many. */
export const MAX_PARAMETERS_MB = 4

/** So many bodies of the largest size may be in memory at once. A smaller one than this is not counted. */
const BODIES_IN_FLIGHT = 8
const UNCOUNTED_BYTES = MEGABYTE
const WAIT_SECONDS = 5

/** Reads need no token: they must not keep writers out. */
const budgets = { reads: new WeakMap<Service, ByteBudget>(), writes: new WeakMap<Service, ByteBudget>() }

/**
 * The request's body, whole. Throws `PayloadTooLarge` by `Content-Length` before anything is read, and while reading
 * as soon as there is more than the limit: `MAX_REQUEST_BODY_MB`, or what parameters take for an operation without
 * records. Throws `RequestTimeout` when it comes too slowly. All bodies of reads together are bounded, and all those of
 * writes: what does not fit waits briefly, then gets `ServiceUnavailable`. `context.finally` lets go of it.
 */
export async function readBody(context: Context, operation: Operation): Promise<Uint8Array> {
  const { request, service } = context
  const most = service.config.maxRequestBodyMb
  const limitMb = operation.readOnly ? Math.min(most, MAX_PARAMETERS_MB) : most
  const limit = limitMb * MEGABYTE
  const tooLarge = () => new PayloadTooLarge(sentenceOf(limitMb, operation))
  const pace = new Pace(longestMs(limit))
  const header = request.headers.get('content-length')
  const declared = header !== null && /^\d+$/.test(header) ? Number(header) : undefined
  if (declared !== undefined && declared > limit) throw tooLarge()
  if (declared !== undefined && declared <= UNCOUNTED_BYTES) {
    // A runtime that knows the length holds the client to it, and hands all of it over at once.
    const bytes = new Uint8Array(await pace.wait(request.arrayBuffer(), Number.POSITIVE_INFINITY))
    if (bytes.length > limit) throw tooLarge()
    return bytes
  }
  if (!request.body) return new Uint8Array()
  const share = budgetOf(service, operation, limit).share()
  context.finally.push(share.release)
  return readCounted(request.body, { limit, share, pace, tooLarge })
}

async function readCounted(
  body: ReadableStream<Uint8Array>,
  { limit, share, pace, tooLarge }: { limit: number; share: Share; pace: Pace; tooLarge: () => Error },
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
    const { done, value } = await pace.wait(reader.read()).catch(stop)
    if (done) return concat(chunks) as Uint8Array
    length += value.length
    if (length > limit) stop(tooLarge())
    await share.take(value.length).catch(stop)
    chunks.push(value)
  }
}

function budgetOf(service: Service, { readOnly }: Operation, limit: number): ByteBudget {
  const known = readOnly ? budgets.reads : budgets.writes
  let budget = known.get(service)
  if (!budget) {
    budget = new ByteBudget({
      bytes: limit * BODIES_IN_FLIGHT,
      waitSeconds: WAIT_SECONDS,
      sentence: 'Too many large requests come in just now. Try again in a few seconds.',
    })
    known.set(service, budget)
  }
  return budget
}

function sentenceOf(limitMb: number, { readOnly }: Operation): string {
  return readOnly
    ? `The request's body is larger than ${limitMb} MB, the most that parameters may take.`
    : `The request's body is larger than ${limitMb} MB (MAX_REQUEST_BODY_MB). Send the records in several calls.`
}

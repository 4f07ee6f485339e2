import { cacheHeaders } from './caching.ts'
import { compress } from './compress.ts'
import type { Context } from './context.ts'
import { describeDefect, renderError } from './errors.ts'
import type { Cut } from './middleware/access-log.ts'
import { corsHeaders } from './middleware/cors.ts'
import { requestEnded } from './observers.ts'
import type { Reply } from './operation.ts'

type Reader = ReadableStreamDefaultReader<Uint8Array>

/**
 * Makes the response: common headers, no body for HEAD, the log line once all is out. A stream's first chunk is
 * awaited before the status is chosen, so that what fails at once is still a proper error.
 */
export async function send(context: Context, given: Reply): Promise<Response> {
  let reply: Reply
  try {
    reply = await compress(context, given)
  } catch (error) {
    return sendWhole(context, renderError(context, error))
  }
  if (!(reply.body instanceof ReadableStream)) return sendWhole(context, reply)
  if (context.request.method === 'HEAD') {
    await reply.body.cancel()
    return sendWhole(context, { ...reply, body: null })
  }
  const reader = reply.body.getReader()
  try {
    const first = await reader.read()
    return new Response(track(context, reply, reader, first), init(context, reply))
  } catch (error) {
    return sendWhole(context, renderError(context, error))
  }
}

function sendWhole(context: Context, { body, ...reply }: Reply): Response {
  const bytes = body instanceof Uint8Array ? body : undefined
  const length = bytes && { 'Content-Length': String(bytes.length) }
  const isHead = context.request.method === 'HEAD'
  requestEnded(context, { status: reply.status, bytes: isHead ? 0 : (bytes?.length ?? 0), rows: reply.rows })
  const content = isHead || !bytes ? null : (bytes as Uint8Array<ArrayBuffer>)
  return new Response(content, init(context, { ...reply, headers: { ...reply.headers, ...length } }))
}

function init(context: Context, { status, headers }: Pick<Reply, 'status' | 'headers'>): ResponseInit {
  const common = { 'X-Request-Id': context.requestId, 'X-Content-Type-Options': 'nosniff' }
  const cors = corsHeaders(context)
  const caching = cacheHeaders(context, { status, headers }, cors.Vary !== undefined)
  return { status, headers: { ...headers, ...context.headers, ...cors, ...caching, ...common } }
}

/** Passes a body on and logs how it ended. A body that fails half-way breaks the connection. */
function track(context: Context, { status, rows }: Reply, reader: Reader, first: Awaited<ReturnType<Reader['read']>>) {
  let next: typeof first | undefined = first
  let bytes = 0
  let ended = false
  const end = (cut?: Cut) => {
    if (!ended) requestEnded(context, { status, bytes, rows, cut })
    ended = true
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = next ?? (await reader.read())
          next = undefined
          if (done) {
            controller.close()
            return end()
          }
          bytes += value.length
          controller.enqueue(value)
        } catch (error) {
          await fail(context, error, controller, end)
        }
      },
      async cancel(reason) {
        end('aborted')
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

async function fail(
  context: Context,
  error: unknown,
  controller: ReadableStreamDefaultController,
  end: (cut: Cut) => void,
): Promise<void> {
  const { caller, request, requestId, service } = context
  if (request.signal.aborted) end('aborted')
  else {
    service.logger.error('answer cut short', { requestId, ...describeDefect(error) })
    end('failed')
  }
  if (!caller.broken) return controller.error(error)
  caller.broken()
  // Neither closed nor failed: whoever carries it has cut the connection, and cancels this stream in its own time.
  await new Promise(() => {})
}

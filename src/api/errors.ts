import { BadRequest, DatastoreError } from '../core/errors.ts'
import type { Context } from './context.ts'
import type { Reply } from './operation.ts'
import { helpUrl, jsonReply } from './respond.ts'

/** nginx's word for a client that hung up: nobody reads it, but the log has it. */
const CLIENT_CLOSED_REQUEST = 499

/**
 * The one place that turns an error into an answer (contract §2.2, §10.3). A `DatastoreError` renders itself; anything
 * else is a defect, logged under the request's id and answered with a bare 500.
 */
export function renderError(context: Context, error: unknown): Reply {
  if (error instanceof BadRequest) return jsonReply(error.status, error.message)
  if (error instanceof DatastoreError) return jsonReply(error.status, envelope(context, body(error)), error.headers)
  if (context.request.signal.aborted) return { status: CLIENT_CLOSED_REQUEST, headers: {}, body: null }
  context.service.logger.error('unexpected error', {
    requestId: context.requestId,
    action: context.operation?.name,
    ...describeDefect(error),
  })
  return jsonReply(500, envelope(context, { __type: 'Internal Server Error', message: 'Internal Server Error' }))
}

function envelope(context: Context, error: Record<string, unknown>) {
  return { help: helpUrl(context), success: false, error }
}

/** CKAN's keys directly on `error`, and the seed's map of them under `fields`, unless CKAN's keys own that name. */
function body({ type, message, status, detail }: DatastoreError): Record<string, unknown> {
  const lists = Object.entries(detail).filter(([, value]) => Array.isArray(value))
  const mapped = status === 409 && lists.length > 0 && !('fields' in detail) && !('message' in detail)
  return { message, ...(mapped && { fields: Object.fromEntries(lists) }), ...detail, __type: type }
}

/** What the log may hold of a defect: where it happened, and its message without the values that it quotes. */
export function describeDefect(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error }
  const stack = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? []
  // An apostrophe within a word quotes nothing.
  const quoted = /"(?:[^"\\]|\\.)*"|(?<![a-z])'(?:[^'\\]|\\.)*'|`[^`]*`/g
  const reason = error.message.slice(0, 500).replace(quoted, '…')
  return { error: error.name, reason, stack: stack.slice(0, 8).map((line) => line.trim()) }
}

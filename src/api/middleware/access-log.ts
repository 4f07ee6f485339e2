import type { Context } from '../context.ts'
import { routeOf } from '../operation.ts'

/** Why not all of an answer went out: the client hung up, or it could not be finished. */
export type Cut = 'aborted' | 'failed'

/** How an answer ended. */
export interface Outcome {
  status: number
  bytes: number
  rows?: number
  cut?: Cut
}

/** What this server does not do, asked for all the same: nothing has failed. */
const NOT_IMPLEMENTED = 501

/** One line per request, written once its last byte is out. No token, no query, no value. */
export function logRequest(context: Context, outcome: Outcome): void {
  const { service, request, requestId, operation, resource, startedAt } = context
  const isFailure = outcome.status >= 500 && outcome.status !== NOT_IMPLEMENTED
  const level = isFailure || outcome.cut === 'failed' ? 'error' : 'info'
  service.logger[level]('request', {
    requestId,
    method: request.method,
    route: operation ? routeOf(operation) : undefined,
    action: operation?.name,
    resource: resource?.slice(0, 200),
    status: outcome.status,
    ms: Math.round((performance.now() - startedAt) * 10) / 10,
    bytes: outcome.bytes,
    rows: outcome.rows,
    ...(outcome.cut && { cut: outcome.cut }),
  })
}

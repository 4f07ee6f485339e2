import type { TracedRequest } from '../../infrastructure/traces.ts'
import type { Context } from '../context.ts'
import { routeOf } from '../operation.ts'
import type { Outcome } from './access-log.ts'

/** A request for a trace: the conventional attributes of HTTP, and how its time was spent. No query, no value, no token. */
export function traceRequest(context: Context, { status, bytes, rows, cut }: Outcome): TracedRequest {
  const { request, requestId, operation, startedAt, steps } = context
  const toEpoch = (time: number) => performance.timeOrigin + time
  const route = operation && routeOf(operation)
  return {
    name: route === undefined ? request.method : `${request.method} ${route}`,
    startMs: toEpoch(startedAt),
    endMs: toEpoch(performance.now()),
    headers: request.headers,
    failed: cut === 'failed' || (status >= 500 && status !== 501),
    attributes: {
      'http.request.method': request.method,
      'http.route': route,
      'http.response.status_code': status,
      'http.response.body.size': bytes,
      'ckan_datastore.action': operation?.name,
      'ckan_datastore.rows': rows,
      'ckan_datastore.request_id': requestId,
      'ckan_datastore.cut': cut,
    },
    steps: steps.map(({ name, start, end }) => ({ name, startMs: toEpoch(start), endMs: toEpoch(end) })),
  }
}

import type { Config } from '../../core/config.ts'
import { truncateAddress } from '../../core/network.ts'
import { clientAddress } from '../client-address.ts'
import type { Context } from '../context.ts'
import type { Outcome } from './access-log.ts'

/** One request for data, for those who count use. Names are those that the authorize decision gave. */
export interface UsageEvent {
  event: 'datastore_usage'
  /** ISO 8601, UTC. */
  time: string
  request_id: string
  action: string
  status: number
  duration_ms: number
  bytes: number
  rows?: number
  /** Who the provider, or the embedding host, says that it was. */
  user?: { id?: string; name?: string }
  /** What it was about: each resource that the caller was allowed. */
  resources: { resource?: string; dataset?: string; organization?: string }[]
  address?: string
  user_agent?: string
  /** With `ANALYTICS_QUERIES`: the parameters that say what was asked for. */
  query?: Record<string, unknown>
}

/** Parameters that describe a question; none of them carries records or a file. */
const ASKED = ['q', 'full_text', 'filters', 'fields', 'sort', 'distinct', 'limit', 'offset', 'sql', 'format', 'method']

/** The event of a request; undefined for one that is not about data. */
export function usageEvent(context: Context, { status, bytes, rows }: Outcome): UsageEvent | undefined {
  const { operation, service, request, requestId, startedAt, decisions, caller, params } = context
  if (operation?.permission === undefined || request.method === 'OPTIONS') return undefined
  const identity = decisions.find((decision) => decision.identity)?.identity ?? caller.identity
  const address = shown(service.config, clientAddress(context))
  const asked = ASKED.flatMap((name) => (params?.[name] === undefined ? [] : [[name, params[name]]]))
  return {
    event: 'datastore_usage',
    time: new Date().toISOString(),
    request_id: requestId,
    action: operation.name,
    status,
    duration_ms: Math.round((performance.now() - startedAt) * 10) / 10,
    bytes,
    ...(rows !== undefined && { rows }),
    ...(identity && { user: { id: identity.id, name: identity.name } }),
    resources: decisions.map(({ resourceId, resource, package: dataset }) => ({
      resource: resource?.id ?? resourceId,
      dataset: dataset?.id ?? resource?.package_id,
      organization: text(dataset?.owner_org),
    })),
    ...(address !== undefined && { address }),
    ...(request.headers.has('user-agent') && { user_agent: request.headers.get('user-agent')?.slice(0, 200) }),
    ...(service.config.analyticsQueries && { query: Object.fromEntries(asked) }),
  }
}

function shown({ analyticsIp }: Config, address: string | undefined): string | undefined {
  if (address === undefined || analyticsIp === 'none') return undefined
  return analyticsIp === 'full' ? address : truncateAddress(address, { ipv4: 24, ipv6: 48 })
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

import type { Context } from '../context.ts'

/**
 * CORS headers (contract §1.9). `CORS_ORIGINS` unset: every origin may read, none may write. `*` permits everything,
 * but no write while there is no authorization (a page could then drive the server of whoever visits it).
 */
export function corsHeaders({ request, service, operation }: Context): Record<string, string> {
  const { corsOrigins, apiTokenHeader } = service.config
  const vary: Record<string, string> = corsOrigins && !corsOrigins.includes('*') ? { Vary: 'Origin' } : {}
  const origin = request.headers.get('origin')
  if (origin === null) return vary
  const isRead = operation?.readOnly ?? true
  const allowed = isNamed(corsOrigins, origin)
    ? origin
    : isAnyAllowed(corsOrigins, isRead, service.provider.open)
      ? '*'
      : undefined
  if (allowed === undefined) return vary
  return {
    ...vary,
    'Access-Control-Allow-Origin': allowed,
    'Access-Control-Allow-Methods': 'POST, PUT, GET, DELETE, OPTIONS',
    'Access-Control-Allow-Headers': `${apiTokenHeader}, Content-Type`,
    'Access-Control-Expose-Headers':
      'Accept-Ranges, Content-Disposition, Content-Range, ETag, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id',
  }
}

/** Whether `CORS_ORIGINS` names this origin in so many words. */
export function isNamed(origins: readonly string[] | undefined, origin: string): boolean {
  return origins?.includes(origin.toLowerCase()) ?? false
}

function isAnyAllowed(origins: readonly string[] | undefined, isRead: boolean, open = false): boolean {
  if (origins === undefined) return isRead
  return origins.includes('*') && (isRead || !open)
}

import type { Config } from '../core/config.ts'
import type { Context } from './context.ts'

/** Headers that may carry a token, those that win first. */
export function credentialHeaders({ apiTokenHeader }: Pick<Config, 'apiTokenHeader'>): string[] {
  const others = ['Authorization', 'X-CKAN-API-Key'].filter(
    (name) => name.toLowerCase() !== apiTokenHeader.toLowerCase(),
  )
  return [apiTokenHeader, ...others]
}

/** The caller's token as it came, without `Bearer `; none for whoever sent a JSONP callback. */
export function credentialOf({ callback, request, service }: Context): string | undefined {
  if (callback !== undefined) return undefined
  for (const name of credentialHeaders(service.config)) {
    const token = request.headers
      .get(name)
      ?.replace(/^bearer\s+/i, '')
      .trim()
    if (token) return token
  }
  return undefined
}

/** The caller whom the embedding host knows; nobody for whoever sent a JSONP callback. */
export function identityOf({ callback, caller }: Context) {
  return callback === undefined ? caller.identity : undefined
}

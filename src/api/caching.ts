import type { Context } from './context.ts'
import { credentialHeaders } from './credential.ts'
import type { Reply } from './operation.ts'

/**
 * What caches may keep: an answer with data only its own client, who must ask each time whether it still holds;
 * anything else, denials and errors among it, nobody.
 */
export function cacheHeaders(
  { operation, service }: Context,
  { status, headers }: Pick<Reply, 'status' | 'headers'>,
  variesByOrigin: boolean,
): Record<string, string> {
  const isData = status < 400 && operation?.permission === 'read'
  const varied = [
    ...credentialHeaders(service.config),
    'Accept',
    'Accept-Encoding',
    ...(variesByOrigin ? ['Origin'] : []),
  ]
  return {
    'Cache-Control': headers['Cache-Control'] ?? (isData ? 'private, no-cache' : 'no-store'),
    Vary: varied.join(', '),
  }
}

import type { Context } from './context.ts'
import { forwardedFor } from './site-url.ts'

/**
 * The address of the client itself: whose proxies `TRUST_PROXY` believes, by what they say in `X-Forwarded-For`.
 * Undefined where whoever carries requests does not tell.
 */
export function clientAddress({ service: { config }, request, caller }: Context): string | undefined {
  return forwardedFor(config.trustProxy, request.headers, caller.address)
}

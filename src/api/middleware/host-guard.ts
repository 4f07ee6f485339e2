import type { Config } from '../../core/config.ts'
import { NotAuthorized } from '../../core/errors.ts'
import { isLoopback } from '../../core/network.ts'
import type { Context } from '../context.ts'
import type { Operation } from '../operation.ts'
import { isNamed } from './cors.ts'

/** Headers that only a proxy, a load balancer or a content network sets; `*` stands for any end. */
const PROXY_HEADERS = [
  ...['forwarded', 'via', 'x-forwarded', 'x-forwarded-*', 'forwarded-for', 'x-original-*', 'x-proxyuser-ip'],
  ...['x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip', 'x-host', 'x-scheme', 'x-proto'],
  ...['cf-*', 'cdn-loop', 'fastly-*', 'fly-*', 'x-envoy-*', 'x-amzn-*', 'x-amz-cf-*', 'x-cloud-trace-context'],
  ...['x-azure-*', 'x-appengine-*', 'x-vercel-*', 'x-nf-*', 'x-akamai-*', 'akamai-*', 'x-varnish', 'x-b3-traceid'],
  ...['x-arr-*', 'x-coming-from', 'x-traefik-*', 'x-render-*', 'x-railway-*'],
]

const PROXIED = new RegExp(`^(?:${PROXY_HEADERS.join('|').replaceAll('*', '.*')})$`)

/** What proxies still speak to the servers behind them where nobody told them otherwise, and nobody else does. */
const PROXY_VERSION = '1.0'

/**
 * Guards a server that lets everybody do everything against web pages that drive it from its owner's browser: a
 * request must name a host that this server was told to serve, and a write must not come from another site's page.
 * Does nothing where a provider decides, or nothing is at stake.
 */
export function guardHosts(context: Context, operation: Operation): void {
  const { provider, config } = context.service
  if (!provider.open || operation.permission === undefined) return
  if (config.authAssumed) refuseProxied(context)
  for (const host of hostsOf(context)) {
    if (!isServed(host, context.service.allowedHosts ?? config.allowedHosts, config)) {
      throw new NotAuthorized(`This server does not serve the host "${host}". ALLOWED_HOSTS lists those that it does.`)
    }
  }
  if (operation.permission !== 'read') refuseForeignPage(context)
}

/** Assumed anonymity is for one's own machine; behind a proxy somebody forgot to say who may write. */
function refuseProxied({ request, caller }: Context): void {
  const isProxied =
    caller.httpVersion === PROXY_VERSION || [...request.headers.keys()].some((name) => PROXIED.test(name))
  if (!isProxied) return
  throw new NotAuthorized(
    'This server has no authorization and serves its own machine only, but the request came through a proxy. ' +
      'Set CKAN_URL (CKAN decides), AUTH_TYPE=jwt (tokens decide) or AUTH_TYPE=anonymous (everybody may read, change and delete everything).',
  )
}

/** The host of the request's target, and of its `Host` header, which a client may let differ. */
function hostsOf({ request, url }: Context): string[] {
  const header = request.headers.get('host')
  return header === null || header.toLowerCase() === url.host ? [url.host] : [url.host, header.toLowerCase()]
}

function isServed(host: string, allowed: readonly string[] | undefined, config: Config): boolean {
  const name = host.replace(/:\d*$/, '')
  if (allowed) return allowed.some((entry) => matches(entry.toLowerCase(), host, name))
  return isLoopback(name) || name === config.host.toLowerCase() || host === siteHost(config)
}

/** `*`, `*.example.org`, `example.org` (any port), `example.org:8080`. */
function matches(entry: string, host: string, name: string): boolean {
  if (entry === '*') return true
  return entry.startsWith('*.') ? name.endsWith(entry.slice(1)) : entry === host || entry === name
}

function siteHost({ siteUrl }: Config): string | undefined {
  return siteUrl === undefined ? undefined : new URL(siteUrl).host
}

function refuseForeignPage({ request, url, site, service }: Context): void {
  const origin = request.headers.get('origin')
  const isForeign =
    origin === null
      ? request.headers.get('sec-fetch-site') === 'cross-site'
      : origin !== url.origin && origin !== new URL(site).origin && !isNamed(service.config.corsOrigins, origin)
  if (!isForeign) return
  throw new NotAuthorized(
    `Pages of ${origin ?? 'another site'} may not change data on a server without authorization. CORS_ORIGINS can name them.`,
  )
}

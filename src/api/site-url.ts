import type { Config } from '../core/config.ts'
import { isInRanges, parseRange, plainAddress } from '../core/network.ts'

type SiteConfig = Pick<Config, 'siteUrl' | 'basePath' | 'trustProxy'>

const PROTOCOL = /^https?$/i
const HOST = /^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/
const PREFIX = /^(\/[A-Za-z0-9._~%-]+)+\/?$/

/**
 * Where absolute URLs begin: `SITE_URL`, else the request's own address, corrected by `X-Forwarded-Proto`, `-Host` and
 * `-Prefix` as far as `TRUST_PROXY` believes them. Routes hang under it; no slash at the end.
 */
export function siteUrl(config: SiteConfig, url: URL, headers: Headers, address?: string): string {
  if (config.siteUrl !== undefined) return underBase(config.siteUrl, config.basePath)
  const hops = trustedHops(config.trustProxy, headers, address)
  if (hops === 0) return `${url.origin}${config.basePath}`
  const protocol = forwarded(headers, 'x-forwarded-proto', PROTOCOL, hops)?.toLowerCase() ?? url.protocol.slice(0, -1)
  const host = forwarded(headers, 'x-forwarded-host', HOST, hops) ?? url.host
  const prefix = forwarded(headers, 'x-forwarded-prefix', PREFIX, hops)?.replace(/\/$/, '') ?? ''
  return `${protocol}://${host}${prefix}${config.basePath}`
}

/** `SITE_URL` may name the base path or leave it out. */
function underBase(site: string, basePath: string): string {
  return site.endsWith(basePath) ? site : `${site}${basePath}`
}

/**
 * The client's own address: the last in the chain of proxies that none of the believed ones is, without the port that
 * some write after it. Where that is no address (`unknown`), the one of the nearest proxy that has one.
 */
export function forwardedFor(trust: Config['trustProxy'], headers: Headers, address = ''): string | undefined {
  const path = [...listOf(headers, 'x-forwarded-for'), address].map(plainAddress)
  const client = Math.max(0, path.length - 1 - trustedHops(trust, headers, address))
  return path.slice(client).find((hop) => hop !== undefined)
}

/** How many proxies in front are believed. */
function trustedHops(trust: Config['trustProxy'], headers: Headers, address?: string): number {
  if (trust === 'off') return 0
  if (typeof trust === 'number') return trust
  const ranges = trust.flatMap((text) => parseRange(text) ?? [])
  if (address === undefined || !isInRanges(address, ranges)) return 0
  const path = listOf(headers, 'x-forwarded-for').reverse()
  const strangers = path.findIndex((hop) => !isInRanges(plainAddress(hop) ?? '', ranges))
  return 1 + (strangers === -1 ? path.length : strangers)
}

/** The value that the outermost believed proxy wrote: each proxy appends its own at the end, or there is only one. */
function forwarded(headers: Headers, name: string, form: RegExp, hops: number): string | undefined {
  const values = listOf(headers, name)
  const value = values[Math.max(0, values.length - hops)]
  return value !== undefined && form.test(value) ? value : undefined
}

function listOf(headers: Headers, name: string): string[] {
  const value = headers.get(name)
  return value === null ? [] : value.split(',').map((item) => item.trim())
}

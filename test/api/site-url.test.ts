import { describe, expect, test } from 'vitest'
import { siteUrl } from '../../src/api/site-url.ts'

type Trust = 'off' | number | string[]

const forwarded = {
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'data.example.org',
  'X-Forwarded-Prefix': '/store',
}
const site = (trustProxy: Trust, headers: Record<string, string>, address?: string, more = {}) =>
  siteUrl(
    { basePath: '', trustProxy, ...more },
    new URL('http://10.0.0.9:8000/api/3?x=1'),
    new Headers(headers),
    address,
  )

const OWN = 'http://10.0.0.9:8000'
const FORWARDED = 'https://data.example.org/store'

/** TRUST_PROXY, headers, the address that the request came from, and where links begin. */
const cases: [Trust, Record<string, string>, string | undefined, string][] = [
  ['off', forwarded, '10.0.0.1', OWN],
  [1, forwarded, undefined, FORWARDED],
  [1, {}, undefined, OWN],
  [1, { 'X-Forwarded-Host': 'evil.example, data.example.org' }, undefined, 'http://data.example.org'],
  [2, { 'X-Forwarded-Host': 'evil.example, data.example.org, inner' }, undefined, 'http://data.example.org'],
  [2, forwarded, undefined, FORWARDED],
  [['10.0.0.0/8'], forwarded, '10.0.0.1', FORWARDED],
  [['10.0.0.0/8'], forwarded, '::ffff:10.0.0.1', FORWARDED],
  [['10.0.0.0/8'], forwarded, '192.0.2.1', OWN],
  [['10.0.0.0/8'], forwarded, undefined, OWN],
  [
    ['10.0.0.0/8'],
    { 'X-Forwarded-For': '192.0.2.1, 10.0.0.2', 'X-Forwarded-Host': 'evil.example, data.example.org, inner' },
    '10.0.0.1',
    'http://data.example.org',
  ],
  [
    ['10.0.0.0/8'],
    { 'X-Forwarded-For': '192.0.2.1:5555, 10.0.0.2:80', 'X-Forwarded-Host': 'evil.example, data.example.org, inner' },
    '10.0.0.1',
    'http://data.example.org',
  ],
  [1, { 'X-Forwarded-Host': 'a b', 'X-Forwarded-Proto': 'javascript', 'X-Forwarded-Prefix': '//evil' }, undefined, OWN],
  [1, { 'X-Forwarded-Host': 'user@evil.example' }, undefined, OWN],
]

describe('where absolute URLs begin', () => {
  for (const [trust, headers, address, expected] of cases) {
    test(`TRUST_PROXY=${trust} ${JSON.stringify(headers)} from ${address}`, () => {
      expect(site(trust, headers, address)).toBe(expected)
    })
  }

  const bases: [string | undefined, string, string][] = [
    ['https://a.example', '', 'https://a.example'],
    ['https://a.example', '/data', 'https://a.example/data'],
    ['https://a.example/data', '/data', 'https://a.example/data'],
    ['https://a.example/portal', '', 'https://a.example/portal'],
    [undefined, '/data', 'https://data.example.org/store/data'],
  ]
  for (const [configured, basePath, expected] of bases) {
    test(`SITE_URL=${configured} BASE_PATH=${basePath}`, () => {
      expect(site(1, forwarded, undefined, { siteUrl: configured, basePath })).toBe(expected)
    })
  }
})

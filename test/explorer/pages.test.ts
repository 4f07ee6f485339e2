import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/core/config.ts'
import { testDatastore } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'
import { builtSite } from './site.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

beforeAll(builtSite)

const get = async (
  path: string,
  { accept = BROWSER, env = {}, ...headers }: { accept?: string; env?: object } = {},
) => {
  const { ask } = await testDatastore({ env: { ...env } })
  return ask(`GET ${path}`, { headers: { Accept: accept, ...headers } })
}

describe('§9.10 / is HTML for who likes that best, JSON for everybody else', () => {
  const cases: [accept: string, type: string][] = [
    [BROWSER, 'text/html; charset=utf-8'],
    ['text/html', 'text/html; charset=utf-8'],
    ['*/*', 'application/json;charset=utf-8'],
    ['application/json', 'application/json;charset=utf-8'],
    ['application/json, text/html;q=0.9', 'application/json;charset=utf-8'],
    ['application/json;q=0.5, text/html;q=0.9', 'text/html; charset=utf-8'],
    ['text/html;q=0', 'application/json;charset=utf-8'],
    ['nonsense', 'application/json;charset=utf-8'],
  ]
  for (const [accept, type] of cases) {
    test(accept, async () => {
      const response = await get('/', { accept })
      expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
      expect(response.headers.get('vary')).toContain('Accept')
    })
  }

  test('EXPLORER_ENABLED=false: JSON, and the page of the API is still there', async () => {
    const env = { EXPLORER_ENABLED: 'false' }
    expect((await get('/', { env })).headers.get('content-type')).toBe('application/json;charset=utf-8')
    expect((await get('/docs', { env })).status).toBe(200)
  })
})

describe('the pages', () => {
  for (const path of ['/', '/docs']) {
    test(`${path} runs nothing but its own script`, async () => {
      const response = await get(path)
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /)
      expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe/)
      expect(policy.includes("style-src 'self';")).toBe(path === '/')
      const html = await response.text()
      expect([...html.matchAll(/<script[^>]*>([^<]*)/g)].map(([, inside]) => inside)).toEqual([''])
      expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/)
    })

    for (const [env, url] of [
      [{}, ''],
      [{ BASE_PATH: '/store' }, '/store'],
      [{ SITE_URL: 'https://data.example.org/open' }, '/open'],
      [{ SITE_URL: 'https://data.example.org/open', BASE_PATH: '/store' }, '/open/store'],
    ] as const) {
      test(`${path} finds its files with ${JSON.stringify(env)}`, async () => {
        const basePath = 'BASE_PATH' in env ? env.BASE_PATH : ''
        const html = await (await get(`${basePath}${path}`, { env })).text()
        const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
        expect(html).toContain(`data-root="${url}"`)
        expect(files).toHaveLength(3)
        for (const file of files) {
          expect(file.startsWith(`${url}/assets/`)).toBe(true)
          expect((await get(basePath + file.slice(url.length), { env })).status).toBe(200)
        }
      })
    }
  }

  test('are branded, whatever is in the title', async () => {
    const env = {
      SITE_TITLE: '"><script>alert(1)</script>',
      SITE_LOGO_URL: 'https://cdn.example.org/l.svg',
      SITE_COLOR: '#AA0011',
    }
    const response = await get('/', { env })
    expect(response.headers.get('content-security-policy')).toContain("img-src 'self' data: https://cdn.example.org;")
    const html = await response.text()
    expect(html).toContain('data-title="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"')
    expect(html).toContain('data-logo="https://cdn.example.org/l.svg" data-color="#aa0011"')
    expect(html).not.toContain('<script>alert')
  })

  const wrong: [name: string, values: string[]][] = [
    ['SITE_COLOR', ['red', '#fff', '#12345g', 'url(x)', '#123456;']],
    [
      'SITE_LOGO_URL',
      ['javascript:alert(1)', '//evil.example', 'https://a b', "https://x/'; script-src *", 'logo.png'],
    ],
    ['SITE_TITLE', ['x'.repeat(81)]],
    ['EXPLORER_ENABLED', ['maybe']],
  ]
  for (const [name, values] of wrong) {
    for (const value of values) {
      test(`${name}=${value.slice(0, 30)} stops the start`, () => {
        expect(() => readConfig({ AUTH_TYPE: 'anonymous', [name]: value })).toThrow(`${name} must be`)
      })
    }
  }
})

describe('/assets', () => {
  const script = async () => /src="([^"]+)"/.exec(await (await get('/')).text())?.[1] ?? ''

  test('are compressed for who takes that, the same bytes for others, and kept for good', async () => {
    const path = await script()
    const packed = await get(path, { 'Accept-Encoding': 'gzip, br' } as object)
    const plain = await get(path)
    expect(packed.headers.get('content-encoding')).toBe('gzip')
    expect(plain.headers.get('content-encoding')).toBe(null)
    const bytes = Buffer.from(await packed.arrayBuffer())
    expect(gunzipSync(bytes).equals(Buffer.from(await plain.arrayBuffer()))).toBe(true)
    expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(plain.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('the explorer takes at most 150 KiB before a chart', async () => {
    const html = await (await get('/')).text()
    const queue = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address)
    const seen = new Set<string>()
    let size = 0
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      const bytes = Buffer.from(await (await get(path, { 'Accept-Encoding': 'gzip' } as object)).arrayBuffer())
      size += bytes.length
      const imports = path.endsWith('.js')
        ? gunzipSync(bytes)
            .toString()
            .matchAll(/(?:from|import)"\.\/([^"]+)"/g)
        : []
      for (const [, name] of imports) queue.push(`/assets/${name}`)
    }
    expect(seen.size).toBeGreaterThanOrEqual(3)
    expect(size).toBeLessThan(150 * 1024)
  })

  for (const name of ['nothing.js', 'explorer-nothing.js', 'explorer-__proto__', '..%2Fpackage.json', 'constructor']) {
    test(`${name} is not there`, async () => expectError(await get(`/assets/${name}`), 404, 'Not Found Error'))
  }
})

test('datastore_info says when the table was last written to', async () => {
  const response = await get('/api/3/action/datastore_info?id=trees')
  expect(Number.isNaN(Date.parse(response.headers.get('last-modified') ?? ''))).toBe(false)
})

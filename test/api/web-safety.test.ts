import { describe, expect, test } from 'vitest'
import { openDatastore } from '../../src/app.ts'
import { readConfig } from '../../src/core/config.ts'
import { createLogger } from '../../src/core/log.ts'
import { spyingProvider, testDatastore, toRequest } from '../fixtures/datastore.ts'
import { expectError } from '../fixtures/envelope.ts'
import { createFakeEngine } from '../fixtures/fake-engine.ts'

const READ = '/api/3/action/datastore_search?id=trees'
const WRITE = '/api/3/action/datastore_upsert {"id": "trees", "records": []}'
const ORIGIN = 'https://app.example.org'

describe('§1.9 CORS', () => {
  /** CORS_ORIGINS, whether somebody decides, what is called, and the allowed origin. */
  const cases: [string | undefined, 'open' | 'guarded', string, string | null][] = [
    [undefined, 'guarded', `GET ${READ}`, '*'],
    [undefined, 'guarded', `OPTIONS ${READ}`, '*'],
    [undefined, 'guarded', 'OPTIONS /api/3/action/datastore_upsert', null],
    [undefined, 'open', `GET ${READ}`, '*'],
    [undefined, 'open', `GET ${READ}&limit=x`, '*'],
    ['*', 'guarded', 'OPTIONS /api/3/action/datastore_upsert', '*'],
    ['*', 'open', `GET ${READ}`, '*'],
    ['*', 'open', 'OPTIONS /api/3/action/datastore_upsert', null],
    [ORIGIN, 'open', `GET ${READ}`, ORIGIN],
    [ORIGIN, 'open', `POST ${WRITE}`, ORIGIN],
    ['https://other.example.org', 'guarded', `GET ${READ}`, null],
  ]
  for (const [origins, kind, line, allowed] of cases) {
    test(`${origins ?? 'unset'}, ${kind}: ${line}`, async () => {
      const auth = kind === 'open' ? 'anonymous' : spyingProvider().provider
      const { ask } = await testDatastore({ auth, env: { CORS_ORIGINS: origins } })
      const { headers } = await ask(line, { headers: { Origin: ORIGIN } })
      expect(headers.get('access-control-allow-origin')).toBe(allowed)
      expect(headers.get('access-control-allow-methods')).toBe(allowed && 'POST, PUT, GET, DELETE, OPTIONS')
      expect(headers.get('access-control-allow-headers')).toBe(allowed && 'Authorization, Content-Type')
      expect(headers.get('vary')?.includes('Origin') ?? false).toBe(origins?.startsWith('https') ?? false)
    })
  }

  test('nothing for who sends no Origin', async () => {
    const { ask } = await testDatastore()
    expect((await ask(`GET ${READ}`)).headers.get('access-control-allow-origin')).toBe(null)
  })
})

describe('assumed anonymity serves its own machine only', () => {
  /** A header that something between sets, or one of a browser's or a client's own. */
  const sent: [string, boolean][] = [
    ...[
      ...['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded', 'X-Real-IP', 'Via', 'CF-Connecting-IP'],
      ...['True-Client-IP', 'X-Client-IP', 'X-Original-Host', 'X-Original-URL', 'X-Cluster-Client-IP', 'CDN-Loop'],
      ...['Fastly-Client-IP', 'Fly-Client-IP', 'X-Envoy-External-Address', 'X-Amzn-Trace-Id', 'X-Azure-ClientIP'],
      ...['X-AppEngine-User-IP', 'X-Cloud-Trace-Context', 'X-Vercel-Id', 'CF-Ray', 'X-Varnish'],
    ].map((name): [string, boolean] => [name, false]),
    ...[
      'Authorization',
      'X-Request-Id',
      'User-Agent',
      'Accept-Language',
      'Referer',
      'X-CKAN-API-Key',
      'Cache-Control',
    ].map((name): [string, boolean] => [name, true]),
  ]
  const assumed = async () => {
    const { config } = readConfig({})
    const options = { engine: createFakeEngine(), logger: createLogger({ logLevel: 'CRITICAL' }, () => {}) }
    return (await openDatastore(config, options)).datastore
  }
  for (const [name, isServed] of sent) {
    test(`${name}: ${isServed ? 'served' : 'refused'}`, async () => {
      const { fetch } = await assumed()
      const request = toRequest(`GET ${READ}`, { headers: { [name]: '192.0.2.1' } })
      expect((await fetch(request)).status).toBe(isServed ? 200 : 403)
    })
  }

  test('HTTP/1.0 is what a proxy speaks to those behind it', async () => {
    const { fetch } = await assumed()
    const statuses = ['1.0', '1.1', undefined].map(
      async (httpVersion) => (await fetch(toRequest(`GET ${READ}`), { httpVersion })).status,
    )
    expect(await Promise.all(statuses)).toEqual([403, 200, 200])
  })
})

describe('T26 a server without authorization', () => {
  /** Settings, the host asked for, and whether it is served. */
  const hosts: [Record<string, string>, string, boolean][] = [
    [{}, 'localhost:8000', true],
    [{}, '127.0.0.1', true],
    [{}, '[::1]:9', true],
    [{}, 'evil.example', false],
    [{}, 'localhost.evil.example', false],
    [{ SITE_URL: 'https://data.example.org' }, 'data.example.org', true],
    [{ HOST: '192.168.1.5' }, '192.168.1.5:8000', true],
    [{ ALLOWED_HOSTS: 'a.example,*.b.example,c.example:81' }, 'A.example:99', true],
    [{ ALLOWED_HOSTS: 'a.example,*.b.example,c.example:81' }, 'x.b.example', true],
    [{ ALLOWED_HOSTS: 'a.example,*.b.example,c.example:81' }, 'c.example:81', true],
    [{ ALLOWED_HOSTS: 'a.example,*.b.example,c.example:81' }, 'c.example:82', false],
    [{ ALLOWED_HOSTS: 'a.example' }, 'localhost', false],
    [{ ALLOWED_HOSTS: '*' }, 'evil.example', true],
  ]
  for (const [env, host, isServed] of hosts) {
    test(`${JSON.stringify(env)}: ${host}`, async () => {
      const { ask, engine } = await testDatastore({ env })
      const response = await ask(`GET http://${host}${READ}`)
      if (isServed) expect(response.status).toBe(200)
      else {
        await expectError(response, 403, 'Authorization Error')
        expect(engine.calls).toEqual([])
      }
    })
  }

  test('looks at the Host header too', async () => {
    const { ask } = await testDatastore()
    await expectError(await ask(`GET ${READ}`, { headers: { Host: 'evil.example' } }), 403, 'Authorization Error')
  })

  test('answers probes under any name', async () => {
    const { ask } = await testDatastore()
    expect((await ask('GET http://10.0.0.7/health')).status).toBe(200)
  })

  test('allowedHosts of whoever embeds it', async () => {
    const { ask } = await testDatastore({ allowedHosts: ['portal.example'] })
    expect((await ask(`GET http://portal.example${READ}`)).status).toBe(200)
  })

  /** Headers of a write that a browser sends, and whether it may. */
  const writes: [Record<string, string>, boolean][] = [
    [{}, true],
    [{ Origin: 'http://localhost:8000' }, true],
    [{ Origin: 'http://localhost:3000' }, false],
    [{ Origin: 'https://evil.example' }, false],
    [{ Origin: 'null' }, false],
    [{ Origin: ORIGIN }, true],
    [{ 'Sec-Fetch-Site': 'cross-site' }, false],
    [{ 'Sec-Fetch-Site': 'same-origin' }, true],
  ]
  for (const origins of [ORIGIN, `*,${ORIGIN}`]) {
    for (const [headers, isAllowed] of writes) {
      test(`CORS_ORIGINS=${origins}: write with ${JSON.stringify(headers)}`, async () => {
        const { ask, engine } = await testDatastore({ env: { CORS_ORIGINS: origins } })
        const response = await ask(`POST ${WRITE}`, { headers })
        if (isAllowed) expect(response.status).toBe(200)
        else {
          await expectError(response, 403, 'Authorization Error')
          expect(engine.calls).toEqual([])
        }
      })
    }
  }

  test('a guarded server serves any name and any page', async () => {
    const { ask } = await testDatastore({ auth: spyingProvider().provider })
    const headers = { Origin: 'https://evil.example', Authorization: 'x' }
    expect((await ask(`POST http://evil.example${WRITE}`, { headers })).status).toBe(200)
  })
})

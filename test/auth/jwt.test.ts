import { generateKeyPairSync } from 'node:crypto'
import {
  base64url,
  exportJWK,
  exportSPKI,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import createProvider from '../../src/auth/jwt/index.ts'
import type { AuthProvider, Permission, Question } from '../../src/auth/provider.ts'
import { ConfigurationError } from '../../src/core/errors.ts'
import { startKeyServer } from '../fixtures/key-server.ts'
import { providerContext } from '../fixtures/provider-context.ts'

const HMAC = ['HS256', 'HS384', 'HS512']
const SIGNED = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const SECRET = 'a-secret-of-more-than-sixty-four-characters-for-the-longest-of-the-hashes'

const pairs: Record<string, GenerateKeyPairResult & { pem: string }> = {}

beforeAll(async () => {
  for (const algorithm of SIGNED) {
    const shared = /^[RP]S/.test(algorithm) && pairs.RS256
    const pair = shared || (await generateKeyPair(algorithm, { extractable: true }))
    pairs[algorithm] = { ...pair, pem: shared ? shared.pem : await exportSPKI(pair.publicKey) }
  }
  // One RSA key signs with all six algorithms; WebCrypto binds a key object to one of them.
  const rsa = await crypto.subtle.exportKey('pkcs8', (pairs.RS256 as GenerateKeyPairResult).privateKey)
  for (const algorithm of SIGNED.filter((name) => /^[RP]S/.test(name))) {
    const name = algorithm.startsWith('R') ? 'RSASSA-PKCS1-v1_5' : 'RSA-PSS'
    const kind = { name, hash: `SHA-${algorithm.slice(2)}` }
    const pair = pairs[algorithm]
    if (pair) pair.privateKey = await crypto.subtle.importKey('pkcs8', rsa, kind, true, ['sign'])
  }
})

const pair = (algorithm: string) => pairs[algorithm] as (typeof pairs)[string]

type Env = Record<string, string>

interface Signing {
  algorithm?: string
  secret?: string
  kid?: string
  claims?: JWTPayload
}

function sign({ algorithm = 'HS256', secret = SECRET, kid, claims = { sub: 'rita' } }: Signing = {}): Promise<string> {
  const key = HMAC.includes(algorithm) ? new TextEncoder().encode(secret) : pair(algorithm).privateKey
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, ...(kid && { kid }) }).sign(key)
}

const provider = async (env: Env = {}): Promise<AuthProvider> =>
  createProvider(await providerContext({ AUTH_TYPE: 'jwt', JWT_SECRET: SECRET, ...env }))

const ask = (credential?: string, more: Partial<Question> = {}): Question => ({
  permission: 'read',
  resourceId: 'trees',
  credential,
  ...more,
})

const keysFor = (algorithm: string): Env =>
  HMAC.includes(algorithm) ? { JWT_SECRET: SECRET } : { JWT_SECRET: '', JWT_PUBLIC_KEY: pair(algorithm).pem }

describe('algorithms', () => {
  test.each([...HMAC, ...SIGNED])('%s: its tokens are accepted, all others refused', async (algorithm) => {
    const jwt = await provider({ JWT_ALGORITHM: algorithm, ...keysFor(algorithm) })
    const decision = await jwt.authorize(ask(await sign({ algorithm, claims: { sub: 'rita', name: 'Rita' } })))
    expect(decision.identity).toMatchObject({ id: 'rita', name: 'Rita' })
    for (const other of [...HMAC, ...SIGNED].filter((name) => name !== algorithm))
      await expect(jwt.authorize(ask(await sign({ algorithm: other })))).rejects.toThrow(
        'Access denied: invalid JWT: its algorithm is not accepted here',
      )
  })

  test('several may be listed, each with its own key', async () => {
    const env = { JWT_ALGORITHM: 'HS256, RS256, PS512', JWT_PUBLIC_KEY: pair('RS256').pem.replaceAll('\n', '\\n') }
    const jwt = await provider(env)
    for (const algorithm of ['HS256', 'RS256', 'PS512']) await jwt.authorize(ask(await sign({ algorithm })))
    await expect(jwt.authorize(ask(await sign({ algorithm: 'RS512' })))).rejects.toMatchObject({ status: 403 })
  })

  test('a public key is no secret, even where both kinds are accepted', async () => {
    const { pem } = pair('RS256')
    const forged = await sign({ algorithm: 'HS256', secret: pem })
    const envs: Env[] = [
      { JWT_ALGORITHM: 'RS256', JWT_SECRET: '', JWT_PUBLIC_KEY: pem },
      { JWT_ALGORITHM: 'HS256,RS256', JWT_PUBLIC_KEY: pem },
    ]
    for (const env of envs)
      await expect((await provider(env)).authorize(ask(forged))).rejects.toThrow('Access denied: invalid JWT: ')
  })

  test('none is refused', async () => {
    const jwt = await provider()
    const unsigned = new UnsecuredJWT({ sub: 'rita' }).encode()
    const [, payload] = unsigned.split('.')
    for (const alg of ['none', 'None', 'NONE', ''])
      for (const signature of ['', 'AAAA'])
        await expect(
          jwt.authorize(ask(`${base64url.encode(JSON.stringify({ alg }))}.${payload}.${signature}`)),
        ).rejects.toThrow('Access denied: invalid JWT: ')
    await expect(provider({ JWT_ALGORITHM: 'none' })).rejects.toThrow('JWT_ALGORITHM must be one or more of HS256')
  })
})

describe('a start without the right key is stopped', () => {
  const weak = () =>
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' })
  const secretKey = () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const starts: Record<string, { env: () => Env; mistake: string }> = {
    'no secret': { env: () => ({ JWT_SECRET: '' }), mistake: 'JWT_ALGORITHM=HS256 needs JWT_SECRET' },
    'a public key for HS256': {
      env: () => ({ JWT_SECRET: '', JWT_PUBLIC_KEY: pair('RS256').pem }),
      mistake: 'JWT_ALGORITHM=HS256 needs JWT_SECRET',
    },
    'a secret for ES256': {
      env: () => ({ JWT_ALGORITHM: 'ES256' }),
      mistake: 'JWT_ALGORITHM=ES256 needs JWT_PUBLIC_KEY or JWT_JWKS_URL',
    },
    'one of two keys': {
      env: () => ({ JWT_ALGORITHM: 'HS256,EdDSA' }),
      mistake: 'JWT_ALGORITHM=EdDSA needs JWT_PUBLIC_KEY or JWT_JWKS_URL',
    },
    'a public key as the secret': {
      env: () => ({ JWT_SECRET: pair('RS256').pem }),
      mistake: 'JWT_SECRET must be a secret, not a key',
    },
    'two sources of keys': {
      env: () => ({ JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY: pair('RS256').pem, JWT_JWKS_URL: 'http://127.0.0.1:9' }),
      mistake: 'JWT_PUBLIC_KEY and JWT_JWKS_URL are both set',
    },
    'a key of another kind': {
      env: () => ({ JWT_ALGORITHM: 'ES256', JWT_PUBLIC_KEY: pair('RS256').pem }),
      mistake: "JWT_PUBLIC_KEY can't be used with JWT_ALGORITHM=ES256",
    },
    'a curve of another algorithm': {
      env: () => ({ JWT_ALGORITHM: 'ES512', JWT_PUBLIC_KEY: pair('ES256').pem }),
      mistake: "JWT_PUBLIC_KEY can't be used with JWT_ALGORITHM=ES512",
    },
    'a private key': {
      env: () => ({ JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY: String(secretKey()) }),
      mistake: "JWT_PUBLIC_KEY can't be used with JWT_ALGORITHM=RS256",
    },
    'a short RSA key': {
      env: () => ({ JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY: String(weak()) }),
      mistake: 'RSA of 2048 bits or more',
    },
    'no PEM': {
      env: () => ({
        JWT_ALGORITHM: 'RS256',
        JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----',
      }),
      mistake: "JWT_PUBLIC_KEY can't be used with JWT_ALGORITHM=RS256",
    },
  }

  test.each(Object.entries(starts))('%s', async (_, { env, mistake }) => {
    const problem = await provider(env()).catch((thrown) => thrown)
    expect(problem).toBeInstanceOf(ConfigurationError)
    expect(problem.message).toContain(mistake)
    expect(problem.message).not.toMatch(/-----BEGIN (?!PUBLIC KEY-----,)|sixty-four/)
  })

  test.each<{ env: Env; warnings: string[] }>([
    { env: {}, warnings: ['JWT_AUDIENCE is not set'] },
    { env: { JWT_AUDIENCE: 'datastore' }, warnings: [] },
    { env: { JWT_AUDIENCE: 'datastore', JWT_SECRET: 'guess me' }, warnings: ['JWT_SECRET is short'] },
  ])('$env warns of $warnings', async ({ env, warnings }) => {
    const context = await providerContext({ JWT_SECRET: SECRET, ...env })
    await createProvider(context)
    expect(context.lines).toEqual(warnings.map((start) => expect.stringMatching(`^warning ${start}`)))
  })
})

describe('a token', () => {
  const now = () => Math.floor(Date.now() / 1000)
  const env = { JWT_AUDIENCE: 'datastore', JWT_ISSUER: 'https://login.example.org' }
  const good = { sub: 'rita', aud: 'datastore', iss: 'https://login.example.org' }
  const tokens: Record<string, { claims: () => JWTPayload; refused?: string }> = {
    'without exp': { claims: () => good },
    'for several audiences': { claims: () => ({ ...good, aud: ['portal', 'datastore'] }) },
    'that has just expired': { claims: () => ({ ...good, exp: now() - 20 }) },
    'that expired a minute ago': { claims: () => ({ ...good, exp: now() - 60 }), refused: 'it has expired' },
    'from a clock ahead': { claims: () => ({ ...good, nbf: now() + 20 }) },
    'that is not valid yet': { claims: () => ({ ...good, nbf: now() + 60 }), refused: 'its claim "nbf"' },
    'with an exp that is no time': {
      claims: () => ({ ...good, exp: '2999' as unknown as number }),
      refused: 'its claim "exp"',
    },
    'for another audience': { claims: () => ({ ...good, aud: 'portal' }), refused: 'its claim "aud"' },
    'for nobody': { claims: () => ({ ...good, aud: undefined }), refused: 'its claim "aud"' },
    'from another issuer': { claims: () => ({ ...good, iss: 'https://evil.example.org' }), refused: 'its claim "iss"' },
  }

  test.each(Object.entries(tokens))('%s', async (_, { claims, refused }) => {
    const asking = (await provider(env)).authorize(ask(await sign({ claims: claims() })))
    if (!refused) expect((await asking).identity).toMatchObject({ id: 'rita' })
    else
      await expect(asking).rejects.toMatchObject({
        status: 403,
        message: expect.stringContaining(`invalid JWT: ${refused}`),
      })
  })

  const bad: Record<string, () => string | Promise<string>> = {
    'no token at all': () => 'not-a-token-but-long-enough',
    'five parts': () => 'aaaa.bbbb.cccc.dddd.eeee',
    'another secret': () => sign({ secret: `another-${SECRET}` }),
    'a changed payload': async () => {
      const [header, , signature] = (await sign()).split('.')
      return `${header}.${base64url.encode('{"sub":"erna"}')}.${signature}`
    },
    'a payload that is no object': async () => {
      const key = await crypto.subtle.importKey(
        'raw',
        new TextEncoder().encode(SECRET),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['sign'],
      )
      const text = `${base64url.encode('{"alg":"HS256"}')}.${base64url.encode('[]')}`
      return `${text}.${base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))))}`
    },
    'an extension it must understand': () =>
      new SignJWT({ sub: 'rita' })
        .setProtectedHeader({ alg: 'HS256', crit: ['secret-word'], 'secret-word': true })
        .sign(new TextEncoder().encode(SECRET), { crit: { 'secret-word': true } }),
  }

  test.each(Object.entries(bad))('bad: %s: refused, and not quoted', async (_, make) => {
    const token = await make()
    const context = await providerContext({ JWT_SECRET: SECRET })
    const jwt = await createProvider(context)
    const problem = await jwt.authorize(ask(token)).catch((thrown) => thrown)
    expect(problem).toMatchObject({ status: 403, message: expect.stringMatching(/^Access denied: invalid JWT: \w/) })
    const said = JSON.stringify([problem.message, problem.detail, context.lines, context.stored])
    for (const part of [...token.split('.').filter((text) => text.length > 3), 'secret-word'])
      expect(said).not.toContain(part)
  })

  test('is needed, for reads too', async () => {
    const jwt = await provider()
    for (const permission of ['read', 'update'] as const)
      for (const credential of [undefined, ''])
        await expect(jwt.authorize(ask(credential, { permission }))).rejects.toThrow(
          'Access denied: JWT token required',
        )
  })
})

describe('claims narrow a token', () => {
  const READS: Permission[] = ['read']
  const WRITES: Permission[] = ['create', 'update', 'delete']
  const ALL = [...READS, ...WRITES]
  const may = async (env: Env, claims: JWTPayload, more: Partial<Question> = {}) => {
    const jwt = await provider(env)
    const token = await sign({ claims: { sub: 'rita', ...claims } })
    const permitted: Permission[] = []
    for (const permission of ALL)
      await jwt.authorize(ask(token, { permission, ...more })).then(
        () => permitted.push(permission),
        (problem) => expect(problem.status).toBe(403),
      )
    return permitted
  }

  const REQUIRE = { JWT_REQUIRE_SCOPE: 'true' }
  test.each<{ claims: JWTPayload; env?: Env; permitted: Permission[] }>([
    { claims: {}, permitted: ALL },
    { claims: { scope: 'openid profile' }, permitted: ALL },
    { claims: {}, env: REQUIRE, permitted: [] },
    { claims: { scope: 'openid' }, env: REQUIRE, permitted: [] },
    { claims: { scope: 'openid datastore:read' }, env: REQUIRE, permitted: READS },
    { claims: { scope: 'datastore:read' }, permitted: READS },
    { claims: { scope: ['datastore:write'] }, permitted: WRITES },
    { claims: { permissions: ['datastore:read', 'datastore:write'] }, permitted: ALL },
    { claims: { scope: 'datastore:read', permissions: ['datastore:write'] }, permitted: ALL },
    { claims: { scope: 'datastore:admin' }, permitted: [] },
    { claims: { scope: 'datastore:*' }, permitted: [] },
    { claims: { scope: 'Datastore:Read' }, permitted: READS },
    { claims: { scp: 'datastore:read' }, permitted: READS },
    { claims: { scp: ['DATASTORE:WRITE'] }, permitted: WRITES },
    { claims: { scp: 'User.Read' }, env: REQUIRE, permitted: [] },
    { claims: { scope: 5 }, permitted: [] },
    { claims: { scope: null }, permitted: [] },
    { claims: { permissions: [{ datastore: 'read' }] }, permitted: [] },
    { claims: { resources: ['trees'] }, permitted: ALL },
    { claims: { resources: ['other', 'tr*'] }, permitted: ALL },
    { claims: { resources: ['*'] }, permitted: ALL },
    { claims: { resources: 'trees' }, permitted: ALL },
    { claims: { resources: ['tree', 'trees2', 'trees2*', '*trees', 'TREES', ''] }, permitted: [] },
    { claims: { resources: [] }, permitted: [] },
    { claims: { resources: {} }, permitted: [] },
    { claims: { resources: ['trees'], scope: 'datastore:read' }, permitted: READS },
  ])('$claims $env: $permitted', async ({ claims, env = {}, permitted }) => {
    expect(await may(env, claims)).toEqual(permitted)
  })

  test('to resources, so no dataset is within its reach', async () => {
    const dataset = { resourceId: undefined, packageId: 'trees' }
    expect(await may({}, { resources: ['trees', '*'] }, dataset)).toEqual([])
    expect(await may({}, {}, dataset)).toEqual(ALL)
  })

  test('the refusal is worded as CKAN words it', async () => {
    const token = await sign({ claims: { sub: 'rita', scope: 'datastore:read' } })
    await expect((await provider()).authorize(ask(token, { permission: 'update' }))).rejects.toThrow(
      'Access denied: User rita not authorized to perform resource_update on resource trees',
    )
  })
})

describe('JWT_PUBLIC_READ', () => {
  test('lets everybody read, nobody write, and no bad token pass', async () => {
    const jwt = await provider({ JWT_PUBLIC_READ: 'true', JWT_REQUIRE_SCOPE: 'true' })
    expect(await jwt.authorize(ask())).toEqual({})
    expect(await jwt.authorize(ask(await sign()))).toMatchObject({ identity: { id: 'rita' } })
    await expect(jwt.authorize(ask(undefined, { permission: 'update' }))).rejects.toThrow('JWT token required')
    await expect(jwt.authorize(ask(await sign({ secret: 'x'.repeat(64) })))).rejects.toThrow('invalid JWT')
  })
})

describe('JWT_JWKS_URL', () => {
  const jwk = async (algorithm: string, kid?: string) => ({
    ...(await exportJWK(pair(algorithm).publicKey)),
    ...(kid && { kid }),
  })
  const env = (url: string) => ({
    JWT_ALGORITHM: 'RS256,ES256',
    JWT_SECRET: '',
    JWT_JWKS_URL: url,
    JWT_AUDIENCE: 'datastore',
    HTTP_TIMEOUT_SECONDS: '0.3',
  })
  const claims = { sub: 'rita', aud: 'datastore' }

  test('keys are fetched once, and only those in the set sign', async () => {
    const keys = await startKeyServer({ keys: [await jwk('RS256', 'one'), await jwk('ES256', 'two')] })
    try {
      const jwt = await provider(env(keys.url))
      await jwt.authorize(ask(await sign({ algorithm: 'RS256', kid: 'one', claims })))
      await jwt.authorize(ask(await sign({ algorithm: 'ES256', kid: 'two', claims })))
      await jwt.healthcheck?.()
      const stranger = ask(await sign({ algorithm: 'ES256', kid: 'three', claims }))
      await expect(jwt.authorize(stranger)).rejects.toThrow('invalid JWT: its key is not known here')
      const forged = ask(await sign({ algorithm: 'HS256', kid: 'one', secret: pair('RS256').pem, claims }))
      await expect(jwt.authorize(forged)).rejects.toThrow('its algorithm is not accepted here')
      expect(keys.calls).toBe(1)
    } finally {
      await keys.close()
    }
  })

  test('a token that does not name its key is tried with each', async () => {
    const other = await exportJWK((await generateKeyPair('ES256', { extractable: true })).publicKey)
    const keys = await startKeyServer({ keys: [other, await jwk('ES256')] })
    try {
      const jwt = await provider(env(keys.url))
      await jwt.authorize(ask(await sign({ algorithm: 'ES256', claims })))
      await expect(jwt.authorize(ask(await sign({ algorithm: 'ES256', claims: { sub: 'rita' } })))).rejects.toThrow(
        'its claim "aud"',
      )
      keys.body = { keys: [other, other] }
      const without = await provider(env(keys.url))
      await expect(without.authorize(ask(await sign({ algorithm: 'ES256', claims })))).rejects.toThrow(
        'its signature is wrong',
      )
    } finally {
      await keys.close()
    }
  })

  const malformed: Record<string, (good: object) => unknown> = {
    'no object': () => null,
    'a text': () => 'key',
    'an empty one': () => ({}),
    'one without its numbers': () => ({ kty: 'RSA' }),
    'numbers that are none': (good) => ({ ...good, n: '!!', e: 5 }),
    'a short RSA key': () =>
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) as object,
    'a private key': () =>
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }) as object,
    'an unknown kind': () => ({ kty: 'XYZ', n: 'AAAA' }),
  }
  test.each(Object.entries(malformed))('%s among the keys does no harm', async (_, make) => {
    const good = await jwk('RS256')
    for (const set of [
      [make(good), good],
      [good, make(good)],
    ]) {
      const keys = await startKeyServer({ keys: set })
      try {
        const jwt = await provider(env(keys.url))
        const { identity } = await jwt.authorize(ask(await sign({ algorithm: 'RS256', claims })))
        expect(identity).toMatchObject({ id: 'rita' })
        const strangers = await new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256' })
          .sign(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
        await expect(jwt.authorize(ask(strangers))).rejects.toMatchObject({ status: 403 })
      } finally {
        await keys.close()
      }
    }
  })

  test.each([
    { fault: 'slow', change: { delayMs: 1000 } },
    { fault: 'failing', change: { status: 500 } },
    { fault: 'wrong', change: { body: 'hello' } },
    { fault: 'empty', change: { body: {} } },
    { fault: 'endless', change: { body: { keys: [], notes: 'x'.repeat(2 * 1024 * 1024) } } },
  ])('$fault: 503 and one log line, and back again', async ({ change }) => {
    const keys = await startKeyServer({})
    const whole = { delayMs: 0, status: 200, body: { keys: [await jwk('ES256', 'two')] } }
    Object.assign(keys, whole, change)
    const context = await providerContext(env(keys.url))
    try {
      const jwt = await createProvider(context)
      const question = ask(await sign({ algorithm: 'ES256', kid: 'two', claims }))
      const refusal = { status: 503, message: expect.stringContaining('can not be fetched') }
      await expect(jwt.authorize(question)).rejects.toMatchObject(refusal)
      await expect(jwt.healthcheck?.()).rejects.toMatchObject(refusal)
      expect(context.lines).toEqual([expect.stringMatching(/^error The key set \(JWT_JWKS_URL\) can not be fetched/)])
      Object.assign(keys, whole)
      await jwt.healthcheck?.()
      await jwt.authorize(question)
      expect(context.lines).toHaveLength(2)
    } finally {
      await keys.close()
    }
  })
})

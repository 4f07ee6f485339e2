import {
  type CryptoKey,
  createRemoteJWKSet,
  customFetch,
  errors,
  importSPKI,
  importX509,
  type JWTHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose'
import type { Config } from '../../core/config.ts'
import { ConfigurationError, ServiceUnavailable } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { isObject } from '../../infrastructure/ckan-client.ts'
import { reportOutage } from '../../infrastructure/outage.ts'
import { readAtMost } from '../../infrastructure/response-body.ts'

export type KeySettings = Pick<
  Config,
  'jwtAlgorithm' | 'jwtSecret' | 'jwtPublicKey' | 'jwtJwksUrl' | 'httpTimeoutSeconds'
>

export interface Keys {
  /** The key for a token whose `alg` is one of `JWT_ALGORITHM`. */
  keyFor: JWTVerifyGetKey
  /** Throws `ServiceUnavailable` when the keys can't be had just now. */
  probe(): Promise<void>
}

const isHmac = (algorithm: string): boolean => algorithm.startsWith('HS')

/**
 * The keys for `JWT_ALGORITHM`: the secret for `HS…`, and only for them; the public key or the key set for the rest.
 *
 * @throws ConfigurationError when one is missing, or can't be used with its algorithm.
 */
export async function loadKeys(config: KeySettings, logger: Pick<Logger, 'info' | 'error'>): Promise<Keys> {
  const mistakes = missing(config)
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  const secret = new TextEncoder().encode(config.jwtSecret)
  const keySet = config.jwtJwksUrl ? remoteKeys(config.jwtJwksUrl, config.httpTimeoutSeconds, logger) : undefined
  const publicKeys = await importPublicKeys(config)
  return {
    async keyFor(header, token) {
      if (isHmac(header.alg)) return secret
      const key = publicKeys.get(header.alg) ?? (await keySet?.keyFor(header, token))
      if (!key) throw new errors.JOSEAlgNotAllowed()
      return key
    },
    probe: async () => keySet?.probe(),
  }
}

function missing({ jwtAlgorithm, jwtSecret, jwtPublicKey, jwtJwksUrl }: KeySettings): string[] {
  const hmac = jwtAlgorithm.filter(isHmac)
  const others = jwtAlgorithm.filter((algorithm) => !isHmac(algorithm))
  const rules: [boolean, string][] = [
    [
      hmac.length > 0 && !jwtSecret,
      `JWT_ALGORITHM=${hmac} needs JWT_SECRET, or choose the algorithm of your public key`,
    ],
    [others.length > 0 && !jwtPublicKey && !jwtJwksUrl, `JWT_ALGORITHM=${others} needs JWT_PUBLIC_KEY or JWT_JWKS_URL`],
    [Boolean(jwtPublicKey && jwtJwksUrl), 'JWT_PUBLIC_KEY and JWT_JWKS_URL are both set: keep one of them'],
    [
      // Everybody knows a public key: as a secret it would let everybody sign.
      /-----BEGIN|"kty"/.test(jwtSecret ?? ''),
      'JWT_SECRET must be a secret, not a key: set JWT_PUBLIC_KEY, and JWT_ALGORITHM to RS256, ES256 or EdDSA',
    ],
  ]
  return rules.flatMap(([broken, sentence]) => (broken ? [sentence] : []))
}

async function importPublicKeys({ jwtAlgorithm, jwtPublicKey }: KeySettings): Promise<Map<string, CryptoKey>> {
  const keys = new Map<string, CryptoKey>()
  if (!jwtPublicKey) return keys
  const read = jwtPublicKey.startsWith('-----BEGIN CERTIFICATE') ? importX509 : importSPKI
  for (const algorithm of jwtAlgorithm.filter((name) => !isHmac(name))) {
    const key = await read(jwtPublicKey.trim(), algorithm).catch(() => undefined)
    if (!key || isShort(key)) {
      const wanted = 'a public key (-----BEGIN PUBLIC KEY-----, RSA of 2048 bits or more) of that kind'
      throw new ConfigurationError([
        `JWT_PUBLIC_KEY can't be used with JWT_ALGORITHM=${algorithm}: it must be ${wanted}`,
      ])
    }
    keys.set(algorithm, key)
  }
  return keys
}

function isShort({ algorithm }: CryptoKey): boolean {
  return 'modulusLength' in algorithm && Number(algorithm.modulusLength) < 2048
}

/** Far more than any key set has. */
const MOST_BYTES = 1024 * 1024

async function fetchKeySet(address: string, options: RequestInit): Promise<Response> {
  const response = await fetch(address, options)
  if (response.status !== 200) {
    await response.body?.cancel()
    return response
  }
  const text = new TextDecoder().decode(await readAtMost(response, MOST_BYTES))
  return new Response(withKeysAlone(text))
}

/** A key set without members that are no objects: for one of them the library would refuse the whole set. */
function withKeysAlone(text: string): string {
  try {
    const set = JSON.parse(text)
    return JSON.stringify({ ...set, keys: set.keys.filter(isObject) })
  } catch {
    return text
  }
}

/** A key set, fetched on first use and again when it is ten minutes old or lacks a token's key. */
function remoteKeys(address: string, timeoutSeconds: number, logger: Pick<Logger, 'info' | 'error'>): Keys {
  const keySet = createRemoteJWKSet(new URL(address), {
    timeoutDuration: Math.round(timeoutSeconds * 1000),
    [customFetch]: fetchKeySet,
  })
  const outage = reportOutage(logger)

  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work
      outage.end('The key set (JWT_JWKS_URL) can be fetched again')
      return result
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause
      const reason = cause instanceof Error ? cause.message : 'unknown'
      outage.begin('The key set (JWT_JWKS_URL) can not be fetched', { reason })
      throw new ServiceUnavailable('The keys that tokens are checked with can not be fetched. Try again later.', {
        cause,
        retryAfterSeconds: 5,
      })
    }
  }

  return {
    keyFor: (header: JWTHeaderParameters, token) => watched(keySet(header, token)),
    probe: async () => {
      if (!keySet.fresh) await watched(keySet.reload())
    },
  }
}

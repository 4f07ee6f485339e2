import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ServiceUnavailable } from '../../core/errors.ts'
import { CredentialRefused } from '../denial.ts'
import type { AuthProvider, Decision } from '../provider.ts'
import type { ProviderContext } from '../registry.ts'
import { checkClaims } from './claims.ts'
import { type Keys, loadKeys } from './keys.ts'

const CLOCK_SKEW_SECONDS = 30

/**
 * A signed token decides (contract §9.1): who holds a valid one may do what its claims leave open, and nobody else
 * may do anything, except read with `JWT_PUBLIC_READ`.
 */
export default async function jwt({ config, logger }: ProviderContext): Promise<AuthProvider> {
  const keys = await loadKeys(config, logger)
  const options = {
    algorithms: config.jwtAlgorithm,
    audience: config.jwtAudience,
    issuer: config.jwtIssuer,
    clockTolerance: CLOCK_SKEW_SECONDS,
  }
  if (!config.jwtAudience)
    logger.warning('JWT_AUDIENCE is not set: a token that was made for another service passes here too')
  if (config.jwtSecret && config.jwtSecret.length < 32)
    logger.warning('JWT_SECRET is short enough to be guessed: take 32 random characters or more')

  return {
    name: 'jwt',
    async authorize(question) {
      const isPublic = question.permission === 'read' && config.jwtPublicRead
      if (!question.credential) {
        if (isPublic) return {}
        throw new CredentialRefused('JWT token required')
      }
      const payload = await verify(question.credential, keys, options).catch((error) => {
        throw refusal(error)
      })
      if (!isPublic) checkClaims(payload, question, config.jwtRequireScope)
      return { identity: identify(payload) }
    },
    healthcheck: () => keys.probe(),
  }
}

async function verify(token: string, keys: Keys, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys.keyFor, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    return verifyWithAny(token, error, options)
  }
}

/** A token that does not name its key is tried with each that fits; one that can't be used is passed over. */
async function verifyWithAny(
  token: string,
  candidates: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  for await (const key of candidates) {
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      if (SIGNED.some((kind) => error instanceof kind)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** What is only found out about a token whose signature is good. */
const SIGNED = [errors.JWTClaimValidationFailed, errors.JWTExpired, errors.JWTInvalid]

const REASONS: Record<string, string> = {
  ERR_JOSE_ALG_NOT_ALLOWED: 'its algorithm is not accepted here',
  ERR_JWKS_NO_MATCHING_KEY: 'its key is not known here',
  ERR_JWS_INVALID: 'it is not a JSON Web Token',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature is wrong',
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWT_INVALID: 'it is not a JSON Web Token',
}

/** In our own words: those of a library may quote the token. */
function refusal(error: unknown): Error {
  if (error instanceof ServiceUnavailable) return error
  if (error instanceof errors.JWTClaimValidationFailed)
    return new CredentialRefused(`invalid JWT: its claim "${error.claim}" is missing or not the one expected`)
  const code = error instanceof errors.JOSEError ? error.code : ''
  return new CredentialRefused(`invalid JWT: ${REASONS[code] ?? 'it can not be verified'}`)
}

function identify(payload: JWTPayload): Decision['identity'] {
  return { ...payload, id: payload.sub, name: typeof payload.name === 'string' ? payload.name : undefined }
}

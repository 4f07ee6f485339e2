import { decimal, flag, httpAddress, list, optional, text, word } from './setting.ts'

const ALGORITHMS = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
]

/** Settings of those who decide who may do what. */
export const authSettings = {
  authType: optional(
    text({
      env: 'AUTH_TYPE',
      group: 'auth',
      common: true,
      description:
        'Who decides: the name of a folder in `src/auth`. `ckan` once `CKAN_URL` is set; `anonymous` lets everybody do everything.',
      unset: '`anonymous`, on a loopback address with nothing else configured; else the start is refused',
      example: 'ckan',
      minLength: 1,
    }),
  ),
  apiTokenHeader: text({
    env: 'API_TOKEN_HEADER',
    group: 'auth',
    description: 'Request header that carries the token, with or without `Bearer`.',
    expected: 'the name of a header',
    pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
    default: 'Authorization',
  }),
  authCacheTtl: decimal({
    env: 'AUTH_CACHE_TTL',
    group: 'auth',
    description: 'Seconds that a permission is remembered; 0 asks each time. A refusal is remembered for 2 at most.',
    minimum: 0,
    maximum: 86_400,
    default: 10,
  }),
  redisUrl: optional(
    text({
      env: 'REDIS_URL',
      group: 'auth',
      secret: true,
      description:
        'Redis that several processes share: remembered permissions, budgets, and answers with `QUERY_CACHE_STORE=redis`.',
      expected: 'a redis:// or rediss:// address',
      unset: "the process's own memory",
      example: 'redis://localhost:6379',
      pattern: '^rediss?://\\S+$',
    }),
  ),
  ckanUrl: optional(
    text({
      env: 'CKAN_URL',
      group: 'ckan',
      common: true,
      description: 'CKAN that decides who may do what.',
      unset: 'none',
      example: 'https://ckan.example.org',
      ...httpAddress,
    }),
  ),
  ckanSync: flag({
    env: 'CKAN_SYNC',
    group: 'ckan',
    description: "Keep CKAN's record of a resource in step: `datastore_active`, `schema`, `last_modified`.",
    default: true,
  }),
  ckanSyncSeconds: decimal({
    env: 'CKAN_SYNC_SECONDS',
    group: 'ckan',
    description: 'Least seconds between two updates of `last_modified`; 0 updates it with every write.',
    minimum: 0,
    maximum: 86_400,
    default: 60,
  }),
  jwtAlgorithm: list(word(ALGORITHMS), {
    env: 'JWT_ALGORITHM',
    group: 'jwt',
    description: 'Accepted signatures, separated by commas.',
    reads: 'list',
    expected: `one or more of ${ALGORITHMS.join(', ')}, separated by commas`,
    minItems: 1,
    default: ['HS256'],
  }),
  jwtSecret: optional(
    text({
      env: 'JWT_SECRET',
      group: 'jwt',
      secret: true,
      description: 'Secret for the `HS…` signatures.',
      unset: 'none',
      minLength: 1,
    }),
  ),
  jwtPublicKey: optional(
    text({
      env: 'JWT_PUBLIC_KEY',
      group: 'jwt',
      secret: true,
      description: 'Public key for the other signatures, as PEM; `\\n` may stand for a line break.',
      reads: 'pem',
      expected: 'a PEM text that starts with -----BEGIN',
      unset: 'none',
      pattern: '^-----BEGIN [A-Z ]+-----\\n',
    }),
  ),
  jwtJwksUrl: optional(
    text({
      env: 'JWT_JWKS_URL',
      group: 'jwt',
      description: 'Address of a JSON Web Key Set, instead of one public key.',
      expected: 'an http:// or https:// address without a user name',
      unset: 'none',
      example: 'https://login.example.org/.well-known/jwks.json',
      pattern: '^https?://[^\\s/?#@]+(/[^\\s#]*)?$',
    }),
  ),
  jwtAudience: optional(
    text({
      env: 'JWT_AUDIENCE',
      group: 'jwt',
      description: 'The `aud` that a token must carry. Without it a token made for another service passes here.',
      unset: 'not checked',
      minLength: 1,
    }),
  ),
  jwtIssuer: optional(
    text({
      env: 'JWT_ISSUER',
      group: 'jwt',
      description: 'The `iss` that a token must carry.',
      unset: 'not checked',
      minLength: 1,
    }),
  ),
  jwtRequireScope: flag({
    env: 'JWT_REQUIRE_SCOPE',
    group: 'jwt',
    description: 'Refuse a token without any `datastore:` scope, which otherwise may do everything.',
    default: false,
  }),
  jwtPublicRead: flag({
    env: 'JWT_PUBLIC_READ',
    group: 'jwt',
    description: 'Allow reads without a token.',
    default: false,
  }),
}

import { type Static, Type } from '@sinclair/typebox'
import { bigquerySettings } from './bigquery-settings.ts'
import { lakeSettings } from './lake-settings.ts'
import { operationsSettings } from './operations-settings.ts'
import { choice, decimal, flag, list, optional, text, whole, word } from './setting.ts'

const HTTP_ADDRESS = {
  reads: 'address',
  pattern: '^https?://[^\\s/?#@]+(/[^\\s?#@]*)?$',
  expected: 'an http:// or https:// address without a user name, a query or a fragment',
} as const

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const
const ALGORITHMS = [
  ...['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
]

/** Every setting: its type, bounds and default, and what people are told about it. Bounds are inclusive. */
export const settings = Type.Object({
  host: text({
    env: 'HOST',
    group: 'server',
    common: true,
    description: 'Address to listen on. Any but a loopback address asks for `AUTH_TYPE` or `CKAN_URL`.',
    expected: 'a host name or an IP address',
    pattern: '^[A-Za-z0-9._:%\\-\\[\\]]+$',
    default: '127.0.0.1',
  }),
  port: whole({
    env: 'PORT',
    group: 'server',
    common: true,
    description: 'Port to listen on; 0 takes a free one.',
    minimum: 0,
    maximum: 65535,
    default: 8000,
  }),
  siteUrl: optional(
    text({
      env: 'SITE_URL',
      group: 'server',
      description: 'Public address of this service, the start of every absolute link that it writes.',
      unset: 'from the request',
      example: 'https://data.example.org',
      ...HTTP_ADDRESS,
    }),
  ),
  basePath: text({
    env: 'BASE_PATH',
    group: 'server',
    description: 'Path under which all routes are served.',
    reads: 'path',
    expected: 'a path such as /datastore',
    unset: 'none',
    example: '/datastore',
    pattern: '^(/[A-Za-z0-9._~-]+)*$',
    default: '',
  }),
  trustProxy: choice(
    [
      Type.Literal('off'),
      Type.Integer({ minimum: 1, maximum: 32 }),
      Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    ],
    {
      env: 'TRUST_PROXY',
      group: 'server',
      description:
        'Whose `X-Forwarded-Proto`, `-Host` and `-Prefix` are believed: `off`, the number of proxies in front, or their address ranges separated by commas.',
      reads: 'proxies',
      expected: 'off, a whole number from 1 to 32, or address ranges such as 10.0.0.0/8,::1',
      example: '1',
      default: 'off',
    },
  ),
  allowedHosts: optional(
    list(Type.String({ pattern: '^[A-Za-z0-9._\\-\\[\\]:*]+$' }), {
      env: 'ALLOWED_HOSTS',
      group: 'server',
      description: 'Host names that may be asked for, separated by commas; checked while there is no authorization.',
      reads: 'list',
      minItems: 1,
      expected: 'host names separated by commas',
      unset: "loopback names and `SITE_URL`'s host",
      example: 'data.example.org,localhost',
    }),
  ),
  corsOrigins: optional(
    list(Type.String({ pattern: '^(\\*|https?://[^\\s/]+)$' }), {
      env: 'CORS_ORIGINS',
      group: 'server',
      description:
        'Web origins whose pages may call this service, separated by commas, or `*`. Without authorization `*` permits reads only.',
      reads: 'list',
      minItems: 1,
      expected: 'origins such as https://example.org separated by commas, or *',
      unset: '`*` for reads, none for writes',
      example: 'https://example.org',
    }),
  ),
  maxRequestBodyMb: whole({
    env: 'MAX_REQUEST_BODY_MB',
    group: 'server',
    common: true,
    description: 'Largest request body, in megabytes. Load bigger tables in several calls.',
    minimum: 1,
    maximum: 1000,
    default: 50,
  }),
  maxLoadMb: whole({
    env: 'MAX_LOAD_MB',
    group: 'server',
    description: 'Largest file for `/datastore/load`, in megabytes, compressed or not.',
    minimum: 1,
    maximum: 10_000_000,
    default: 10_000,
  }),
  httpTimeoutSeconds: decimal({
    env: 'HTTP_TIMEOUT_SECONDS',
    group: 'server',
    description: 'How long this service waits for another one (CKAN, keys) before it answers 503.',
    minimum: 0.1,
    maximum: 600,
    default: 10,
  }),
  compression: flag({
    env: 'COMPRESSION',
    group: 'server',
    description:
      'Compress answers with data from 1 KiB up for clients that accept gzip; `false` where a proxy does that.',
    default: true,
  }),
  appMessage: text({
    env: 'APP_MESSAGE',
    group: 'server',
    description: 'What `/` answers.',
    default: 'Datastore API',
  }),
  logLevel: word(LEVELS, {
    env: 'LOG_LEVEL',
    group: 'server',
    common: true,
    description: 'Least level that is logged, one JSON line per request and event.',
    reads: 'upper',
    default: 'INFO',
  }),

  queryCacheMb: whole({
    env: 'QUERY_CACHE_MB',
    group: 'server',
    description:
      'Memory for answers that are asked for again, in megabytes; 0 keeps none. An answer is kept until its table changes, an SQL result until one of its tables does; never one that depends on time or chance.',
    minimum: 0,
    maximum: 65536,
    default: 64,
  }),
  queryCacheStore: word(['memory', 'redis'], {
    env: 'QUERY_CACHE_STORE',
    group: 'server',
    description:
      'Where these answers are kept: in the memory of each process, or in the Redis of `REDIS_URL` as well, where all processes on the same data share them. Those of more than 1 MB stay in memory.',
    default: 'memory',
  }),
  queryCacheTtl: whole({
    env: 'QUERY_CACHE_TTL',
    group: 'server',
    description: 'Seconds that an answer stays in Redis; one that was outdated before then is not given.',
    minimum: 1,
    maximum: 86_400,
    default: 3600,
  }),
  dumpCacheMb: whole({
    env: 'DUMP_CACHE_MB',
    group: 'server',
    description:
      'Disk for downloads of whole tables that are asked for again, in megabytes, in `dumps` beside the data; 0 keeps none. A file is kept until its table changes; broken downloads of it resume.',
    minimum: 0,
    maximum: 100_000_000,
    default: 1024,
  }),

  explorerEnabled: flag({
    env: 'EXPLORER_ENABLED',
    group: 'pages',
    description: 'Show the explorer at `/` to browsers; `false` answers everybody with JSON.',
    default: true,
  }),
  siteTitle: text({
    env: 'SITE_TITLE',
    group: 'pages',
    description: 'What the explorer and the page of the API are called.',
    expected: 'a text of at most 80 characters',
    maxLength: 80,
    default: 'Datastore',
  }),
  siteLogoUrl: optional(
    text({
      env: 'SITE_LOGO_URL',
      group: 'pages',
      description: 'Picture beside the title, about 32 pixels high.',
      expected: 'an http:// or https:// address, or a path that starts with /',
      unset: 'none',
      example: 'https://example.org/logo.svg',
      pattern: '^(https?://[^\\s/?#@;,\'"]+)?/(?!/)[^\\s;,\'"]*$',
    }),
  ),
  siteColor: text({
    env: 'SITE_COLOR',
    group: 'pages',
    description: 'Color of links, buttons and bars.',
    expected: 'a color such as #2357c5',
    pattern: '^#[0-9A-Fa-f]{6}$',
    default: '#2357c5',
  }),

  datastoreEngine: text({
    env: 'DATASTORE_ENGINE',
    group: 'storage',
    common: true,
    description:
      'Storage engine: the name of a folder in `src/infrastructure/engines`. `bigquery` once `BIGQUERY_PROJECT` is set.',
    minLength: 1,
    default: 'duckdb',
  }),
  duckdbPath: text({
    env: 'DUCKDB_PATH',
    group: 'storage',
    common: true,
    description: 'Folder that holds the data; made when missing.',
    minLength: 1,
    default: './data',
  }),
  duckdbMemoryLimit: optional(
    text({
      env: 'DUCKDB_MEMORY_LIMIT',
      group: 'storage',
      common: true,
      description: 'Memory that DuckDB may use.',
      expected: 'a size such as 512MB or 4GB',
      unset: "DuckDB's own: 80 % of the machine's",
      example: '2GB',
      pattern: '^[1-9]\\d{0,8}(\\.\\d{1,3})? ?([KMGTkmgt][Ii]?[Bb])$',
    }),
  ),
  duckdbThreads: optional(
    whole({
      env: 'DUCKDB_THREADS',
      group: 'storage',
      description: 'Threads that DuckDB may use.',
      unset: 'one per core',
      example: '2',
      minimum: 1,
      maximum: 1024,
    }),
  ),
  ...lakeSettings,
  includeUpdatedAt: flag({
    env: 'INCLUDE_UPDATED_AT',
    group: 'storage',
    description: 'Give every table a column `_updated_at` with the time of the last change of each record.',
    default: false,
  }),

  searchResultRowsMax: whole({
    env: 'SEARCH_RESULT_ROWS_MAX',
    group: 'reads',
    common: true,
    description: 'Most records that one search or SQL statement returns.',
    minimum: 1,
    maximum: 10_000_000,
    default: 32_000,
  }),
  searchResultRowsDefault: whole({
    env: 'SEARCH_RESULT_ROWS_DEFAULT',
    group: 'reads',
    description: 'Records that a search returns when it names no `limit`; at most `SEARCH_RESULT_ROWS_MAX`.',
    minimum: 1,
    maximum: 10_000_000,
    default: 100,
  }),
  queryTimeoutSeconds: decimal({
    env: 'QUERY_TIMEOUT_SECONDS',
    group: 'reads',
    description: 'How long one query may run before it is stopped.',
    minimum: 0.1,
    maximum: 86_400,
    default: 60,
  }),
  msInTimestamp: flag({
    env: 'MS_IN_TIMESTAMP',
    group: 'reads',
    description: 'Write timestamps with fractions of a second.',
    default: true,
  }),
  sqlSearchEnabled: flag({
    env: 'SQL_SEARCH_ENABLED',
    group: 'reads',
    common: true,
    description: 'Serve `datastore_search_sql` and downloads of SQL results.',
    default: true,
  }),
  sqlMaxConcurrent: whole({
    env: 'SQL_MAX_CONCURRENT',
    group: 'reads',
    description: 'SQL statements that run at once; others wait briefly and are then answered 429.',
    minimum: 1,
    maximum: 1000,
    default: 2,
  }),
  sqlDownloadRowsMax: whole({
    env: 'SQL_DOWNLOAD_ROWS_MAX',
    group: 'reads',
    description:
      'Most rows that the result of a statement may have as a download; a larger one is refused. 0 sets no limit.',
    minimum: 0,
    maximum: 1_000_000_000,
    default: 10_000_000,
  }),
  sqlFunctionsAllowFile: optional(
    text({
      env: 'SQL_FUNCTIONS_ALLOW_FILE',
      group: 'reads',
      description:
        "File that replaces the engine's list of SQL functions that may be called: one name a line, `#` comments.",
      unset: "the engine's own list",
      example: './sql-functions.txt',
      minLength: 1,
    }),
  ),

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
      ...HTTP_ADDRESS,
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

  ...bigquerySettings,

  ...operationsSettings,
})

export type Settings = Static<typeof settings>

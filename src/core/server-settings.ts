import { Type } from '@sinclair/typebox'
import { choice, decimal, flag, httpAddress, list, optional, text, whole, word } from './setting.ts'

const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const

/** Settings of the server itself, and of the pages that it shows to people. */
export const serverSettings = {
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
      ...httpAddress,
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
        'Whose `X-Forwarded-Proto`, `-Host`, `-Prefix` and `-For` are believed: `off`, the number of proxies in front, or their address ranges separated by commas.',
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
}

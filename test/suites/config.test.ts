import { describe, expect, test } from 'vitest'
import { type Config, type Env, readConfig, settingRows } from '../../src/core/config.ts'
import { ConfigurationError } from '../../src/core/errors.ts'
import { isInRanges, isLoopback, parseRange, plainAddress } from '../../src/core/network.ts'

const AUTH = { AUTH_TYPE: 'jwt' }
const CHOICES =
  'set CKAN_URL (CKAN decides), AUTH_TYPE=jwt (tokens decide) or AUTH_TYPE=anonymous (everybody may read, change and delete everything)'

function mistakes(env: Env, options?: { embedded?: boolean }): readonly string[] {
  try {
    readConfig(env, options)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes
    throw error
  }
  return []
}

describe('a value is read', () => {
  const cases: [Env, Partial<Config>][] = [
    [{}, { port: 8000, host: '127.0.0.1', datastoreEngine: 'duckdb', duckdbPath: './data', trustProxy: 'off' }],
    [{}, { jwtAlgorithm: ['HS256'], searchResultRowsMax: 32_000, includeUpdatedAt: false, msInTimestamp: true }],
    [{ PORT: ' 0 ' }, { port: 0 }],
    [{ PORT: '' }, { port: 8000 }],
    [{ LOG_LEVEL: 'debug' }, { logLevel: 'DEBUG' }],
    [
      { ...AUTH, INCLUDE_UPDATED_AT: 'Yes', CKAN_SYNC: '0' },
      { includeUpdatedAt: true, ckanSync: false },
    ],
    [
      { ...AUTH, HTTP_TIMEOUT_SECONDS: '.5', AUTH_CACHE_TTL: '0' },
      { httpTimeoutSeconds: 0.5, authCacheTtl: 0 },
    ],
    [{ ...AUTH, SITE_URL: 'https://data.example.org/' }, { siteUrl: 'https://data.example.org' }],
    [{ CKAN_URL: 'http://ckan:5000/portal/' }, { ckanUrl: 'http://ckan:5000/portal', authType: 'ckan' }],
    [{ CKAN_URL: 'http://ckan:5000', AUTH_TYPE: 'jwt' }, { authType: 'jwt' }],
    [{ ...AUTH, BASE_PATH: 'datastore/' }, { basePath: '/datastore' }],
    [{ ...AUTH, BASE_PATH: '/' }, { basePath: '' }],
    [{ ...AUTH, TRUST_PROXY: 'OFF' }, { trustProxy: 'off' }],
    [{ ...AUTH, TRUST_PROXY: '2' }, { trustProxy: 2 }],
    [{ ...AUTH, TRUST_PROXY: '10.0.0.0/8, ::1' }, { trustProxy: ['10.0.0.0/8', '::1'] }],
    [{ ...AUTH, ALLOWED_HOSTS: 'a.org, b.org:8000,' }, { allowedHosts: ['a.org', 'b.org:8000'] }],
    [{ ...AUTH, CORS_ORIGINS: '*' }, { corsOrigins: ['*'] }],
    [{ ...AUTH, JWT_ALGORITHM: 'RS256,ES256' }, { jwtAlgorithm: ['RS256', 'ES256'] }],
    [{ ...AUTH, JWT_SECRET: ' kept as it is ' }, { jwtSecret: ' kept as it is ' }],
    [
      { ...AUTH, JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----' },
      { jwtPublicKey: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' },
    ],
    [{ SEARCH_RESULT_ROWS_MAX: '10' }, { searchResultRowsMax: 10, searchResultRowsDefault: 10 }],
    [{ ...AUTH, BIGQUERY_PROJECT: 'p' }, { datastoreEngine: 'bigquery' }],
    [{ ...AUTH, BIGQUERY_PROJECT: 'p', DATASTORE_ENGINE: 'duckdb' }, { datastoreEngine: 'duckdb' }],
    [
      { DUCKDB_MEMORY_LIMIT: '1.5 GiB', DUCKDB_THREADS: '2' },
      { duckdbMemoryLimit: '1.5 GiB', duckdbThreads: 2 },
    ],
  ]
  for (const [env, settings] of cases) {
    test(JSON.stringify(env), () => expect(readConfig(env).config).toMatchObject(settings))
  }

  test('the defaults of two datastores are not one object', () => {
    expect(readConfig({}).config.jwtAlgorithm).not.toBe(readConfig({}).config.jwtAlgorithm)
  })
})

describe('a mistake is told with its bounds', () => {
  const rows = 'a whole number from 1 to 10000000'
  const http = 'an http:// or https:// address without a user name, a query or a fragment'
  const proxies = 'off, a whole number from 1 to 32, or address ranges such as 10.0.0.0/8,::1'
  const cases: [Env, string][] = [
    [{ PORT: 'abc' }, 'PORT must be a whole number from 0 to 65535, not "abc"'],
    [{ PORT: '65536' }, 'PORT must be a whole number from 0 to 65535, not "65536"'],
    [{ PORT: '80.5' }, 'PORT must be a whole number from 0 to 65535, not "80.5"'],
    [{ HOST: 'a b' }, 'HOST must be a host name or an IP address, not "a b"'],
    [{ MAX_REQUEST_BODY_MB: '1001' }, 'MAX_REQUEST_BODY_MB must be a whole number from 1 to 1000, not "1001"'],
    [{ SEARCH_RESULT_ROWS_MAX: '0' }, `SEARCH_RESULT_ROWS_MAX must be ${rows}, not "0"`],
    [
      { SEARCH_RESULT_ROWS_MAX: '10', SEARCH_RESULT_ROWS_DEFAULT: '20' },
      'SEARCH_RESULT_ROWS_DEFAULT must be at most SEARCH_RESULT_ROWS_MAX (10), not "20"',
    ],
    [{ HTTP_TIMEOUT_SECONDS: '1e3' }, 'HTTP_TIMEOUT_SECONDS must be a number from 0.1 to 600, not "1e3"'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not "loud"'],
    [{ SQL_SEARCH_ENABLED: 'maybe' }, 'SQL_SEARCH_ENABLED must be true or false, not "maybe"'],
    [{ ...AUTH, TRUST_PROXY: '0.0.0.0/33' }, `TRUST_PROXY must be ${proxies}, not "0.0.0.0/33"`],
    [{ ...AUTH, TRUST_PROXY: '33' }, `TRUST_PROXY must be ${proxies}, not "33"`],
    [{ CKAN_URL: 'ckan.org' }, `CKAN_URL must be ${http}, not "ckan.org"`],
    [{ CKAN_URL: 'http://me:secret@ckan' }, `CKAN_URL must be ${http}, not "http://…@ckan"`],
    [{ DUCKDB_MEMORY_LIMIT: '512' }, 'DUCKDB_MEMORY_LIMIT must be a size such as 512MB or 4GB, not "512"'],
    [{ ...AUTH, API_TOKEN_HEADER: 'a b' }, 'API_TOKEN_HEADER must be the name of a header, not "a b"'],
    [{ ...AUTH, REDIS_URL: 'my secret' }, 'REDIS_URL must be a redis:// or rediss:// address'],
    [{ ...AUTH, JWT_PUBLIC_KEY: 'my secret' }, 'JWT_PUBLIC_KEY must be a PEM text that starts with -----BEGIN'],
    [{ SITE_URL: 'http://a' }, `SITE_URL is set, but not who may write: ${CHOICES}`],
    [{ JWT_SECRET: 'x' }, `JWT_SECRET is set, but not who may write: ${CHOICES}`],
    [{ REDIS_URL: 'redis://r' }, `REDIS_URL is set, but not who may write: ${CHOICES}`],
    [{ DATASTORE_ENGINE: 'duckdb' }, `DATASTORE_ENGINE is set, but not who may write: ${CHOICES}`],
    [{ BIGQUERY_PROJECT: 'p' }, `BIGQUERY_PROJECT is set, but not who may write: ${CHOICES}`],
    [{ DUCKLAKE_CATALOG: 'duckdb:c' }, `DUCKLAKE_CATALOG is set, but not who may write: ${CHOICES}`],
    [{ HOST: '0.0.0.0' }, `HOST=0.0.0.0 is open to other machines, but nothing says who may write: ${CHOICES}`],
  ]
  for (const [env, mistake] of cases) test(mistake, () => expect(mistakes(env)).toEqual([mistake]))

  test('and so are all the others, at once', () => {
    const env = { PORT: 'abc', LOG_LEVEL: 'loud', COMPRESSION: 'maybe', HOST: 'example.org' }
    expect(mistakes(env).map((line) => line.split(/[ =]/)[0])).toEqual(['PORT', 'COMPRESSION', 'LOG_LEVEL', 'HOST'])
  })

  test('JWT_ALGORITHM=none is refused', () => {
    expect(mistakes({ ...AUTH, JWT_ALGORITHM: 'HS256,none' })[0]).toMatch(/^JWT_ALGORITHM must be one or more of HS256/)
  })
})

describe('nobody is let in because a setting was forgotten', () => {
  /** A value that each setting takes. A new one must be put on one side here, on purpose. */
  const ownMachine: Env = {
    ...{ HOST: 'localhost', PORT: '8001', LOG_LEVEL: 'ERROR', APP_MESSAGE: 'hi', COMPRESSION: 'false' },
    ...{ HTTP_TIMEOUT_SECONDS: '1', INCLUDE_UPDATED_AT: 'true', MS_IN_TIMESTAMP: 'false', DUCKDB_PATH: './d' },
    ...{ DUCKDB_MEMORY_LIMIT: '1GB', DUCKDB_THREADS: '1', MAX_REQUEST_BODY_MB: '5', MAX_LOAD_MB: '5' },
    ...{ QUERY_CACHE_MB: '1', DUMP_CACHE_MB: '5', SEARCH_RESULT_ROWS_MAX: '500', SEARCH_RESULT_ROWS_DEFAULT: '5' },
    ...{ QUERY_TIMEOUT_SECONDS: '5', SQL_SEARCH_ENABLED: 'false', SQL_MAX_CONCURRENT: '1' },
    ...{ SQL_DOWNLOAD_ROWS_MAX: '5', SQL_FUNCTIONS_ALLOW_FILE: './f' },
    ...{ EXPLORER_ENABLED: 'false', SITE_TITLE: 'Ours', SITE_LOGO_URL: '/logo.png', SITE_COLOR: '#aa0000' },
    ...{ METRICS_ENABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a' },
    ...{ ANALYTICS_ENABLED: 'true', ANALYTICS_IP: 'none', ANALYTICS_QUERIES: 'true' },
  }
  const deployment: Env = {
    ...{ SITE_URL: 'http://a', BASE_PATH: '/a', TRUST_PROXY: 'off', ALLOWED_HOSTS: '*', CORS_ORIGINS: '*' },
    ...{
      DATASTORE_ENGINE: 'duckdb',
      REDIS_URL: 'redis://r',
      QUERY_CACHE_STORE: 'memory',
      QUERY_CACHE_TTL: '5',
      API_TOKEN_HEADER: 'X-A',
      AUTH_CACHE_TTL: '1',
    },
    ...{ CKAN_SYNC: 'false', CKAN_SYNC_SECONDS: '1', JWT_ALGORITHM: 'HS256', JWT_SECRET: 'x', JWT_AUDIENCE: 'x' },
    ...{ JWT_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\\nA', JWT_JWKS_URL: 'http://a', JWT_ISSUER: 'x' },
    ...{ JWT_REQUIRE_SCOPE: 'false', JWT_PUBLIC_READ: 'false' },
    ...{ BIGQUERY_PROJECT: 'p', BIGQUERY_DATASET: 'd', BIGQUERY_LOCATION: 'EU', BIGQUERY_CREDENTIALS: '{}' },
    ...{ BIGQUERY_CREDENTIALS_RO: '{}', BIGQUERY_USE_QUERY_CACHE: 'false', BIGQUERY_MAX_BYTES_BILLED: '1' },
    ...{ BIGQUERY_EXPORT_BUCKET: 'bucket', BIGQUERY_EXPORT_URL_EXPIRY_HOURS: '2', BIGQUERY_EXTERNAL_WRITES: 'false' },
    ...{ BIGQUERY_API_ENDPOINT: 'http://a', STORAGE_API_ENDPOINT: 'http://a' },
    ...{ RATE_LIMIT_REQUESTS: '1', RATE_LIMIT_ANONYMOUS_REQUESTS: '1', RATE_LIMIT_SECONDS: '1' },
    ...{ DUCKLAKE_CATALOG: 'postgres://u:p@h/d', DUCKLAKE_DATA_PATH: 's3://b/p', DUCKLAKE_METADATA_SCHEMA: 's' },
    ...{ DUCKLAKE_S3_ENDPOINT: 'http://a', DUCKLAKE_S3_REGION: 'r', DUCKLAKE_S3_KEY: 'k', DUCKLAKE_S3_SECRET: 's' },
    ...{ DUCKLAKE_GCS_ENDPOINT: 'http://a', DUCKLAKE_GCS_KEY: 'k', DUCKLAKE_GCS_SECRET: 's' },
    ...{ DUCKLAKE_HISTORY_HOURS: '1', DUCKLAKE_MAINTENANCE_MINUTES: '1', DUCKDB_EXTENSION_DIRECTORY: './e' },
  }
  const deciding = ['AUTH_TYPE', 'CKAN_URL']

  test('every setting is on one side', () => {
    const sides = [...Object.keys(ownMachine), ...Object.keys(deployment), ...deciding]
    expect(sides.sort()).toEqual(settingRows.map(({ schema }) => schema.env).sort())
  })
  for (const [name, value] of Object.entries(ownMachine)) {
    test(`${name} is one's own`, () => expect(readConfig({ [name]: value }).config.authAssumed).toBe(true))
  }
  for (const [name, value] of Object.entries(deployment)) {
    test(`${name} is a deployment's`, () =>
      expect(mistakes({ [name]: value })).toEqual([`${name} is set, but not who may write: ${CHOICES}`]))
  }
  for (const name of [...Object.keys(deployment), ...deciding]) {
    for (const value of ['', ' ']) {
      test(`${name}="${value}" is a setting that got lost`, () =>
        expect(mistakes({ [name]: value })).toEqual([
          `${name} is set, though empty, but not who may write: ${CHOICES}`,
        ]))
    }
  }

  const others: [name: string, sentence: string][] = [
    ['BIGQUERY_DATASET', 'BIGQUERY_DATASET is set'],
    ['DUCKLAKE_TABLES', 'DUCKLAKE_TABLES is set'],
    ['CKAN_SITE_URL', 'CKAN_SITE_URL is set'],
    ['CKAN_URI', 'CKAN_URI is set (did you mean CKAN_URL?)'],
    ['CKANURL', 'CKANURL is set (did you mean CKAN_URL?)'],
    ['AUTHTYPE', 'AUTHTYPE is set (did you mean AUTH_TYPE?)'],
    ['TRUSTPROXY', 'TRUSTPROXY is set (did you mean TRUST_PROXY?)'],
  ]
  for (const [name, sentence] of others) {
    test(name, () => expect(mistakes({ [name]: 'x' })).toEqual([`${sentence}, but not who may write: ${CHOICES}`]))
  }
})

describe('who decides', () => {
  const cases: [Env, { embedded?: boolean }, Pick<Config, 'authType' | 'authAssumed'>][] = [
    [{}, {}, { authType: 'anonymous', authAssumed: true }],
    [{ HOST: 'localhost', PORT: '1', DUCKDB_PATH: '/d' }, {}, { authType: 'anonymous', authAssumed: true }],
    [{ HOST: '[::1]' }, {}, { authType: 'anonymous', authAssumed: true }],
    [{ AUTH_TYPE: 'anonymous' }, {}, { authType: 'anonymous', authAssumed: false }],
    [{ HOST: '0.0.0.0', CKAN_URL: 'http://ckan' }, {}, { authType: 'ckan', authAssumed: false }],
    [{}, { embedded: true }, { authType: undefined, authAssumed: false }],
    [{ SITE_URL: 'http://a', HOST: '0.0.0.0' }, { embedded: true }, { authType: undefined, authAssumed: false }],
    [{ CKAN_URL: 'http://ckan' }, { embedded: true }, { authType: 'ckan', authAssumed: false }],
  ]
  for (const [env, options, who] of cases) {
    test(`${JSON.stringify(env)}${options.embedded ? ' embedded' : ''}: ${who.authType}`, () => {
      const { authType, authAssumed } = readConfig(env, options).config
      expect({ authType, authAssumed }).toEqual(who)
    })
  }
})

describe('what is probably not meant is warned about', () => {
  const cases: [Env, string[]][] = [
    [{ LOGLEVEL: 'x' }, ['LOGLEVEL is not a setting: did you mean LOG_LEVEL?']],
    [{ log_level: 'x' }, ['log_level is not a setting: did you mean LOG_LEVEL?']],
    [{ ...AUTH, CKAN_URI: 'x' }, ['CKAN_URI is not a setting: did you mean CKAN_URL?']],
    [{ DUKCDB_PATH: 'x' }, ['DUKCDB_PATH is not a setting: did you mean DUCKDB_PATH?']],
    [{ HTTP_TIMEOUT: '1' }, ['HTTP_TIMEOUT is not a setting: did you mean HTTP_TIMEOUT_SECONDS?']],
    [
      { AUTH_TYPE: 'anonymous', HOST: '::' },
      ['AUTH_TYPE=anonymous on HOST=::: everybody who reaches this address may read, change and delete everything'],
    ],
    [{ PATH: '/bin', HOME: '/', POST: '1', HOSTS: 'x', NODE_ENV: 'test', LANG: 'C', MANPATH: '/', LOGNAME: 'me' }, []],
    [
      {
        ...AUTH,
        CKAN_SITE_URL: 'x',
        REDIS_HOST: 'x',
        BASE_URL: 'x',
        AUTH_TOKEN: 'x',
        SSH_AUTH_SOCK: 'x',
        HOSTNAME: 'x',
      },
      [],
    ],
  ]
  for (const [env, warnings] of cases) {
    test(Object.keys(env).join(' '), () => expect(readConfig(env).warnings).toEqual(warnings))
  }
})

describe('addresses', () => {
  const loopback = [
    'localhost',
    'LOCALHOST',
    'a.localhost',
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
  ]
  const elsewhere = ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', 'localhost.example.org', '128.0.0.1', '']
  for (const host of loopback) test(`${host} is loopback`, () => expect(isLoopback(host)).toBe(true))
  for (const host of elsewhere) test(`"${host}" is not loopback`, () => expect(isLoopback(host)).toBe(false))

  const ranges: [string, string, boolean][] = [
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['192.168.1.130', '192.168.1.128/25', true],
    ['192.168.1.127', '192.168.1.128/25', false],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['fd12::1', 'fd00::/8', true],
    ['fe80::1%eth0', 'fe80::/10', true],
    ['1.2.3.4', '0.0.0.0/0', true],
    ['::1', '0.0.0.0/0', false],
    ['not an address', '0.0.0.0/0', false],
  ]
  for (const [address, range, isIn] of ranges) {
    test(`${address} ${isIn ? 'in' : 'not in'} ${range}`, () => {
      const parsed = parseRange(range)
      expect(parsed && isInRanges(address, [parsed])).toBe(isIn)
    })
  }
  const written: [string, string | undefined][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:5555', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[fe80::1%eth0]:443', 'fe80::1%eth0'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['192.0.2.1:', undefined],
    ['192.0.2.1:x', undefined],
    ['192.0.2.256', undefined],
    ['[192.0.2', undefined],
    ['unknown', undefined],
    ['', undefined],
  ]
  for (const [text, address] of written)
    test(`"${text}" is the address ${address}`, () => expect(plainAddress(text)).toBe(address))

  for (const text of [
    '10.0.0.0/33',
    '10.0.0/8',
    '::/129',
    '1::2::3',
    '10.0.0.0/8/8',
    '010.0.0.1',
    'a.org',
    '::g',
    '/8',
  ]) {
    test(`${text} is no range`, () => expect(parseRange(text)).toBeUndefined())
  }
})

import { Kind, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { ConfigurationError } from './errors.ts'
import { nearName } from './near-name.ts'
import { isLoopback, parseRange } from './network.ts'
import type { Reader, Setting } from './setting.ts'
import { type Settings, settings } from './settings.ts'

/** The settings of one datastore: what was set, coerced and checked, and the defaults of the rest. */
export interface Config extends Settings {
  /** `authType` is `anonymous` because nothing at all is configured, not because somebody said so. */
  authAssumed: boolean
}

/** Environment variables, or anything of that shape. An empty value counts as not set. */
export type Env = Record<string, string | undefined>

/** One row per setting: its key in `Config`, and what its schema says about it. */
export const settingRows = Object.entries(settings.properties).map(([key, schema]) => ({
  key: key as keyof Settings,
  schema: schema as TSchema & Setting,
}))

const settingNames: ReadonlySet<string> = new Set(settingRows.map(({ schema }) => schema.env))

/**
 * Reads the settings from an environment.
 *
 * @param options.embedded - Another server runs this datastore: the address isn't ours to judge, and without
 * `AUTH_TYPE` and `CKAN_URL` there is no `authType` (every request is then refused, unless a provider is handed in).
 * @returns The settings, and sentences about what is probably not meant so.
 * @throws ConfigurationError with a line for every mistake.
 */
export function readConfig(env: Env, options: { embedded?: boolean } = {}): { config: Config; warnings: string[] } {
  const given: Record<string, unknown> = {}
  const mistakes: string[] = []
  for (const { key, schema } of settingRows) {
    const text = schema.secret ? env[schema.env] : env[schema.env]?.trim()
    if (!text?.trim()) continue
    const value = read(schema, text)
    if (Value.Check(schema, value)) given[key] = value
    else mistakes.push(`${schema.env} must be ${expected(schema)}${schema.secret ? '' : `, not ${quote(text)}`}`)
  }
  const config = { ...defaults(env), ...given } as Config
  mistakes.push(...completeRows(config, given))
  if (config.queryCacheStore === 'redis' && config.redisUrl === undefined)
    mistakes.push('QUERY_CACHE_STORE=redis needs REDIS_URL: say which Redis')
  if (config.authType === undefined && !options.embedded) mistakes.push(...completeAuth(config, env))
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return { config, warnings: [...openDoors(config, options), ...misspellings(env)] }
}

function defaults(env: Env): Partial<Config> {
  const values = settingRows.flatMap(({ key, schema }) => (schema.default === undefined ? [] : [[key, schema.default]]))
  return {
    ...structuredClone(Object.fromEntries(values)),
    ...(env.DUCKLAKE_CATALOG?.trim() && { datastoreEngine: 'ducklake' }),
    ...(env.BIGQUERY_PROJECT && { datastoreEngine: 'bigquery' }),
    ...(env.CKAN_URL?.trim() && { authType: 'ckan' }),
    authAssumed: false,
  }
}

/** A lower maximum alone lowers the default with it; a default above a maximum is a contradiction. */
function completeRows(config: Config, given: Partial<Settings>): string[] {
  const { searchResultRowsMax: max, searchResultRowsDefault: rows } = config
  if (rows <= max) return []
  if (given.searchResultRowsDefault === undefined) config.searchResultRowsDefault = max
  else return [`SEARCH_RESULT_ROWS_DEFAULT must be at most SEARCH_RESULT_ROWS_MAX (${max}), not "${rows}"`]
  return []
}

const AUTH_CHOICES =
  'set CKAN_URL (CKAN decides), AUTH_TYPE=jwt (tokens decide) or AUTH_TYPE=anonymous (everybody may read, change and delete everything)'

/**
 * Settings of somebody's own machine. Who has set any other has a deployment in mind, and must say who may write to
 * it; so a new setting counts as one of a deployment until it stands here. `HOST` is judged by its value.
 */
export const OWN_MACHINE: ReadonlySet<string> = new Set([
  ...[
    'HOST',
    'PORT',
    'LOG_LEVEL',
    'APP_MESSAGE',
    'COMPRESSION',
    'HTTP_TIMEOUT_SECONDS',
    'INCLUDE_UPDATED_AT',
    'MS_IN_TIMESTAMP',
  ],
  ...['EXPLORER_ENABLED', 'SITE_TITLE', 'SITE_LOGO_URL', 'SITE_COLOR'],
  ...[
    'DUCKDB_PATH',
    'DUCKDB_MEMORY_LIMIT',
    'DUCKDB_THREADS',
    'MAX_REQUEST_BODY_MB',
    'MAX_LOAD_MB',
    'QUERY_CACHE_MB',
    'DUMP_CACHE_MB',
  ],
  ...['METRICS_ENABLED', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'ANALYTICS_ENABLED', 'ANALYTICS_IP', 'ANALYTICS_QUERIES'],
  ...['SEARCH_RESULT_ROWS_MAX', 'SEARCH_RESULT_ROWS_DEFAULT', 'QUERY_TIMEOUT_SECONDS'],
  ...['SQL_SEARCH_ENABLED', 'SQL_MAX_CONCURRENT', 'SQL_DOWNLOAD_ROWS_MAX', 'SQL_FUNCTIONS_ALLOW_FILE'],
])

/** Names that speak of a deployment also where they are no settings of ours. */
const DEPLOYMENT = /^(BIGQUERY|DUCKLAKE|JWT|CKAN)_/

/** Also an empty value, and a name that was misspelt, is what is left of a setting that somebody meant to make. */
function completeAuth(config: Config, env: Env): string[] {
  for (const name of Object.keys(env)) {
    if (env[name] === undefined) continue
    const meant = settingNames.has(name) ? name : nearName(name, [...settingNames])
    if (!(meant === undefined ? DEPLOYMENT.test(name) : !OWN_MACHINE.has(meant))) continue
    const how = meant === name || meant === undefined ? 'is set' : `is set (did you mean ${meant}?)`
    return [`${name} ${env[name]?.trim() ? how : `${how}, though empty`}, but not who may write: ${AUTH_CHOICES}`]
  }
  if (!isLoopback(config.host))
    return [`HOST=${config.host} is open to other machines, but nothing says who may write: ${AUTH_CHOICES}`]
  config.authType = 'anonymous'
  config.authAssumed = true
  return []
}

function openDoors(config: Config, options: { embedded?: boolean }): string[] {
  if (options.embedded || config.authType !== 'anonymous' || isLoopback(config.host)) return []
  return [
    `AUTH_TYPE=anonymous on HOST=${config.host}: everybody who reaches this address may read, change and delete everything`,
  ]
}

function misspellings(env: Env): string[] {
  return Object.keys(env).flatMap((name) => {
    const meant = settingNames.has(name) ? undefined : nearName(name, [...settingNames])
    return meant ? [`${name} is not a setting: did you mean ${meant}?`] : []
  })
}

const TRUTHS: Record<string, boolean> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/** How a text becomes a value, by JSON type or by the setting's own `reads`. Undefined fits no schema. */
const readers: Record<Reader | 'boolean' | 'integer' | 'number' | 'string', (text: string) => unknown> = {
  string: (text) => text,
  upper: (text) => text.toUpperCase(),
  boolean: (text) => TRUTHS[text.toLowerCase()],
  integer: (text) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined),
  number: (text) => (/^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined),
  list: items,
  address: (text) => (URL.canParse(text) ? text.replace(/\/+$/, '') : undefined),
  path: (text) => `/${text}`.replace(/^\/+/, '/').replace(/\/+$/, ''),
  pem: (text) => text.replaceAll('\\n', '\n'),
  proxies: readProxies,
}

function read(schema: TSchema & Setting, text: string): unknown {
  return readers[schema.reads ?? (schema.type as 'string')](text)
}

function items(text: string): string[] {
  return text.split(',').flatMap((item) => item.trim() || [])
}

function readProxies(text: string): unknown {
  if (/^(off|false|no|0)$/i.test(text)) return 'off'
  if (/^\d+$/.test(text)) return Number(text)
  return items(text).every((range) => parseRange(range)) ? items(text) : undefined
}

/** What follows `must be`. */
export function expected(schema: TSchema & Setting): string {
  if (schema.expected) return schema.expected
  const noun = NOUNS[schema[Kind]] ?? 'a text'
  return schema.minimum === undefined ? noun : `${noun} from ${schema.minimum} to ${schema.maximum}`
}

const NOUNS: Record<string, string> = { Boolean: 'true or false', Integer: 'a whole number', Number: 'a number' }

/** A mistake may be shown, a password in it may not. */
function quote(mistake: string): string {
  const text = mistake.replace(/\/\/[^/\s]*@/, '//…@')
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}

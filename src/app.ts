import type { Compressors } from './api/compress.ts'
import type { Caller, Service } from './api/context.ts'
import type { UsageEvent } from './api/middleware/analytics.ts'
import { createObservers } from './api/observers.ts'
import { createFetch } from './api/router.ts'
import { settingsOfReads } from './api/versions.ts'
import type { AuthProvider } from './auth/provider.ts'
import { loadProvider } from './auth/registry.ts'
import { VERSION } from './core/_version.ts'
import { type Config, type Env, readConfig } from './core/config.ts'
import { NotAuthorized } from './core/errors.ts'
import { createLogger, type Logger } from './core/log.ts'
import { type Cache, createCache, type SharedBytes } from './infrastructure/cache.ts'
import type { Engine } from './infrastructure/engines/engine.ts'
import { loadEngine } from './infrastructure/engines/registry.ts'
import { type KeptAnswers, keepAnswers } from './infrastructure/kept-answers.ts'
import { createMetrics, type Metrics } from './infrastructure/metrics.ts'
import { createRateLimits } from './infrastructure/rate-limits.ts'
import { createTraces } from './infrastructure/traces.ts'
import type { DumpFiles, DumpFilesFactory } from './services/dump-files.ts'

export interface DatastoreOptions {
  /** Settings, by the names of environment variables. Nothing else is read: no `process.env`, no `.env` file. */
  env?: Env
  /** Path under which all routes are served: `BASE_PATH`. */
  basePath?: string
  /** Who may do what: the name of a provider (`AUTH_TYPE`), or one's own. */
  auth?: string | AuthProvider
  /** Where data is kept: the name of an engine (`DATASTORE_ENGINE`), or one's own. */
  engine?: string | Engine
  /** Remembers permissions; by default in memory, or in the Redis of `REDIS_URL`. Stays open on `close`. */
  cache?: Cache
  /** By default one JSON line per event through `console.log`. */
  logger?: Logger
  /** Host names served while there is no authorization: `ALLOWED_HOSTS`. */
  allowedHosts?: readonly string[]
  /** What answers are compressed with: gzip as every runtime has it, unless said. */
  compressors?: Compressors
  /** Keeps downloads of whole tables, within `DUMP_CACHE_MB`; without it they are written anew for every client. */
  dumpFiles?: DumpFilesFactory
  /** Takes the events of `ANALYTICS_ENABLED`; by default one JSON line each through `console.log`. */
  onUsage?: (event: UsageEvent) => void
  /** The text of `SQL_FUNCTIONS_ALLOW_FILE`: functions that SQL may call, one a line. */
  sqlFunctions?: string
}

export interface Datastore {
  /** Answers a request. Never throws. */
  fetch(request: Request, caller?: Caller): Promise<Response>
  /** Waits for running writes and lets go of everything, the engine and the provider that were handed in among it. */
  close(): Promise<void>
}

/**
 * Makes a datastore for another server to carry requests to.
 *
 * @throws ConfigurationError with a line for every mistake in the settings.
 * @example
 * const datastore = await createDatastore({ env: process.env, auth: 'anonymous' })
 * const response = await datastore.fetch(new Request('http://localhost/api/3/action/datastore_info?id=trees'))
 */
export async function createDatastore(options: DatastoreOptions = {}): Promise<Datastore> {
  const { config, warnings } = readConfig(environmentOf(options), { embedded: true })
  return (await openDatastore(config, { ...options, warnings })).datastore
}

/** The settings that options stand for. */
export function environmentOf({ env = {}, basePath, auth, engine }: DatastoreOptions): Env {
  return {
    ...env,
    ...(basePath !== undefined && { BASE_PATH: basePath }),
    ...(typeof auth === 'string' && { AUTH_TYPE: auth }),
    ...(typeof engine === 'string' && { DATASTORE_ENGINE: engine }),
  }
}

/** Wires a datastore from settings that were read; for the runtimes' `serve`, which listen and so judge more of them. */
export async function openDatastore(
  config: Config,
  options: DatastoreOptions & { warnings?: readonly string[] } = {},
): Promise<{ datastore: Datastore; service: Service }> {
  const logger = options.logger ?? createLogger(config)
  for (const warning of options.warnings ?? []) logger.warning(warning)
  const opened: { close?(): Promise<void> }[] = []
  const close = async () => {
    for (const part of opened.splice(0)) await part.close?.()
  }
  try {
    let opening: Engine | undefined
    const metrics = config.metricsEnabled ? await createMetrics(() => opening?.activity?.()) : undefined
    const cache = await createCache(config, logger)
    opened.unshift(cache)
    const provider = await openProvider(config, options, { cache: counted(options.cache ?? cache, metrics), logger })
    opened.unshift(provider.provider)
    const engine = await openEngine(config, options, logger)
    opening = engine
    opened.unshift(engine)
    const answers = openAnswers(config, engine, cache)
    const dumpFiles = openDumpFiles(config, options, engine)
    if (dumpFiles) opened.unshift(dumpFiles)
    const { allowedHosts, compressors, onUsage = printUsage } = options
    const traces = config.otelEndpoint ? await createTraces(config.otelEndpoint) : undefined
    if (traces) opened.push(traces)
    const isLimited = config.rateLimitRequests !== undefined || config.rateLimitAnonymousRequests !== undefined
    const rateLimits = isLimited ? await createRateLimits(config, logger) : undefined
    if (rateLimits) opened.push(rateLimits)
    const observers = createObservers(config, { logger, metrics, traces, onUsage })
    const parts = { answers, dumpFiles, allowedHosts, compressors, observers, metrics, rateLimits }
    const service: Service = { config, engine, logger, ...parts, ...provider }
    return { service, datastore: { fetch: createFetch(service), close } }
  } catch (error) {
    await close()
    throw error
  }
}

function counted(cache: Cache, metrics: Metrics | undefined): Cache {
  if (!metrics) return cache
  return {
    ...cache,
    async get<T>(key: string) {
      const value = await cache.get<T>(key)
      metrics.cache('permissions', value !== undefined)
      return value
    },
  }
}

const printUsage = (event: UsageEvent): void => console.log(JSON.stringify(event))

const NO_PROVIDER =
  'This datastore has no authorization yet: pass `auth` to createDatastore, or set CKAN_URL (CKAN decides), ' +
  'AUTH_TYPE=jwt (tokens decide) or AUTH_TYPE=anonymous (everybody may read, change and delete everything)'

async function openProvider(
  config: Config,
  { auth }: DatastoreOptions,
  context: { cache: Cache; logger: Logger },
): Promise<Pick<Service, 'provider' | 'refusal'>> {
  if (typeof auth === 'object') return { provider: auth }
  if (config.authType !== undefined) return { provider: await loadProvider(config.authType, { config, ...context }) }
  const authorize = async () => {
    throw new NotAuthorized(NO_PROVIDER)
  }
  return { provider: { name: 'none', authorize }, refusal: NO_PROVIDER }
}

function openEngine(config: Config, { engine, sqlFunctions }: DatastoreOptions, logger: Logger): Promise<Engine> {
  if (typeof engine === 'object') return Promise.resolve(engine)
  return loadEngine(config.datastoreEngine, { config, logger, sqlFunctions })
}

function openAnswers(config: Config, engine: Engine, { shared }: { shared?: SharedBytes }): KeptAnswers | undefined {
  if (config.queryCacheMb === 0) return undefined
  const scope = JSON.stringify([VERSION, engine.name, settingsOfReads(config)])
  return keepAnswers({
    maxBytes: config.queryCacheMb * 1_000_000,
    ...(config.queryCacheStore === 'redis' &&
      shared && { shared: { bytes: shared, ttlSeconds: config.queryCacheTtl, scope } }),
  })
}

function openDumpFiles(
  { dumpCacheMb }: Config,
  { dumpFiles }: DatastoreOptions,
  { scratch }: Engine,
): DumpFiles | undefined {
  if (!dumpFiles || scratch === undefined || dumpCacheMb === 0) return undefined
  return dumpFiles({ folder: scratch, bytesMax: dumpCacheMb * 1_000_000 })
}

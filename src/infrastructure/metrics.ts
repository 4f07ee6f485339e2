import { ConfigurationError } from '../core/errors.ts'
import type { EngineActivity } from './engines/engine.ts'

/** How a request ended, in bounded words: nothing here may be a name that a user has given. */
export interface CountedRequest {
  /** The operation's name; `none` for an address with nothing at it. */
  action: string
  method: string
  status: number
  seconds: number
  bytes: number
  rows?: number
  cut?: 'aborted' | 'failed'
}

export type CacheName = 'answers' | 'permissions'

/** What `/metrics` counts. */
export interface Metrics {
  request(request: CountedRequest): void
  cache(name: CacheName, found: boolean): void
  /** All of it, in the text format of Prometheus. */
  text(): Promise<{ contentType: string; body: string }>
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS'])
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/**
 * Counters of one datastore, and of the process that it runs in.
 *
 * @param activity - How busy the engine is, once it is there.
 * @throws ConfigurationError when prom-client can't be loaded here.
 */
export async function createMetrics(activity: () => EngineActivity | undefined): Promise<Metrics> {
  const { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } = await loadClient()
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name: `ckan_datastore_${name}`, help, labelNames, registers })
  const gauge = (name: string, help: string, label: string, read: () => Readonly<Record<string, number>> | undefined) =>
    new Gauge({
      name: `ckan_datastore_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [value, count] of Object.entries(read() ?? {})) this.set({ [label]: value }, count)
      },
    })

  const requests = counter('requests_total', 'Requests that were answered.', ['action', 'method', 'status'])
  const seconds = new Histogram({
    name: 'ckan_datastore_request_duration_seconds',
    help: 'From the arrival of a request to the last byte of its answer.',
    labelNames: ['action'],
    buckets: SECONDS,
    registers,
  })
  const bytes = counter('response_bytes_total', 'Bytes of bodies that were sent.', ['action'])
  const rows = counter('rows_total', 'Records that were answered.', ['action'])
  const cut = counter('cut_answers_total', 'Answers that did not go out whole: hung up, or failed.', ['action', 'cut'])
  const caches = counter('cache_requests_total', 'Look-ups in a cache.', ['cache', 'outcome'])
  gauge('engine_running', 'Calls that run in the engine now, by kind.', 'kind', () => activity()?.running)
  gauge('engine_waiting', 'Calls that wait for the engine now, by kind.', 'kind', () => activity()?.waiting)
  gauge('engine_connections', "The engine's connections, by state.", 'state', () => activity()?.connections)

  return {
    request({ action, method, status, ...done }) {
      requests.inc({ action, method: METHODS.has(method) ? method : 'other', status: String(status) })
      seconds.observe({ action }, done.seconds)
      bytes.inc({ action }, done.bytes)
      if (done.rows !== undefined) rows.inc({ action }, done.rows)
      if (done.cut) cut.inc({ action, cut: done.cut })
    },
    cache: (name, found) => caches.inc({ cache: name, outcome: found ? 'hit' : 'miss' }),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

function loadClient(): Promise<typeof import('prom-client')> {
  return import('prom-client').then(
    // It is of CommonJS: some runtimes see its names on the default export alone.
    (module) => ('Registry' in module ? module : (module as { default: typeof import('prom-client') }).default),
    (cause) => {
      throw new ConfigurationError([`METRICS_ENABLED needs the package prom-client: ${(cause as Error).message}`])
    },
  )
}

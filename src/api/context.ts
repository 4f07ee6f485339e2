import type { AuthProvider, Decision, Identity } from '../auth/provider.ts'
import type { Config } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Engine } from '../infrastructure/engines/engine.ts'
import type { KeptAnswers } from '../infrastructure/kept-answers.ts'
import type { Metrics } from '../infrastructure/metrics.ts'
import type { RateLimits } from '../infrastructure/rate-limits.ts'
import type { DumpFiles } from '../services/dump-files.ts'
import type { Upload } from '../services/load/index.ts'
import type { Compressors } from './compress.ts'
import type { Observer } from './observers.ts'
import type { Operation } from './operation.ts'
import { siteUrl } from './site-url.ts'

/** What one datastore is made of, wired once. */
export interface Service {
  readonly config: Config
  readonly engine: Engine
  readonly provider: AuthProvider
  readonly logger: Logger
  /** Answers and results of statements that can be given again; absent when that is turned off. */
  readonly answers?: KeptAnswers
  /** Where downloads of whole tables are kept; absent when that is turned off. */
  readonly dumpFiles?: DumpFiles
  /** What answers are compressed with; what every runtime has unless said. */
  readonly compressors?: Compressors
  /** Who is told of every request: the log among them. */
  readonly observers: readonly Observer[]
  /** What `/metrics` tells; absent when that is turned off. */
  readonly metrics?: Metrics
  /** Counts what callers may take; absent without limits. */
  readonly rateLimits?: RateLimits
  /** Host names that are served while there is no authorization; `ALLOWED_HOSTS` and its default otherwise. */
  readonly allowedHosts?: readonly string[]
  /** Why every operation on data is refused, if it is. */
  readonly refusal?: string
}

/** What whoever carries a request knows about it beyond the request itself. */
export interface Caller {
  /** A caller whom the embedding host already knows. */
  identity?: Identity
  /** The address that the request came from, for `TRUST_PROXY`. */
  address?: string
  /** The version of HTTP that the request came in, as `1.1`. */
  httpVersion?: string
  /**
   * Called when an answer that has begun can't be finished: must break the connection so that no client takes what it
   * got for whole. Without it the response's stream errors.
   */
  broken?: () => void
}

/** One request on its way through. */
export interface Context {
  readonly service: Service
  readonly request: Request
  readonly url: URL
  readonly caller: Caller
  readonly requestId: string
  /** When it came, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** Absolute URL that all routes hang under, without a slash at its end. */
  readonly site: string
  /** The operation that it turned out to ask for. */
  operation?: Operation
  /** The file that it carries, for an operation that takes one. */
  upload?: Upload
  /** The resource that it is about, for the log. */
  resource?: string
  /** Its checked parameters. */
  params?: Readonly<Record<string, unknown>>
  /** What its caller was allowed, in the order of asking. */
  readonly decisions: (Decision & { resourceId?: string })[]
  /** What its time went into, in milliseconds of `performance.now()`. */
  readonly steps: { name: string; start: number; end: number }[]
  /** Headers of the answer, whatever it will be. */
  readonly headers: Record<string, string>
  /** The name of a JSONP callback. Whoever sends one is anonymous (contract §1.3). */
  callback?: string
  /** What is to be let go of once the operation is done. */
  readonly finally: (() => void)[]
}

/** Notes how long a part of a request takes. */
export async function timed<T>({ steps }: Context, name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  try {
    return await work()
  } finally {
    steps.push({ name, start, end: performance.now() })
  }
}

/** A request id that is safe to log and to send back. */
const SANE_ID = /^[A-Za-z0-9._:+/=@-]{1,128}$/

/** Opens a request: who asks, under which id, and where absolute URLs begin. */
export function openContext(service: Service, request: Request, caller: Caller): Context {
  const url = new URL(request.url)
  const sentId = request.headers.get('x-request-id')
  return {
    service,
    request,
    url,
    caller,
    requestId: sentId !== null && SANE_ID.test(sentId) ? sentId : crypto.randomUUID(),
    startedAt: performance.now(),
    site: siteUrl(service.config, url, request.headers, caller.address),
    callback: url.searchParams.get('callback') ?? undefined,
    decisions: [],
    steps: [],
    headers: {},
    finally: [],
  }
}

import { ConfigurationError } from '../core/errors.ts'

/** One thing that took time. Times are milliseconds since 1970. */
export interface Span {
  name: string
  startMs: number
  endMs: number
}

/** A request as a trace has it. */
export interface TracedRequest extends Span {
  /** The request's headers, whose `traceparent` says which trace it belongs to. */
  headers: Headers
  attributes: Readonly<Record<string, string | number | undefined>>
  failed: boolean
  steps: readonly Span[]
}

export interface Traces {
  request(request: TracedRequest): void
  /** Sends what is still here. */
  close(): Promise<void>
}

const PACKAGES =
  '@opentelemetry/api @opentelemetry/core @opentelemetry/resources @opentelemetry/sdk-trace-base @opentelemetry/exporter-trace-otlp-http'
const CLOSE_MS = 2000

/**
 * Traces by OpenTelemetry, sent in batches as OTLP over HTTP.
 *
 * @param endpoint - A collector's base address; `/v1/traces` is added.
 * @throws ConfigurationError when its packages are not installed.
 */
export async function createTraces(endpoint: string): Promise<Traces> {
  const { api, core, resources, exporter, sdk } = await load().catch((cause) => {
    throw new ConfigurationError([
      `OTEL_EXPORTER_OTLP_ENDPOINT needs OpenTelemetry's packages: npm install ${PACKAGES} (${cause.message})`,
    ])
  })
  const processor = new sdk.BatchSpanProcessor(
    new exporter.OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
  )
  const provider = new sdk.BasicTracerProvider({
    resource: resources.defaultResource().merge(resources.resourceFromAttributes({ 'service.name': 'ckan-datastore' })),
    spanProcessors: [processor],
  })
  const tracer = provider.getTracer('ckan-datastore')
  const propagator = new core.W3CTraceContextPropagator()
  const getter = {
    get: (headers: Headers, key: string) => headers.get(key) ?? undefined,
    keys: (headers: Headers) => [...headers.keys()],
  }
  return {
    request({ name, startMs, endMs, headers, attributes, failed, steps }) {
      const parent = propagator.extract(api.ROOT_CONTEXT, headers, getter)
      const root = tracer.startSpan(name, { kind: api.SpanKind.SERVER, startTime: startMs, attributes }, parent)
      const inside = api.trace.setSpan(parent, root)
      for (const step of steps) tracer.startSpan(step.name, { startTime: step.startMs }, inside).end(step.endMs)
      if (failed) root.setStatus({ code: api.SpanStatusCode.ERROR })
      root.end(endMs)
    },
    async close() {
      const patience = new Promise<void>((resolve) => {
        setTimeout(resolve, CLOSE_MS)
      })
      await Promise.race([provider.shutdown().catch(() => {}), patience])
    },
  }
}

async function load() {
  const [api, core, resources, sdk, exporter] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ])
  return { api, core, resources, sdk, exporter }
}

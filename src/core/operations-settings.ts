import { flag, httpAddress, optional, text, whole, word } from './setting.ts'

/** Settings for those who run a server: what it tells about itself, and how much of it one caller may take. */
export const operationsSettings = {
  metricsEnabled: flag({
    env: 'METRICS_ENABLED',
    group: 'operations',
    description: 'Serve `/metrics` in the format of Prometheus: counts and times by action, never a name of a table.',
    default: false,
  }),
  otelEndpoint: optional(
    text({
      env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      group: 'operations',
      description:
        "Where traces go: a collector that takes OTLP over HTTP. OpenTelemetry's own variables say the rest, such as `OTEL_EXPORTER_OTLP_HEADERS`.",
      ...httpAddress,
      unset: 'no traces',
      example: 'http://localhost:4318',
    }),
  ),
  rateLimitRequests: optional(
    whole({
      env: 'RATE_LIMIT_REQUESTS',
      group: 'operations',
      description:
        'Requests for data that one caller may make within `RATE_LIMIT_SECONDS`; further ones are answered 429. Counted by caller where the provider names one, else by address (an IPv6 network of 64 bits counts as one). Shared between processes in the Redis of `REDIS_URL`.',
      minimum: 1,
      maximum: 1_000_000_000,
      unset: 'no limit',
      example: '600',
    }),
  ),
  rateLimitAnonymousRequests: optional(
    whole({
      env: 'RATE_LIMIT_ANONYMOUS_REQUESTS',
      group: 'operations',
      description: 'The same for an address whose caller nobody knows.',
      minimum: 1,
      maximum: 1_000_000_000,
      unset: '`RATE_LIMIT_REQUESTS`',
      example: '120',
    }),
  ),
  rateLimitSeconds: whole({
    env: 'RATE_LIMIT_SECONDS',
    group: 'operations',
    description: 'The time in which these requests are counted.',
    minimum: 1,
    maximum: 86_400,
    default: 60,
  }),
  analyticsEnabled: flag({
    env: 'ANALYTICS_ENABLED',
    group: 'operations',
    description:
      'Write one JSON line per request for data: who did what with which resource, dataset and organization. No query, no value.',
    default: false,
  }),
  analyticsIp: word(['full', 'truncated', 'none'], {
    env: 'ANALYTICS_IP',
    group: 'operations',
    description: 'How addresses stand in these lines: `truncated` keeps the first 24 bits of IPv4, 48 of IPv6.',
    default: 'truncated',
  }),
  analyticsQueries: flag({
    env: 'ANALYTICS_QUERIES',
    group: 'operations',
    description: 'Write what was asked for, too: `q`, `filters`, `sort`, `sql` and the like.',
    default: false,
  }),
}

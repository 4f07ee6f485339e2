import type { Config } from '../core/config.ts'
import type { Logger } from '../core/log.ts'
import type { Metrics } from '../infrastructure/metrics.ts'
import type { Traces } from '../infrastructure/traces.ts'
import type { Context } from './context.ts'
import { logRequest, type Outcome } from './middleware/access-log.ts'
import { type UsageEvent, usageEvent } from './middleware/analytics.ts'
import { traceRequest } from './middleware/traces.ts'

/** Is told of every request once the last byte of its answer is out. */
export type Observer = (context: Context, outcome: Outcome) => void

/** Those who are told about the requests of one datastore, by its settings. */
export function createObservers(
  config: Config,
  parts: { logger: Logger; metrics?: Metrics; traces?: Traces; onUsage: (event: UsageEvent) => void },
): readonly Observer[] {
  const { metrics, traces, logger, onUsage } = parts
  const count: Observer = ({ operation, request, startedAt }, outcome) => {
    const seconds = (performance.now() - startedAt) / 1000
    metrics?.request({ action: operation?.name ?? 'none', method: request.method, seconds, ...outcome })
  }
  const tellUsage: Observer = (context, outcome) => {
    const event = usageEvent(context, outcome)
    if (event) onUsage(event)
  }
  const observers: Observer[] = [
    logRequest,
    ...(metrics ? [count] : []),
    ...(traces ? [(context: Context, outcome: Outcome) => traces.request(traceRequest(context, outcome))] : []),
    ...(config.analyticsEnabled ? [tellUsage] : []),
  ]
  return observers.map((observe) => (context, outcome) => {
    try {
      observe(context, outcome)
    } catch (error) {
      // Who watches must not break what is watched.
      logger.error('an observer failed', { requestId: context.requestId, error: String(error) })
    }
  })
}

/** Tells all of them. */
export function requestEnded(context: Context, outcome: Outcome): void {
  for (const observe of context.service.observers) observe(context, outcome)
}

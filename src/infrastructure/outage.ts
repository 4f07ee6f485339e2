import type { Logger, LogProperties } from '../core/log.ts'

/** Says that something this service leans on is gone, once for each reason, and once that it is back. */
export interface Outage {
  /** Logs at `error`, unless this outage has been reported in the same words. */
  begin(message: string, properties?: LogProperties): void
  /** Logs at `info` that it is over, if there was one. */
  end(message: string): void
}

export function reportOutage(logger: Pick<Logger, 'info' | 'error'>): Outage {
  const reported = new Set<string>()
  return {
    begin(message, properties) {
      const line = JSON.stringify([message, properties])
      if (!reported.has(line)) logger.error(message, properties)
      reported.add(line)
    },
    end(message) {
      if (reported.size > 0) logger.info(message)
      reported.clear()
    },
  }
}

import type { Logger, LogProperties } from '../core/log.ts'

/** Says once that something this service leans on is gone, and once that it is back. */
export interface Outage {
  /** Logs at `error`, unless this outage has been reported. */
  begin(message: string, properties?: LogProperties): void
  /** Logs at `info` that it is over, if there was one. */
  end(message: string): void
}

export function reportOutage(logger: Pick<Logger, 'info' | 'error'>): Outage {
  let reported = false
  return {
    begin(message, properties) {
      if (!reported) logger.error(message, properties)
      reported = true
    },
    end(message) {
      if (reported) logger.info(message)
      reported = false
    },
  }
}

import { compareLogLevel, getJsonLinesFormatter, type LogLevel, type Sink } from '@logtape/logtape'
import type { Config } from './config.ts'

export type { LogRecord, Sink } from '@logtape/logtape'

/** Facts of one event. Never a token and never a value of a record. */
export type LogProperties = Record<string, unknown>

/** What this service writes its log with. A LogTape logger fits as it is. */
export interface Logger {
  debug(message: string, properties?: LogProperties): void
  info(message: string, properties?: LogProperties): void
  warning(message: string, properties?: LogProperties): void
  error(message: string, properties?: LogProperties): void
  fatal(message: string, properties?: LogProperties): void
  /** A logger whose every record carries these properties too. */
  with(properties: LogProperties): Logger
}

const LEAST_LEVEL: Record<Config['logLevel'], LogLevel> = {
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warning',
  ERROR: 'error',
  CRITICAL: 'fatal',
}

const SECRET = /authorization|cookie|credential|password|secret|token|api[-_]?key/i

const toLine = getJsonLinesFormatter({ properties: 'flatten', lineEnding: 'lf' })

/** Writes one JSON line per record through `console.log`, which is standard output where there is one. */
export const consoleSink: Sink = (record) => console.log(toLine(record).trimEnd())

/**
 * A logger of one datastore. LogTape's own loggers share one configuration per process, so two datastores in it (or
 * a host that configures LogTape itself) would overrule each other: this one only borrows its records, levels,
 * formatter and sinks.
 *
 * @param sink - Where records go: any LogTape sink.
 */
export function createLogger(config: Pick<Config, 'logLevel'>, sink: Sink = consoleSink): Logger {
  const least = LEAST_LEVEL[config.logLevel]
  const withContext = (context: LogProperties): Logger => {
    const at = (level: LogLevel) => (message: string, properties?: LogProperties) => {
      if (compareLogLevel(level, least) < 0) return
      const facts = redact({ ...context, ...properties })
      const category = ['ckan-datastore']
      sink({ category, level, message: [message], rawMessage: message, timestamp: Date.now(), properties: facts })
    }
    return {
      debug: at('debug'),
      info: at('info'),
      warning: at('warning'),
      error: at('error'),
      fatal: at('fatal'),
      with: (properties) => withContext({ ...context, ...properties }),
    }
  }
  return withContext({})
}

/** The second lock on secrets, after not logging them. */
function redact(properties: LogProperties): LogProperties {
  for (const name of Object.keys(properties)) if (SECRET.test(name)) properties[name] = '[redacted]'
  return properties
}

import type { Answered, KeptResult, ServiceContext } from '../../services/answered.ts'
import type { Context } from '../context.ts'
import type { Answer } from '../operation.ts'

/** What a service needs of the request's surroundings. */
export function serviceContext({ service }: Context): ServiceContext {
  const { engine, config, dumpFiles, results, metrics } = service
  const counted = results && {
    get(key: string) {
      const known = results.get(key)
      metrics?.cache('answers', known !== undefined)
      return known
    },
    set: (key: string, result: KeptResult) => results.set(key, result),
  }
  return { engine, config, dumpFiles, results: counted }
}

/** Stops a service's work when the client hangs up. */
export function callOptions({ request }: Context) {
  return { signal: request.signal }
}

/** A service's answer, with what only this layer knows. */
export function toAnswer(answered: Answered, more: { result?: object; warnings?: readonly string[] } = {}): Answer {
  const { records, recordsAs = 'array', recordsKey = 'records', rows } = answered
  return {
    result: { ...answered.result, ...more.result },
    ...(records && { splice: { key: recordsKey, bytes: records, as: recordsAs } }),
    warnings: [...answered.warnings, ...(more.warnings ?? [])],
    rows,
  }
}

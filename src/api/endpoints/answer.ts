import type { Answered, ServiceContext } from '../../services/answered.ts'
import type { Context } from '../context.ts'
import type { Answer } from '../operation.ts'

/** What a service needs of the request's surroundings. */
export function serviceContext({ service }: Context): ServiceContext {
  const { engine, config, dumpFiles, answers, metrics } = service
  const results = answers && {
    async get<About>(key: string, isAbout: (about: unknown) => about is About) {
      const known = await answers.get(key, isAbout)
      metrics?.cache('answers', known !== undefined)
      return known
    },
    set: answers.set,
  }
  return { engine, config, dumpFiles, results }
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

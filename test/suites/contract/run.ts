import { fail } from 'node:assert/strict'
import { toRequest } from '../../fixtures/datastore.ts'
import { assertValidAnswer } from '../../fixtures/valid-answer.ts'
import type { Answer, Call, ContractCase, Expected, Settings } from './case.ts'
import { assertEqual, assertMatches, Exactly, exactly } from './match.ts'

export type Fetch = (request: Request) => Promise<Response>

/** Makes (or finds again) a datastore with these settings. Undefined: this place can't offer them. */
export type Open = (settings: Settings) => Promise<Fetch | undefined>

export type Outcome = 'holds' | { skipped: string }

let lastId = 0

/** Runs one case on a resource of its own. Throws what does not hold. */
export async function runCase(open: Open, contractCase: ContractCase): Promise<Outcome> {
  const { setup = [], call, then = [], env = {} } = contractCase
  const fetch = await open(env)
  if (!fetch) return { skipped: `settings can't be changed here: ${Object.keys(env).join(', ')}` }
  lastId += 1
  const id = `res-${process.pid}-${lastId}`
  for (const step of setup) {
    const answer = await ask(fetch, step, id)
    if (answer.status !== 200) fail(`setup ${JSON.stringify(step)} answered ${answer.status}: ${answer.text}`)
  }
  for (const [step, expected] of [[call, contractCase] as const, ...then]) {
    const answer = await ask(fetch, step, id)
    check(actionOf(step), answer, withId(expected, id))
  }
  return 'holds'
}

/** `§7.2` of `§7.2 alias in SQL`, `clients` of `clients ckanapi: create`. */
export function sectionOf({ name }: Pick<ContractCase, 'name'>): string {
  return /^(§[\d.]+|clients)/.exec(name)?.[0] ?? fail(`a case without a section: ${name}`)
}

async function ask(fetch: Fetch, call: Call, id: string): Promise<Answer> {
  const response = await fetch(requestOf(call, id))
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  const body = parse(text)
  const result = (body as { result?: unknown } | undefined)?.result
  return { status: response.status, headers: Object.fromEntries(response.headers), text, bytes, body, result }
}

function requestOf(call: Call, id: string): Request {
  if (typeof call === 'string') return toRequest(call.replaceAll('$id', id))
  if ('line' in call) {
    const body = typeof call.body === 'string' ? call.body.replaceAll('$id', id) : call.body
    return toRequest(call.line.replaceAll('$id', id), { headers: call.headers, ...(body !== undefined && { body }) })
  }
  const [action, params = {}, headers] = call
  const path = `/api/3/action/${actionName(action)}`
  const text = typeof params === 'string' ? params : JSON.stringify(named(action, params))
  return toRequest(`POST ${path} ${text.replaceAll('$id', id)}`, { headers })
}

function named(action: string, params: object): object {
  const isAboutTable = !['search_sql', 'help_show'].includes(action) && !/_(function|sequence)_/.test(action)
  const isNamed = ['resource_id', 'id', 'resource'].some((key) => key in params)
  return isAboutTable && !isNamed ? { resource_id: '$id', ...params } : params
}

function actionName(action: string): string {
  return action === 'help_show' || action.startsWith('datastore_') ? action : `datastore_${action}`
}

/** The action that a call is about; undefined for pages. */
function actionOf(call: Call): string | undefined {
  if (typeof call === 'object' && !('line' in call)) return actionName(call[0])
  return /\/action\/([a-z_]+)/.exec(typeof call === 'string' ? call : call.line)?.[1]
}

function check(action: string | undefined, answer: Answer, expected: Expected): void {
  const {
    status = expected.error === undefined ? 200 : 409,
    type,
    result,
    records,
    fields,
    error,
    body,
    text,
    headers,
    warning,
  } = expected
  if (answer.status !== status) fail(`status is ${answer.status}, not ${status}: ${answer.text.slice(0, 1000)}`)
  const isEnvelope = action !== undefined && answer.body !== undefined && /^(health|ready)$/.test(action) === false
  if (isEnvelope) assertValidAnswer(action, status, answer.body)
  const envelope = answer.body as { error?: Record<string, unknown>; warnings?: string[] }
  if (result !== undefined) assertMatches(answer.result, result, 'result')
  if (records !== undefined) assertEqual(answer.result?.records, records, 'records')
  if (fields !== undefined) assertEqual(answer.result?.fields, fields, 'fields')
  if (type !== undefined) assertEqual(envelope.error?.__type, type, 'error.__type')
  if (error !== undefined) assertMatches(envelope.error, error, 'error')
  if (body !== undefined) assertMatches(answer.body, body, 'body')
  if (text !== undefined) assertMatches(answer.text, text, 'text')
  if (headers !== undefined) assertMatches(answer.headers, headers, 'headers')
  if (warning === false) assertEqual(envelope.warnings, undefined, 'warnings')
  else if (warning) assertMatches(envelope.warnings?.join('\n'), warning, 'warnings')
  expected.check?.(answer)
}

/** An expectation with the case's own resource in the place of `$id`. */
function withId<T>(value: T, id: string): T {
  if (typeof value === 'string') return value.replaceAll('$id', id) as T
  if (value instanceof RegExp) return new RegExp(value.source.replaceAll('\\$id', id), value.flags) as T
  if (Array.isArray(value)) return value.map((item) => withId(item, id)) as T
  if (value instanceof Exactly) return exactly(withId(value.value, id)) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withId(item, id)])) as T
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

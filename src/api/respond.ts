import { stringifyJson } from '../core/json-number.ts'
import { concat } from '../services/stream/streams.ts'
import type { Context } from './context.ts'
import { escapeHtml } from './html.ts'
import { escapeJson } from './json-string.ts'
import type { Answer, Operation, Reply } from './operation.ts'

const JSON_TYPE = 'application/json;charset=utf-8'
const JSONP_TYPE = 'application/javascript;charset=utf-8'

const encoder = new TextEncoder()

/** Any value as a JSON answer. */
export function jsonReply(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return { status, headers: { ...headers, 'Content-Type': JSON_TYPE }, body: encoder.encode(stringifyJson(value)) }
}

/** Always versioned, whatever path the call came through (contract §1.6). */
export function helpUrl({ site, operation }: Context): string {
  return `${site}/api/3/action/help_show?name=${operation?.name ?? 'help_show'}`
}

/** The success envelope, with the records put in as the bytes that they are (contract §1.6, §1.7). */
export function success(context: Context, operation: Operation, answer: Answer): Reply {
  const [before, after] = frame(context, answer)
  const body = answer.splice
    ? concat([encoder.encode(before), splice(answer.splice), encoder.encode(after)])
    : encoder.encode(before + after)
  const reply: Reply = {
    status: 200,
    headers: { ...answer.headers, 'Content-Type': JSON_TYPE },
    body,
    rows: answer.rows,
  }
  return context.callback !== undefined && operation.kind === 'action' && context.request.method === 'GET'
    ? wrapInCallback(reply, context.callback)
    : reply
}

/** The envelope's text before and after the records; all of it is before when there are none. */
function frame(context: Context, { result, splice, warnings }: Answer): [string, string] {
  const help = JSON.stringify(helpUrl(context))
  const tail = warnings?.length ? `, "warnings": ${JSON.stringify(warnings)}}` : '}'
  const json = stringifyJson(result)
  if (!splice) return [`{"help": ${help}, "success": true, "result": ${json}${tail}`, '']
  const [open, close] = splice.as === 'array' ? ['[', ']'] : ['"', '"']
  const members = json === '{}' ? '{' : `${json.slice(0, -1)}, `
  return [`{"help": ${help}, "success": true, "result": ${members}"${splice.key}": ${open}`, `${close}}${tail}`]
}

function splice({ bytes, as }: NonNullable<Answer['splice']>) {
  return as === 'string' ? escapeJson(bytes) : bytes
}

function wrapInCallback(reply: Reply, callback: string): Reply {
  const body = concat([
    encoder.encode(`${escapeHtml(callback)}(`),
    reply.body ?? new Uint8Array(),
    encoder.encode(');'),
  ])
  return { ...reply, body, headers: { 'Content-Type': JSONP_TYPE } }
}

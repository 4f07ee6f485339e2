import type { Table } from '../infrastructure/engines/engine.ts'
import type { RawParams } from '../schemas/read-params.ts'
import type { Context } from './context.ts'
import type { Grants, Operation, Reply, Target } from './operation.ts'

/** An answer that stays true as long as its table's revision does. Whoever asks was authorized just now. */
export interface Memory {
  /** The reply, if it is known or if the client has it. */
  known?: Reply
  /** Marks a new reply with its version, keeps it if it is small enough, and answers what to send. */
  keep(reply: Reply): Reply
}

/** A reply that can be given again. */
export interface KeptReply extends Reply {
  body: Uint8Array
  size: number
}

const CACHED = { 'Cache-Control': 'private, no-cache', Vary: 'Authorization, Accept, Accept-Encoding' }

/** What is remembered of an operation that reads one table; undefined for any other. */
export function remember(
  context: Context,
  operation: Operation,
  granted: Grants[Target],
  raw: RawParams,
): Memory | undefined {
  const table = tableOf(granted)
  if (!operation.remembered || !table || context.callback !== undefined) return undefined
  const { answers } = context.service
  const key = keyOf(context, operation, table, raw)
  const etag = `"${table.revision.toString(36)}-${hash(key)}"`
  if (clientHas(context, etag)) return { known: notModified(etag), keep: (reply) => reply }
  const known = answers?.get(key)
  return {
    ...(known && { known }),
    keep(reply) {
      const marked = { ...reply, headers: { ...reply.headers, ...CACHED, ETag: etag } }
      if (reply.body instanceof Uint8Array) answers?.set(key, { ...marked, body: reply.body, size: reply.body.length })
      return marked
    },
  }
}

function tableOf(granted: Grants[Target]): Table | undefined {
  return granted && 'table' in granted ? granted.table : undefined
}

/** Everything that an answer depends on: the table's revision, what was asked, and where its links begin. */
function keyOf({ site, url }: Context, { name }: Operation, { id, revision }: Table, raw: RawParams): string {
  return JSON.stringify([name, id, revision, site, url.pathname, url.search, raw])
}

function clientHas({ request }: Context, etag: string): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  const held = request.headers.get('if-none-match')
  return held?.split(',').some((item) => item.trim().replace(/^W\//, '') === etag) ?? false
}

function notModified(etag: string): Reply {
  return { status: 304, headers: { ...CACHED, ETag: etag }, body: null }
}

/** 64 bits of FNV-1a in two halves: enough to tell the requests on one revision of one table apart. */
function hash(text: string): string {
  let a = 0x811c9dc5
  let b = 0x9dc5811c
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ (code >> 8) ^ (code << 5), 0x01000193)
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36)
}

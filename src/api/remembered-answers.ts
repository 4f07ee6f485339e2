import type { Table } from '../infrastructure/engines/engine.ts'
import type { RawParams } from '../schemas/read-params.ts'
import type { Context } from './context.ts'
import type { Grants, Operation, Reply, Target } from './operation.ts'
import { entityTag, notModified, REVALIDATED } from './versions.ts'

/** An answer that stays true as long as its table's revision does. Whoever asks was authorized just now. */
export interface Memory {
  /** The reply, if it is known or if the client has it. */
  known?: Reply
  /** Marks a new reply with its version, keeps it if it is small enough, and answers what to send. */
  keep(reply: Reply): Reply
}

type Answers = NonNullable<Context['service']['answers']>

/** A reply that can be given again. */
export interface KeptReply extends Omit<Reply, 'encoded'> {
  body: Uint8Array
  size: number
}

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
  const tag = entityTag(context, table, key)
  const held = notModified(context, tag)
  if (held) return { known: held, keep: (reply) => reply }
  const known = answers?.get(key)
  if (answers) context.service.metrics?.cache('answers', known !== undefined)
  return {
    ...(answers && known && { known: withEncoded(answers, key, known) }),
    keep(reply) {
      const marked = { ...reply, headers: { ...reply.headers, ...REVALIDATED, ETag: tag } }
      if (!answers || !(reply.body instanceof Uint8Array)) return marked
      const kept = { ...marked, body: reply.body, size: reply.body.length }
      answers.set(key, kept)
      return withEncoded(answers, key, kept)
    },
  }
}

/** The reply, with the place where its compressed forms are kept: entries of their own, made when somebody takes them. */
function withEncoded(answers: Answers, key: string, kept: KeptReply): Reply {
  const { size: _, ...reply } = kept
  return {
    ...reply,
    encoded: {
      known: (encoding) => answers.get(`${encoding} ${key}`)?.body,
      keep: (encoding, body) => answers.set(`${encoding} ${key}`, { ...kept, body, size: body.length }),
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

import { stateOf, type Table } from '../infrastructure/engines/engine.ts'
import type { KeptAnswers } from '../infrastructure/kept-answers.ts'
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

/** What is kept of a reply beside its body. */
type About = Pick<Reply, 'status' | 'headers' | 'rows'>

/** What is remembered of an operation that reads one table; undefined for any other. */
export async function remember(
  context: Context,
  operation: Operation,
  granted: Grants[Target],
  raw: RawParams,
): Promise<Memory | undefined> {
  const table = tableOf(granted)
  if (!operation.remembered || !table || context.callback !== undefined) return undefined
  const { answers, metrics } = context.service
  const key = keyOf(context, operation, table, raw)
  const tag = entityTag(context, table, key)
  const held = notModified(context, tag)
  if (held) return { known: held, keep: (reply) => reply }
  const marked = (reply: Reply) => ({ ...reply, headers: { ...reply.headers, ...REVALIDATED, ETag: tag } })
  if (!answers) return { keep: marked }
  const kept = await answers.get(key, isAbout)
  metrics?.cache('answers', kept !== undefined)
  return {
    ...(kept && { known: withEncoded(answers, key, marked({ ...kept.about, body: kept.bytes })) }),
    keep(reply) {
      const { status, headers, rows, body } = reply
      if (!(body instanceof Uint8Array)) return marked(reply)
      answers.set(key, { about: { status, headers, rows } satisfies About, bytes: body })
      return withEncoded(answers, key, marked(reply))
    },
  }
}

/** The reply, with the place where its compressed forms are kept: entries of their own, made when somebody takes them. */
function withEncoded({ forms }: KeptAnswers, key: string, reply: Reply): Reply {
  return {
    ...reply,
    encoded: {
      known: (encoding) => forms.get(`${encoding} ${key}`),
      keep: (encoding, body) => forms.set(`${encoding} ${key}`, body),
    },
  }
}

function isAbout(about: unknown): about is About {
  const { status, headers, rows } = (about ?? {}) as Partial<Record<keyof About, unknown>>
  if (status !== 200 || !['number', 'undefined'].includes(typeof rows)) return false
  try {
    new Headers(headers as Record<string, string>)
    return typeof headers === 'object' && headers !== null && !Array.isArray(headers)
  } catch {
    return false
  }
}

function tableOf(granted: Grants[Target]): Table | undefined {
  return granted && 'table' in granted ? granted.table : undefined
}

/** Everything that an answer depends on: the table as it stands, what was asked, and where its links begin. */
function keyOf({ site, url }: Context, { name }: Operation, table: Table, raw: RawParams): string {
  return JSON.stringify([name, ...stateOf(table), site, url.pathname, url.search, raw])
}

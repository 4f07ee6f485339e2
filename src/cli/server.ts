import { Failure, UsageError } from './failure.ts'

/** Options of every command that asks a server. */
export const serverArgs = {
  url: {
    type: 'string',
    description: 'Address of the server. DATASTORE_URL, or http://127.0.0.1:8000.',
    valueHint: 'URL',
  },
  token: { type: 'string', description: 'API token. DATASTORE_TOKEN.', valueHint: 'TOKEN' },
  json: { type: 'boolean', description: 'One JSON document on stdout, no progress.' },
} as const

export interface Server {
  url(path: string, params?: Record<string, string | undefined>): URL
  headers: Record<string, string>
}

/** Where to ask, and as whom. */
export function serverOf(args: { url?: string; token?: string }): Server {
  const base = args.url ?? process.env.DATASTORE_URL ?? 'http://127.0.0.1:8000'
  const token = args.token ?? process.env.DATASTORE_TOKEN
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol))
    throw new UsageError(`${base} is no http address.`)
  return {
    url(path, params = {}) {
      const url = new URL(base.replace(/\/+$/, '') + path)
      for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value)
      return url
    },
    headers: token ? { Authorization: token } : {},
  }
}

/** A server that does not answer. */
export class Unreachable extends Failure {}

/** A server that can't be reached, in a sentence. */
export function unreachable(url: URL, error: unknown): Unreachable {
  const cause = (error as { cause?: unknown }).cause ?? error
  const { code, message } = cause as { code?: string; message?: string }
  const reason = code === 'ECONNREFUSED' ? 'nothing listens there' : (message ?? code ?? 'no reason given')
  return new Unreachable(
    `No answer from ${url.origin}: ${reason}. Is the server running? --url or DATASTORE_URL tell where.`,
    { cause: error },
  )
}

/** An answer that is an error. */
export class Refusal extends Failure {
  readonly status: number

  constructor(status: number, message: string, detail: unknown) {
    super(`The server answered ${status}: ${message}`, { detail })
    this.status = status
  }
}

/** An answer that is an error, in the server's words. */
export function refusal(status: number, text: string): Refusal {
  const body = parse(text)
  const message =
    typeof body === 'string' ? body : (body as { error?: { message?: unknown } } | undefined)?.error?.message
  return new Refusal(status, typeof message === 'string' ? message : text.slice(0, 200), body)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

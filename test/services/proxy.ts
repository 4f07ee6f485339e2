import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
  request as send,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request to Google, as it passed. */
export interface Recorded {
  method: string
  /** With the query string. */
  path: string
  /** Who asks: `rw` or `ro` (credentials.ts); empty without a token. */
  account: string
  /** The body, where it is JSON. */
  body?: Record<string, unknown>
  /** Undefined as long as there is no answer, and when there was none. */
  status?: number
}

/** What to do with the next requests that match. */
export interface Fault {
  /** Against `METHOD /path`, a line end, and the body. */
  match: RegExp | ((request: Recorded) => boolean)
  /** Instead of asking the service: this answer, no answer and an open or cut connection; or cut after it was done. */
  how?: 'answer' | 'cut' | 'silent' | 'lost'
  status?: number
  /** Google's `errors[0].reason`, such as `rateLimitExceeded`. */
  reason?: string
  message?: string
  /** How often; 1 unless told. */
  times?: number
}

export interface Answer {
  status: number
  body: Record<string, unknown>
}

export interface ProxyOptions {
  /** The service behind, such as `http://127.0.0.1:1234`; asked for at each request. */
  target: () => string
  /** Paths whose bodies are streamed through, unread. */
  streams: RegExp
  /** May answer in the service's place, or change the body that it gets. */
  before?: (request: Recorded) => Promise<Answer | undefined>
  /** May change what a JSON answer says. */
  after?: (request: Recorded, answer: Answer) => void
}

export interface RecordingProxy {
  readonly url: string
  /** Every request since the start, or since it was emptied. */
  readonly requests: Recorded[]
  fail(fault: Fault): void
  /** Forgets the faults that did not come to pass. */
  heal(): void
  close(): Promise<void>
}

/** Stands in front of a service on a free port of 127.0.0.1: records what is asked, and fails as it is told. */
export async function startProxy(options: ProxyOptions): Promise<RecordingProxy> {
  const requests: Recorded[] = []
  const faults: Fault[] = []
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy())
  })

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = incoming
    const recorded: Recorded = { method, path, account: accountOf(incoming.headers.authorization) }
    requests.push(recorded)
    const streamed = options.streams.test(path)
    const given = streamed ? undefined : await bytesOf(incoming)
    if (given && given.length > 0) recorded.body = parsed(given)

    const fault = takeFault(faults, recorded)
    if (fault?.how === 'silent') return
    if (fault?.how === 'cut') return void outgoing.destroy()
    const answer =
      fault && fault.how !== 'lost' ? errorAnswer(fault) : streamed ? undefined : await options.before?.(recorded)
    if (answer) {
      incoming.resume()
      recorded.status = answer.status
      return reply(outgoing, answer)
    }

    const body = given && (recorded.body ? Buffer.from(JSON.stringify(recorded.body)) : given)
    const response = await forward(incoming, options.target(), body)
    recorded.status = response.statusCode ?? 0
    if (fault) {
      await bytesOf(response)
      return void outgoing.destroy()
    }
    const isJson = !streamed && /json/.test(response.headers['content-type'] ?? '')
    if (!isJson) {
      outgoing.writeHead(recorded.status, response.headers)
      response.pipe(outgoing)
      outgoing.once('close', () => response.destroy())
      return
    }
    const said = parsed(await bytesOf(response)) ?? {}
    options.after?.(recorded, { status: recorded.status, body: said })
    const { 'content-length': _length, 'transfer-encoding': _encoding, ...headers } = response.headers
    reply(outgoing, { status: recorded.status, body: said }, headers)
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fail: (fault) => void faults.push({ ...fault }),
    heal: () => void faults.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** An answer as Google words errors. */
export function errorAnswer({ status = 500, reason = 'backendError', message = reason }: Omit<Fault, 'match'>): Answer {
  const error = { code: status, message, errors: [{ message, domain: 'global', reason }], status: reason }
  return { status, body: { error } }
}

/** A service account says who it is in the token that it has signed. */
function accountOf(authorization = ''): string {
  const token = authorization.replace(/^Bearer /, '')
  const claims = token.split('.')[1]
  return claims ? (/(\w+)@/.exec(Buffer.from(claims, 'base64url').toString('utf8'))?.[1] ?? '') : token
}

function takeFault(faults: Fault[], request: Recorded): Fault | undefined {
  const text = `${request.method} ${request.path}\n${JSON.stringify(request.body) ?? ''}`
  const index = faults.findIndex(({ match }) => (match instanceof RegExp ? match.test(text) : match(request)))
  const fault = faults[index]
  if (!fault) return undefined
  fault.times = (fault.times ?? 1) - 1
  if (fault.times <= 0) faults.splice(index, 1)
  return fault
}

function forward(incoming: IncomingMessage, target: string, body: Buffer | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { ...incoming.headers }
    if (body) {
      delete headers['transfer-encoding']
      headers['content-length'] = String(body.length)
    }
    const outgoing = send(new URL(incoming.url ?? '/', target), { method: incoming.method, headers }, resolve)
    outgoing.once('error', reject)
    if (body) outgoing.end(body)
    else incoming.pipe(outgoing)
  })
}

function reply(outgoing: ServerResponse, { status, body }: Answer, headers: OutgoingHttpHeaders = {}): void {
  outgoing.writeHead(status, { ...headers, 'content-type': 'application/json; charset=UTF-8' })
  outgoing.end(status === 204 ? undefined : JSON.stringify(body))
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function parsed(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  } catch {
    return undefined
  }
}

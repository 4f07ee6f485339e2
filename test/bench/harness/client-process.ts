import { readFileSync } from 'node:fs'
import { type Answer, Connection } from './connection.ts'
import { answerTasks } from './worker.ts'

export interface Ask {
  method: 'GET' | 'POST'
  path: string
  body?: string
  /** A file that is sent as the body, or between `[before, file, after]`. */
  bodyFile?: string
  wrap?: [before: string, after: string]
  headers?: Record<string, string>
}

export interface Requests {
  url: string
  headers?: Record<string, string>
  asks: readonly Ask[]
}

/** The bytes of a request. */
function write({ url, headers }: Requests, ask: Ask): Uint8Array {
  const body = bodyOf(ask)
  const lines = {
    Host: new URL(url).host,
    ...headers,
    ...(body && { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }),
    ...ask.headers,
  }
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`)
  const path = `${new URL(url).pathname.replace(/\/$/, '')}${ask.path}`
  return Buffer.concat([Buffer.from(`${ask.method} ${path} HTTP/1.1\r\n${head.join('')}\r\n`), body ?? Buffer.alloc(0)])
}

function bodyOf({ body, bodyFile, wrap: [before, after] = ['', ''] }: Ask): Buffer | undefined {
  if (bodyFile === undefined) return body === undefined ? undefined : Buffer.from(body)
  return Buffer.concat([Buffer.from(before), readFileSync(bodyFile), Buffer.from(after)])
}

function checked(answer: Answer, ask: Ask): Answer {
  if (answer.status !== 200) throw new Error(`${ask.method} ${ask.path.slice(0, 200)} was answered ${answer.status}`)
  return answer
}

const tasks = {
  /** One request after the other on one connection. */
  async inTurn(requests: Requests): Promise<Answer[]> {
    const connection = await Connection.open(requests.url)
    const answers: Answer[] = []
    for (const ask of requests.asks) {
      const bytes = write(requests, ask)
      answers.push(checked(await connection.ask(bytes), ask))
    }
    connection.close()
    return answers
  },
  /** As many as come back in `seconds`, over several connections at once. */
  async atOnce({
    connections,
    seconds,
    ...requests
  }: Requests & { connections: number; seconds: number }): Promise<{ perSecond: number; errors: number }> {
    const bytes = requests.asks.map((ask) => write(requests, ask))
    const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(requests.url)))
    const start = performance.now()
    const end = start + seconds * 1000
    let next = 0
    let done = 0
    let errors = 0
    await Promise.all(
      open.map(async (connection) => {
        while (performance.now() < end) {
          const { status } = await connection.ask(bytes[next++ % bytes.length] as Uint8Array)
          if (status === 200) done += 1
          else errors += 1
        }
        connection.close()
      }),
    )
    return { perSecond: (done * 1000) / (performance.now() - start), errors }
  },
}

export type ClientTasks = typeof tasks

answerTasks(tasks)

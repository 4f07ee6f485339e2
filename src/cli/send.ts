import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { drained } from './drained.ts'
import { Failure } from './failure.ts'
import { refusal, unreachable } from './server.ts'

export interface Sent {
  url: URL
  headers: Record<string, string>
  stream: Readable
  size?: number
  onBytes(bytes: number): void
  onEvent(event: ServerEvent): void
}

/** A line of the server's answer to a load. */
export interface ServerEvent {
  event: string
  stage?: string
  status?: number
  result?: LoadedResult
  error?: { message?: unknown; bad_cells?: BadCell[] }
  warnings?: string[]
}

export interface LoadedResult {
  rows: number
  rejected: number
  total: number
  bytes: number
  seconds: number
  bad_cells?: BadCell[]
  rejected_url?: string
}

export interface BadCell {
  row: number
  line?: number
  column?: string
  sentence: string
}

/**
 * Sends a file and reads the events that come back, at the same time: `fetch` would wait with the one for the other.
 *
 * @returns The last event.
 */
export async function sendFile(sent: Sent): Promise<ServerEvent> {
  const { url, headers, stream, size, onBytes } = sent
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, {
    method: 'POST',
    headers: {
      ...headers,
      Accept: 'application/x-ndjson',
      ...(size !== undefined && { 'Content-Length': String(size) }),
    },
  })
  const answer = responseOf(request, url)
  const upload = pump(stream, request, onBytes)
  // A server that has refused the file stops reading it: its answer says more than the broken pipe.
  const response = await Promise.race([answer, upload.then(() => answer)])
  try {
    return await readEvents(response, sent)
  } finally {
    stream.destroy()
    request.destroy()
  }
}

function responseOf(request: ClientRequest, url: URL): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', (error) => setTimeout(() => reject(unreachable(url, error)), 50))
  })
}

async function pump(stream: Readable, request: ClientRequest, onBytes: (bytes: number) => void): Promise<void> {
  let broken = false
  request.once('close', () => {
    broken = true
  })
  request.on('error', () => {
    broken = true
  })
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      if (broken) return
      onBytes(chunk.length)
      if (!request.write(chunk)) await drained(request)
    }
  } catch (error) {
    if (broken || stream.destroyed) return
    request.destroy()
    throw new Failure(`The file can't be read to its end: ${(error as Error).message}`, { cause: error })
  }
  request.end()
}

async function readEvents(response: IncomingMessage, { onEvent }: Sent): Promise<ServerEvent> {
  if (!String(response.headers['content-type']).startsWith('application/x-ndjson')) {
    let text = ''
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk
    throw refusal(response.statusCode ?? 0, text)
  }
  let last: ServerEvent | undefined
  try {
    for await (const line of createInterface({ input: response })) {
      last = JSON.parse(line) as ServerEvent
      onEvent(last)
    }
  } catch (error) {
    throw new Failure(`The connection broke before the server said how the load ended: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (last?.event === 'done') return last
  if (last?.event === 'error') throw refusal(last.status ?? 0, JSON.stringify(last))
  throw new Failure('The connection broke before the server said how the load ended.')
}

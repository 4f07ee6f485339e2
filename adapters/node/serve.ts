import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { longestMs } from '../../src/api/pace.ts'
import type { Datastore, DatastoreOptions } from '../../src/app.ts'
import type { Config } from '../../src/core/config.ts'
import { lingerWhenDone } from './linger.ts'
import { GRACE_MS, hostname, listenProblem, openToServe, type Running, STALLED_MS } from './open.ts'

export type { Running }

/** Request line and headers together, in bytes: long enough for a GET with SQL. */
const MAX_HEADER_BYTES = 64 * 1024
const HEADERS_TIMEOUT_MS = 20_000

/**
 * Serves a datastore on `HOST:PORT`.
 *
 * @throws ConfigurationError, or what the engine throws when it can't start: the message is for people.
 */
export async function serve(options: DatastoreOptions = {}): Promise<Running> {
  const { config, datastore, service } = await openToServe(options)
  const server = createServer(limits(config), listener(datastore.fetch))
  server.timeout = config.queryTimeoutSeconds * 1000 + STALLED_MS
  try {
    await listen(server, config)
  } catch (error) {
    await datastore.close()
    throw error
  }
  return {
    url: urlOf(server.address() as AddressInfo),
    service,
    async close(graceMs = GRACE_MS) {
      await stop(server, graceMs)
      await datastore.close()
    },
  }
}

function limits({ maxRequestBodyMb, maxLoadMb }: Config) {
  return {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // For a load, the longest of all. The API ends other bodies sooner, and one that stalls after a minute: it knows which.
    requestTimeout: longestMs(Math.max(maxRequestBodyMb, maxLoadMb) * 1024 * 1024),
    connectionsCheckingInterval: 5_000,
  }
}

/** Carries requests to a datastore's `fetch`. */
export function listener(fetch: Datastore['fetch']) {
  return getRequestListener(
    async (request, bindings) => {
      const { incoming, outgoing } = bindings as { incoming: IncomingMessage; outgoing: ServerResponse }
      const response = await fetch(request, {
        address: incoming.socket.remoteAddress,
        httpVersion: incoming.httpVersion,
        broken: () => cut(incoming, outgoing),
      })
      // What is left of a refused body is not read to its end: the client must not send its next request behind it.
      if (hasBody(incoming) && !incoming.complete) {
        outgoing.shouldKeepAlive = false
        lingerWhenDone(incoming)
      }
      return response
    },
    { errorHandler: () => Response.json('Bad request: the address or the Host header is malformed', { status: 400 }) },
  )
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Breaks the connection by a reset, so that no client takes what it got for whole: one of HTTP/1.0 knows a whole
 * answer by nothing but an orderly end.
 */
function cut({ socket }: IncomingMessage, outgoing: ServerResponse): void {
  socket.resetAndDestroy()
  outgoing.destroy()
}

function listen(server: Server, config: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenProblem(error, config)))
    server.listen(config.port, hostname(config), resolve)
  })
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

function stop(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // Connections that were busy just now are kept alive by their clients.
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(deadline)
      resolve()
    })
    server.closeIdleConnections()
  })
}

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Service } from '../../src/api/context.ts'
import { longestMs } from '../../src/api/pace.ts'
import { type DatastoreOptions, environmentOf, openDatastore } from '../../src/app.ts'
import { type Config, readConfig } from '../../src/core/config.ts'
import { ConfigurationError } from '../../src/core/errors.ts'
import { compressors } from './compressors.ts'
import { createDumpFiles } from './dump-files.ts'

export interface Running {
  /** Where it listens. */
  url: string
  service: Service
  /** No new connections; running requests finish, but not for longer than `graceMs`; the engine is closed. */
  close(graceMs?: number): Promise<void>
}

/** Request line and headers together, in bytes: long enough for a GET with SQL. */
const MAX_HEADER_BYTES = 64 * 1024
const HEADERS_TIMEOUT_MS = 20_000
/** How long a connection may be without a byte in either direction, besides the longest query. */
const STALLED_MS = 240_000
const GRACE_MS = 10_000

/**
 * Serves a datastore on `HOST:PORT`.
 *
 * @throws ConfigurationError, or what the engine throws when it can't start: the message is for people.
 */
export async function serve(options: DatastoreOptions = {}): Promise<Running> {
  const env = environmentOf({ ...options, env: options.env ?? process.env })
  const { config, warnings } = readConfig(env, { embedded: typeof options.auth === 'object' })
  const sqlFunctions = options.sqlFunctions ?? (await readAllowFile(config))
  const { datastore, service } = await openDatastore(config, {
    compressors,
    dumpFiles: createDumpFiles,
    ...options,
    warnings,
    sqlFunctions,
  })
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
export function listener(fetch: Awaited<ReturnType<typeof openDatastore>>['datastore']['fetch']) {
  return getRequestListener(
    async (request, bindings) => {
      const { incoming, outgoing } = bindings as { incoming: IncomingMessage; outgoing: ServerResponse }
      const response = await fetch(request, {
        address: incoming.socket.remoteAddress,
        httpVersion: incoming.httpVersion,
        broken: () => cut(incoming, outgoing),
      })
      // What is left of a refused body is not read to its end: the client must not send its next request behind it.
      if (hasBody(incoming) && !incoming.complete) outgoing.shouldKeepAlive = false
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

async function readAllowFile({ sqlFunctionsAllowFile: path }: Config): Promise<string | undefined> {
  if (path === undefined) return undefined
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError([`SQL_FUNCTIONS_ALLOW_FILE=${path} can't be read (${error.code})`])
  })
}

const LISTEN_PROBLEMS: Readonly<Record<string, (config: Config) => string>> = {
  EADDRINUSE: ({ port }) => `Port ${port} is in use by another program: stop it, or set PORT to another one`,
  EACCES: ({ port }) => `Port ${port} may not be opened by this user: set PORT to one above 1023`,
  EADDRNOTAVAIL: ({ host }) => `HOST=${host} is no address of this machine`,
  ENOTFOUND: ({ host }) => `HOST=${host} is no address of this machine`,
}

function listen(server: Server, config: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const sentence = LISTEN_PROBLEMS[error.code ?? '']?.(config)
      reject(sentence === undefined ? error : new ConfigurationError([sentence]))
    })
    server.listen(config.port, config.host.replace(/^\[|\]$/g, ''), resolve)
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

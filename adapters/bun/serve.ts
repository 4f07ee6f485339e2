import type { Datastore, DatastoreOptions } from '../../src/app.ts'
import type { Config } from '../../src/core/config.ts'
import { ConfigurationError } from '../../src/core/errors.ts'
import { GRACE_MS, hostname, listenProblem, openToServe, type Running, STALLED_MS } from '../node/open.ts'
import { answerLast } from './linger.ts'

export type { Running }

/** The most that Bun takes for `idleTimeout`, in seconds. */
const LONGEST_IDLE_SECONDS = 255

/** What of Bun is used here. */
interface BunServer {
  readonly url: URL
  requestIP(request: Request): { address: string } | null
  /** Seconds; 0 sets no limit. */
  timeout(request: Request, seconds: number): void
  stop(closeActiveConnections?: boolean): Promise<void>
}
interface BunRuntime {
  serve(options: {
    hostname: string
    port: number
    idleTimeout: number
    maxRequestBodySize: number
    fetch(request: Request, server: BunServer): Promise<Response>
  }): BunServer
}

/**
 * Serves a datastore on `HOST:PORT` by Bun's own server. Answers that can't be finished end in a reset, as Bun ends
 * every response whose stream fails.
 *
 * @throws ConfigurationError, or what the engine throws when it can't start: the message is for people.
 */
export async function serve(options: DatastoreOptions = {}): Promise<Running> {
  const { Bun } = globalThis as { Bun?: BunRuntime }
  if (!Bun) throw new ConfigurationError(['ckan-datastore/bun runs on Bun alone: use ckan-datastore/node here'])
  const { config, datastore, service } = await openToServe(options)
  try {
    const server = listen(Bun, config, datastore)
    return {
      url: server.url.origin,
      service,
      async close(graceMs = GRACE_MS) {
        await stop(server, graceMs)
        await datastore.close()
      },
    }
  } catch (error) {
    await datastore.close()
    throw error
  }
}

function listen(bun: BunRuntime, config: Config, { fetch }: Datastore): BunServer {
  const idleSeconds = config.queryTimeoutSeconds + STALLED_MS / 1000
  const mayOutlast = config.queryTimeoutSeconds >= LONGEST_IDLE_SECONDS
  try {
    return bun.serve({
      hostname: hostname(config),
      port: config.port,
      idleTimeout: Math.min(Math.ceil(idleSeconds), LONGEST_IDLE_SECONDS),
      // The API ends bodies that are too large: it knows what each operation takes.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch(request, server) {
        if (mayOutlast) server.timeout(request, 0)
        const address = server.requestIP(request)?.address
        return answerLast(request, (given) => fetch(given, { address }))
      },
    })
  } catch (error) {
    throw listenProblem(error as NodeJS.ErrnoException, config)
  }
}

async function stop(server: BunServer, graceMs: number): Promise<void> {
  const deadline = setTimeout(() => server.stop(true), graceMs)
  await server.stop()
  clearTimeout(deadline)
}

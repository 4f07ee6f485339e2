import { readFile } from 'node:fs/promises'
import type { Service } from '../../src/api/context.ts'
import { type Datastore, type DatastoreOptions, environmentOf, openDatastore } from '../../src/app.ts'
import { listenForCommands } from '../../src/cli/local/control.ts'
import { tasksOf } from '../../src/cli/local/tasks.ts'
import { type Config, readConfig } from '../../src/core/config.ts'
import { ConfigurationError } from '../../src/core/errors.ts'
import { localParts } from '../../src/infrastructure/engines/registry.ts'
import { compressors } from './compressors.ts'
import { createDumpFiles } from './dump-files.ts'

/** A datastore that listens. */
export interface Running {
  /** Where it listens. */
  url: string
  service: Service
  /** No new connections; running requests finish, but not for longer than `graceMs`; the engine is closed. */
  close(graceMs?: number): Promise<void>
}

/** How long a connection may be without a byte in either direction, besides the longest query. */
export const STALLED_MS = 240_000
/** How long `close` waits for running requests unless told otherwise. */
export const GRACE_MS = 10_000

/**
 * Opens a datastore for a server that listens on `HOST:PORT`, with the files and compressors of Node's modules, which
 * Bun has too.
 *
 * @throws ConfigurationError, or what the engine throws when it can't start: the message is for people.
 */
export async function openToServe(
  options: DatastoreOptions,
): Promise<{ config: Config; datastore: Datastore; service: Service }> {
  const env = environmentOf({ ...options, env: options.env ?? process.env })
  const { config, warnings } = readConfig(env, { embedded: typeof options.auth === 'object' })
  const sqlFunctions = options.sqlFunctions ?? (await readAllowFile(config))
  const opened = { compressors, dumpFiles: createDumpFiles, ...options, warnings, sqlFunctions }
  const { datastore, service } = await openDatastore(config, opened)
  const stopListening = typeof options.engine === 'object' ? undefined : await takeCommands(config, service)
  const close = async () => {
    await stopListening?.()
    await datastore.close()
  }
  return { config, service, datastore: { ...datastore, close } }
}

/** Lets the commands of the machine's owner reach a server that has the data open. */
async function takeCommands(config: Config, { engine, logger }: Service): Promise<(() => Promise<void>) | undefined> {
  const folder = (await localParts(config)).controlFolder?.(config)
  if (folder === undefined) return undefined
  const listening = await listenForCommands(folder, tasksOf(engine, config)).catch(() => undefined)
  if (!listening) logger.info('backup, check and purge need the server stopped: no socket can be made', { folder })
  return listening
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

/** Why a server can't listen, in a sentence where it is the settings' fault. */
export function listenProblem(error: NodeJS.ErrnoException, config: Config): Error {
  const sentence = LISTEN_PROBLEMS[error.code ?? '']?.(config)
  return sentence === undefined ? error : new ConfigurationError([sentence])
}

/** `HOST` as a socket takes it: an IPv6 address without brackets. */
export const hostname = ({ host }: Config): string => host.replace(/^\[|\]$/g, '')

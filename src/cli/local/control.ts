import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BackupFile, CheckReport, MaintenanceReport } from '../../infrastructure/engines/engine.ts'
import type { PurgeReport } from '../../services/purge.ts'
import { Failure } from '../failure.ts'
import { isTold, type Tasks } from './tasks.ts'

/** Linux takes 107 bytes for the path of a socket, others a few less. */
const LONGEST_PATH = 100

const socketIn = (folder: string) => join(folder, 'control.sock')

/**
 * Takes the commands of the machine's owner for a server that runs, as the data has but one owner at a time: on a
 * socket in the data folder, which nobody else may enter. No token is needed: who can open it could read the data
 * itself.
 *
 * @returns Closes it. Undefined where the folder's path is too long for a socket.
 */
export async function listenForCommands(folder: string, tasks: Tasks): Promise<(() => Promise<void>) | undefined> {
  const path = socketIn(folder)
  if (Buffer.byteLength(path) > LONGEST_PATH) return undefined
  await rm(path, { force: true })
  const server = createServer((incoming, outgoing) => {
    answer(tasks, incoming, outgoing).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  server.unref()
  return () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
}

async function answer(tasks: Tasks, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://control')
  const token = incoming.headers.authorization
  const options = { dryRun: searchParams.has('dry_run'), force: searchParams.has('force'), token }
  try {
    if (pathname === '/backup') return await sendFile(outgoing, await tasks.backup())
    if (pathname === '/check') return sendJson(outgoing, 200, await tasks.check())
    if (pathname === '/maintain')
      return sendJson(outgoing, 200, await tasks.maintain({ forget: searchParams.has('forget') }))
    if (pathname === '/purge') return sendJson(outgoing, 200, await tasks.purge(options))
    sendJson(outgoing, 404, { message: 'The server that runs here does not know this command.' })
  } catch (error) {
    if (outgoing.headersSent) throw error
    sendJson(outgoing, 500, { message: isTold(error) ? error.message : `It failed: ${String(error)}` })
  }
}

async function sendFile(outgoing: ServerResponse, { stream, length }: BackupFile): Promise<void> {
  outgoing.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': length })
  await pipeline(Readable.fromWeb(stream as import('node:stream/web').ReadableStream), outgoing)
}

function sendJson(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}

/** The tasks of the server that has this folder open; undefined when none runs. */
export async function runningTasks(folder: string): Promise<Tasks | undefined> {
  const socketPath = socketIn(folder)
  const isThere = await ask(socketPath, '/').then(
    (incoming) => {
      incoming.resume()
      return true
    },
    () => false,
  )
  if (!isThere) return undefined
  const json = async <T>(path: string, token?: string) =>
    JSON.parse(await textOf(await ask(socketPath, path, token))) as T
  return {
    async backup() {
      const incoming = await ask(socketPath, '/backup')
      const stream = Readable.toWeb(incoming) as ReadableStream<Uint8Array>
      return { stream, length: Number(incoming.headers['content-length']) }
    },
    check: () => json<CheckReport>('/check'),
    maintain: ({ forget }) => json<MaintenanceReport>(`/maintain${forget ? '?forget' : ''}`),
    purge({ dryRun, force, token }) {
      const flags = [...(dryRun ? ['dry_run'] : []), ...(force ? ['force'] : [])]
      return json<PurgeReport>(`/purge?${flags.join('&')}`, token)
    },
  }
}

/** @throws Failure in the server's words. */
function ask(socketPath: string, path: string, token?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath, path, method: 'POST', headers: token ? { Authorization: token } : {} },
      async (incoming) => {
        if (incoming.statusCode === 200 || path === '/') return resolve(incoming)
        const text = await textOf(incoming).catch(() => '')
        reject(new Failure(text ? (JSON.parse(text) as { message: string }).message : 'The server broke off.'))
      },
    )
    outgoing.once('error', reject)
    outgoing.end()
  })
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) text += chunk
  return text
}

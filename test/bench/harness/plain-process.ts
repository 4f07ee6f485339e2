import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { answerTasks } from './worker.ts'

/** What nothing but Node can do: the same bytes for every request. */
const listeners: Readonly<Record<'bare' | 'bridge', (body: Buffer) => RequestListener>> = {
  bare: (body) => (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length })
    response.end(body)
  },
  bridge: (body) =>
    getRequestListener(
      () =>
        new Response(body as unknown as BodyInit, {
          headers: { 'Content-Type': 'application/json', 'Content-Length': String(body.length) },
        }),
    ),
}

const tasks = {
  /** Starts a server whose answers have this many bytes; answers its address. */
  async listen({ kind, bytes }: { kind: keyof typeof listeners; bytes: number }): Promise<string> {
    const server: Server = createServer(listeners[kind](Buffer.alloc(bytes, 'x'))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
}

export type PlainTasks = typeof tasks

answerTasks(tasks)

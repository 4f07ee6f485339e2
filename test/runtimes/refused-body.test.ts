import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Host, hosts, type RunningHost, reasonWithout, start } from './hosts.ts'

const PIECE = 'a\n'.repeat(0x80000)
const PIECES = 32

/** Sends a request and a large body, and only then reads the answer, as Python's clients do. */
async function sendFirst(base: string, line: string): Promise<string> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname).on('error', () => {})
  const write = (text: string) =>
    new Promise<void>((resolve, reject) => socket.write(text, (error) => (error ? reject(error) : resolve())))
  try {
    await write(
      `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${PIECE.length * PIECES}\r\nConnection: close\r\n\r\n`,
    )
    for (let sent = 0; sent < PIECES; sent += 1) await write(PIECE)
    let answer = ''
    for await (const chunk of socket.setEncoding('utf8')) answer += chunk
    return answer
  } finally {
    socket.destroy()
  }
}

for (const name of ['Node', 'Bun']) {
  const host = hosts[name] as Host
  const reason = reasonWithout(host)
  describe.skipIf(reason !== undefined)(`a body that ${name} refuses early${reason ? ` (${reason})` : ''}`, () => {
    let folder: string
    let running: RunningHost
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'refused-'))
      const limits = { MAX_REQUEST_BODY_MB: '1', MAX_LOAD_MB: '1' }
      running = await start(host, { AUTH_TYPE: 'anonymous', DUCKDB_PATH: folder, ...limits })
    })
    afterAll(async () => {
      await running?.close()
      await rm(folder, { recursive: true, force: true })
    })

    const cases: [what: string, line: string, status: number][] = [
      ['a body over the limit', 'POST /api/3/action/datastore_upsert', 413],
      ['a file over the limit', 'POST /datastore/load/x?format=csv', 413],
      ['a file of no format', 'POST /datastore/load/x?format=nothing', 409],
      ['no action', 'POST /api/3/action/nothing', 400],
    ]
    for (const [what, line, status] of cases) {
      test(`${what}: the client hears why, though it sends everything before it reads`, async () => {
        expect(await sendFirst(running.base, line)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      })
    }
  })
}

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import { gaps } from '../docs/documents-gaps.ts'
import { type DocumentServer, startDocumentServer } from '../fixtures/document-server.ts'
import { freePort } from '../fixtures/free-port.ts'
import { root } from '../suites/source-tree.ts'
import { isBuildStale } from './hosts.ts'
import { describeHttp } from './http-suite.ts'

const build = `workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`
const program = join(root, 'test/runtimes/binaries/node_modules/@cloudflare', build, 'bin/workerd')

function reasonWithoutWorkerd(): string | undefined {
  if (process.env.REQUIRE_SERVICES === '1') return undefined
  if (!existsSync(program)) return 'not installed: npm install --ignore-scripts --prefix test/runtimes/binaries'
  return isBuildStale() ? 'dist/ is older than the source: npm run build' : undefined
}

const reason = reasonWithoutWorkerd()

describe.skipIf(reason !== undefined)(`the worker example, in workerd${reason ? ` (${reason})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'worker-'))
  let tables: DocumentServer
  let url: string
  let close: () => Promise<void>

  beforeAll(async () => {
    tables = await startDocumentServer()
    cpSync(join(root, 'examples/worker/config.capnp'), join(folder, 'config.capnp'))
    execFileSync(process.execPath, [join(root, 'examples/worker/build.js'), join(folder, 'worker.built.js')])
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const args = ['serve', 'config.capnp', '--socket-addr', `http=127.0.0.1:${port}`]
    const child = spawn(program, args, { cwd: folder, env: { TABLES_URL: tables.url, TABLES_TOKEN: '' } })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
    close = async () => {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      if (child.exitCode === null) await ended
    }
    const deadline = Date.now() + 30_000
    const isUp = () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    while (!(await isUp())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`workerd did not start: ${output}`)
      await sleep(50)
    }
  }, 60_000)
  afterAll(async () => {
    await close?.()
    await tables?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  describeHttp(() => url, undefined, { gaps, loads: false })
})

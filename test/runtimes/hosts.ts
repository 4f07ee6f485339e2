import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { program } from '../fixtures/program.ts'
import { root } from '../suites/source-tree.ts'

/** A program that carries requests to a datastore, and what it is run by. */
export interface Host {
  command: readonly string[]
  /** It imports the package by its name, and so what was built. */
  usesBuild?: boolean
  /** False where the framework compresses by itself. */
  compresses?: boolean
}

const binaries = join(root, 'test/runtimes/binaries/node_modules')
const bun = join(binaries, `@oven/bun-${process.platform}-${process.arch}/bin/bun`)
// Not the script that starts it: what ends that one leaves Deno behind.
const deno = join(binaries, `@deno/${process.platform}-${process.arch}-glibc/deno`)
const main = join(root, 'adapters/node/main.ts')
const example = (name: string) => join(root, 'examples', name)

/** Every place that the HTTP suite runs in, besides this process. */
export const hosts: Readonly<Record<string, Host>> = {
  Node: { command: [...program, 'serve'] },
  Bun: { command: [bun, main, 'serve'] },
  'the Bun example': { command: [bun, example('bun.js')], usesBuild: true },
  'the Deno example': {
    command: [deno, 'run', '--no-lock', '--node-modules-dir=manual', '--allow-all', example('deno.js')],
    usesBuild: true,
  },
  'the Hono example': { command: [process.execPath, example('hono.js')], usesBuild: true },
  'the Express example': { command: [process.execPath, example('express.js')], usesBuild: true },
  'the Fastify example': { command: [process.execPath, example('fastify.js')], usesBuild: true },
  'the Next.js example': {
    command: [process.execPath, join(root, 'test/runtimes/next-host.mjs')],
    usesBuild: true,
    compresses: false,
  },
}

/** Why a host can't run here; undefined when it can, or has to. */
export function reasonWithout({ command, usesBuild }: Host): string | undefined {
  const [program = ''] = command
  if (process.env.REQUIRE_SERVICES === '1') return undefined
  if (!existsSync(program)) return 'not installed: npm install --ignore-scripts --prefix test/runtimes/binaries'
  if (usesBuild && isBuildStale()) return 'dist/ is older than the source: npm run build'
  return undefined
}

/** Whether the sources have changed since the build. */
export function isBuildStale(): boolean {
  const built = join(root, 'dist/index.js')
  return !existsSync(built) || statSync(built).mtimeMs < newest(join(root, 'src')) || builtBefore('adapters', built)
}

const builtBefore = (folder: string, built: string) => statSync(built).mtimeMs < newest(join(root, folder))

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Math.max(...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs))
}

export interface RunningHost {
  /** Where the datastore's routes begin, without a slash at the end. */
  base: string
  close(): Promise<void>
}

const PATIENCE_MS = 30_000

/** Starts a host and waits until it says where it listens. */
export async function start({ command }: Host, env: Record<string, string>): Promise<RunningHost> {
  const [program = '', ...args] = command
  const { PATH, HOME } = process.env
  const child = spawn(program, args, { cwd: root, env: { PATH, HOME, PORT: '0', LOG_LEVEL: 'CRITICAL', ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const base = /listens on (http\S+)/.exec(output)?.[1]
    if (base) return { base, close: () => end(child) }
    if (child.exitCode !== null || Date.now() > deadline) {
      await end(child)
      throw new Error(`${program} did not start: ${output}`)
    }
    await sleep(20)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(timer)
}

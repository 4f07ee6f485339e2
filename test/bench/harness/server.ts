import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import tsup from '../../../tsup.config.ts'
import { freePort } from '../../fixtures/free-port.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** Inside the project, so that what was built finds its packages. */
const BUILT = join(ROOT, 'node_modules/.cache/ckan-datastore-bench')
const MEGABYTE = 1_000_000

const STARTER = 'adapters/node/start.cjs'

/** Builds the working tree as it is now. Later changes to it don't reach the run. */
export async function buildServer(): Promise<void> {
  await mkdir(BUILT, { recursive: true })
  await build({ ...(tsup as object), config: false, dts: false, silent: true, outDir: join(BUILT, 'dist') })
  await mkdir(join(BUILT, 'adapters/node'), { recursive: true })
  for (const file of ['package.json', STARTER]) await copyFile(join(ROOT, file), join(BUILT, file))
}

/** The built server on a folder of data. */
export class RunningServer {
  readonly url: string
  readonly pid: number
  /** From the start of the process until it listened. */
  readonly startMs: number
  readonly #child: ChildProcess

  private constructor(url: string, child: ChildProcess, startMs: number) {
    this.url = url
    this.pid = child.pid as number
    this.startMs = startMs
    this.#child = child
  }

  static async start(folder: string, env: Record<string, string> = {}): Promise<RunningServer> {
    const port = await freePort()
    const start = performance.now()
    const child = spawn(process.execPath, [join(BUILT, STARTER), 'serve'], {
      cwd: BUILT,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LOG_LEVEL: 'WARNING',
        QUERY_CACHE_MB: '0',
        DUMP_CACHE_MB: '0',
        ...env,
        PORT: String(port),
        DUCKDB_PATH: folder,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const text of child.stdout) {
      if (String(text).includes('listens on')) break
    }
    if (child.exitCode !== null) throw new Error('the server did not start')
    return new RunningServer(`http://127.0.0.1:${port}`, child, performance.now() - start)
  }

  /** Calls an action that is not measured. */
  async act(action: string, body: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}/api/3/action/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    const { result, error } = (await response.json()) as { result: Record<string, unknown>; error?: unknown }
    if (!response.ok) throw new Error(`${action}: ${response.status} ${JSON.stringify(error)}`)
    return result
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill(signal)
    await gone
  }

  /** Resident memory now and at its peak, in megabytes. Linux only. */
  async memory(): Promise<{ now: number; peak: number }> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8')
    const megabytes = (name: string) =>
      (Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024) / MEGABYTE
    return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
  }

  async forgetPeak(): Promise<void> {
    await writeFile(`/proc/${this.pid}/clear_refs`, '5')
  }

  /** Waits until it has done next to nothing for a while: indexes are built, the log is written into the file. */
  async idle(seconds = 5): Promise<void> {
    let quiet = 0
    let before = await this.#cpuSeconds()
    while (quiet < seconds) {
      await sleep(1000)
      const now = await this.#cpuSeconds()
      quiet = now - before < 0.03 ? quiet + 1 : 0
      before = now
    }
  }

  async #cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8')
    const [user = 0, system = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number)
    return (user + system) / 100
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../fixtures/free-port.ts'
import { type Analyzer, type ApiColumn, startAnalyzer } from './analyzer.ts'
import { type BigqueryProxy, type BigqueryRules, startBigqueryProxy } from './bigquery-proxy.ts'
import { areInstalled, install, services } from './install.ts'
import { isRunning } from './lock.ts'
import { type RecordingProxy, startProxy } from './proxy.ts'

export interface BigqueryServices {
  /** For `BIGQUERY_API_ENDPOINT`: the proxy in front of the emulator. */
  readonly url: string
  /** For `STORAGE_API_ENDPOINT`. */
  readonly gcsUrl: string
  readonly project: string
  /** An empty dataset. */
  readonly dataset: string
  /** An empty bucket. */
  readonly bucket: string
  readonly bigquery: BigqueryProxy
  readonly gcs: RecordingProxy
  close(): Promise<void>
}

/** Why tests with BigQuery can't run here; undefined when they can, or when they have to. */
export function reasonWithoutBigquery(): string | undefined {
  if (process.env.REQUIRE_SERVICES === '1' || areInstalled()) return undefined
  return 'the BigQuery emulator is not installed: npx tsx test/services/install.ts (1.2 GB)'
}

interface Options extends Omit<BigqueryRules, 'analyze'> {
  /** Refuses what Google's own analyzer refuses: the emulator takes much that BigQuery doesn't. */
  strict?: boolean
}

/**
 * An emulator of BigQuery and one of Cloud Storage that it exports into, each behind a proxy, on free ports of
 * 127.0.0.1. They slow down with every live table: one start for a test file.
 */
export async function startBigquery({ strict, ...rules }: Options = {}): Promise<BigqueryServices> {
  await install()
  await removeLeftFolders()
  const folder = await mkdtemp(join(memory, `bigquery-${process.pid}-`))
  const [bigqueryPort, grpcPort, gcsPort] = [await freePort(), await freePort(), await freePort()]
  const [project, dataset, bucket] = ['test-project', 'portal', 'exports']
  const emulatorUrl = `http://127.0.0.1:${bigqueryPort}`
  const analyzer = strict ? await startAnalyzer() : undefined
  const columnsOf = async (path: readonly string[]) => {
    const [table = '', inDataset = dataset, inProject = project] = [...path].reverse()
    const place = `projects/${inProject}/datasets/${inDataset}/tables/${encodeURIComponent(table)}`
    const response = await fetch(`${emulatorUrl}/bigquery/v2/${place}`)
    return response.ok ? ((await response.json()) as { schema: { fields: ApiColumn[] } }).schema.fields : undefined
  }
  const analyze = analyzer && strictly(analyzer, columnsOf)
  const bigquery = await startBigqueryProxy(() => emulatorUrl, { ...rules, ...(analyze && { analyze }) })
  const gcs = await startProxy({
    target: () => `http://127.0.0.1:${gcsPort}`,
    streams: new RegExp(`/upload/|/o/|/download/|^/${bucket}/`),
  })
  const children: ChildProcess[] = []
  const close = async () => {
    analyzer?.close()
    await Promise.all([...children.map(end), bigquery.close(), gcs.close()])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const gcsHost = new URL(gcs.url).host
    const listen = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(gcsPort), '-backend', 'memory']
    children.push(start([...runBinary, services.fakeGcs, ...listen, '-public-host', gcsHost, '-external-url', gcs.url]))
    const ports = ['--host', '127.0.0.1', '--port', String(bigqueryPort), '--grpc-port', String(grpcPort)]
    children.push(
      start([runEmulator, ...ports, '--data-dir', join(folder, 'data'), '--project', project, '--dataset', dataset], {
        HOME: services.home,
        STORAGE_EMULATOR_HOST: `http://127.0.0.1:${gcsPort}`,
      }),
    )
    await Promise.all([
      ready(`${gcs.url}/storage/v1/b?project=${project}`, children),
      // Without its extensions it listens, and answers 400 to everything.
      ready(`${emulatorUrl}/bigquery/v2/projects/${project}/datasets`, children),
    ])
    const made = await fetch(`${gcs.url}/storage/v1/b?project=${project}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: bucket }),
    })
    if (!made.ok) throw new Error(`the bucket could not be made: ${made.status}`)
    gcs.requests.splice(0)
  } catch (error) {
    await close()
    throw error
  }
  return { url: bigquery.url, gcsUrl: gcs.url, project, dataset, bucket, bigquery, gcs, close }
}

type ColumnsOf = Parameters<Analyzer['analyze']>[2]

/** Asks for the columns of a table once, and again before a statement is refused: they may have changed. */
function strictly(analyzer: Analyzer, columnsOf: ColumnsOf): BigqueryRules['analyze'] {
  const known = new Map<string, readonly ApiColumn[]>()
  const remembered: ColumnsOf = async (path) => {
    const name = path.join('.')
    const columns = known.get(name) ?? (await columnsOf(path))
    if (columns) known.set(name, columns)
    return columns
  }
  return async (sql, parameters) => {
    if ((await analyzer.analyze(sql, parameters, remembered)) === undefined) return undefined
    known.clear()
    return analyzer.analyze(sql, parameters, remembered)
  }
}

const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Those of test processes that were killed. */
async function removeLeftFolders(): Promise<void> {
  for (const name of await readdir(memory)) {
    const pid = Number(/^bigquery-(\d+)-/.exec(name)?.[1])
    if (pid > 0 && !isRunning(pid)) await rm(join(memory, name), { recursive: true, force: true })
  }
}

const runEmulator = fileURLToPath(new URL('emulator.py', import.meta.url))
/** A program that ends with its test process, however that ends. */
const runBinary = [
  '-c',
  'import ctypes, os, sys\ntry: ctypes.CDLL(None).prctl(1, 9)\nexcept AttributeError: pass\nos.execv(sys.argv[1], sys.argv[1:])',
]

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(services.python, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk).slice(-2000)
  })
  child.once('exit', (code) => code && console.error(`a service ended with ${code}: ${log}`))
  return child
}

async function ready(url: string, children: readonly ChildProcess[]): Promise<void> {
  for (const deadline = Date.now() + 50_000; Date.now() < deadline; await sleep(100)) {
    if (children.some(({ exitCode }) => exitCode !== null)) throw new Error('a service ended at its start')
    if ((await fetch(url).catch(() => undefined))?.ok) return
  }
  throw new Error(`no answer from ${url}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

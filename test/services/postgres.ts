import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../fixtures/free-port.ts'

/** A PostgreSQL server of the tests' own, on a loopback port. */
export interface PostgresServer {
  /** An address of a new, empty database, for a role that may log in and owns it, and no more. */
  createDatabase(): Promise<string>
  /** Runs SQL as the superuser; answers rows of texts. */
  query(sql: string, database?: string): string[][]
  /** `fast` ends connections in order, `immediate` as a crash does. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** Debian keeps the server's programs off the path, one folder for each version. */
function findBinaries(): string | undefined {
  try {
    return (
      execFileSync('sh', ['-c', 'dirname "$(readlink -f "$(command -v initdb)")"'], { encoding: 'utf8' }).trim() ||
      undefined
    )
  } catch {
    return undefined
  }
}

function debianBinaries(): string | undefined {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
    return versions[0] && `/usr/lib/postgresql/${versions[0]}/bin`
  } catch {
    return undefined
  }
}

const hasServer = (folder: string | undefined): folder is string => {
  try {
    execFileSync(`${folder}/postgres`, ['--version'])
    return true
  } catch {
    return false
  }
}

const binaries = [findBinaries(), debianBinaries()].find(hasServer)

/** Why tests with PostgreSQL can't run here; undefined when they can, or when they have to. */
export function reasonWithoutPostgres(): string | undefined {
  if (binaries !== undefined || process.env.REQUIRE_SERVICES === '1') return undefined
  return "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
}

/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

let databases = 0

export async function startPostgres(): Promise<PostgresServer> {
  if (binaries === undefined) throw new Error('the tests need PostgreSQL: apt-get install postgresql')
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const password = join(folder, 'password')
  await writeFile(password, 'postgres\n')
  execFileSync(
    join(binaries, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      '--no-sync',
      '--no-locale',
      '-E',
      'UTF8',
      `--pwfile=${password}`,
    ],
    { ...user, cwd: folder },
  )
  const port = await freePort()
  let child: ChildProcess | undefined

  const query = (sql: string, database = 'postgres') => {
    const args = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', database, '-XAtqc', sql, '-F', '\t']
    const text = execFileSync(join(binaries, 'psql'), args, {
      encoding: 'utf8',
      env: { ...process.env, PGPASSWORD: 'postgres' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return text.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')]))
  }

  const server: PostgresServer = {
    query,
    async start() {
      const settings = [
        'fsync=off',
        'listen_addresses=127.0.0.1',
        `unix_socket_directories=${folder}`,
        'max_connections=200',
      ]
      child = spawn(
        join(binaries, 'postgres'),
        ['-D', data, '-p', String(port), ...settings.flatMap((it) => ['-c', it])],
        { ...user, stdio: 'ignore', cwd: folder },
      )
      for (let tries = 0; tries < 300; tries += 1) {
        try {
          return void query('SELECT 1')
        } catch {
          await sleep(100)
        }
      }
      throw new Error('PostgreSQL did not start')
    },
    async stop(mode = 'fast') {
      const running = child
      child = undefined
      if (!running) return
      const ended = once(running, 'exit')
      running.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await ended
    },
    async createDatabase() {
      databases += 1
      const name = `lake_${process.pid}_${databases}`
      query(`CREATE ROLE ${name} LOGIN PASSWORD 'p@ss''w%rd'`)
      query(`CREATE DATABASE ${name} OWNER ${name}`)
      return `postgres://${name}:${encodeURIComponent("p@ss'w%rd")}@127.0.0.1:${port}/${name}`
    },
    async close() {
      await server.stop('immediate')
      await rm(folder, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

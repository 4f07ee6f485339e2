import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { makeLake, type TestLake } from '../../engines/ducklake/open.ts'
import { type ServerProcess, startServer } from '../../fixtures/server-process.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { quantile } from '../harness/figures.ts'

export interface Sizes {
  rows: number
  tables: number
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** A lake of its own, and the server processes on it. */
export class LakeBench {
  readonly lake: TestLake
  readonly postgres: PostgresServer
  readonly say: (line: string) => void
  readonly servers: ServerProcess[] = []
  readonly #milliseconds: number

  private constructor(lake: TestLake, postgres: PostgresServer, milliseconds: number, say: (line: string) => void) {
    this.lake = lake
    this.postgres = postgres
    this.#milliseconds = milliseconds
    this.say = say
  }

  static async open(postgres: PostgresServer, milliseconds: number, say: (line: string) => void): Promise<LakeBench> {
    return new LakeBench(await makeLake(() => postgres.createDatabase()), postgres, milliseconds, say)
  }

  /** Starts servers until there are so many. */
  async serve(count: number): Promise<readonly ServerProcess[]> {
    while (this.servers.length < count) {
      const env = { ...this.lake.env, DUCKDB_MEMORY_LIMIT: '2GB', LOG_LEVEL: 'ERROR', QUERY_CACHE_MB: '0' }
      this.servers.push(await startServer({ env }))
    }
    return this.servers
  }

  /** Lets clients call over and over, each when it has its answer; says how often they did, and who was busy meanwhile. */
  async measure(name: string, clients: number, call: (client: number, turn: number) => Promise<void>): Promise<void> {
    const times: number[] = []
    const before = this.#busy()
    const began = performance.now()
    const run = async (client: number) => {
      for (let turn = 0; performance.now() - began < this.#milliseconds; turn += 1) {
        const started = performance.now()
        await call(client, turn)
        times.push(performance.now() - started)
      }
    }
    await Promise.all(Array.from({ length: clients }, (_, client) => run(client)))
    const seconds = (performance.now() - began) / 1000
    const after = this.#busy()
    const busy = Object.entries(after).map(
      ([who, ticks]) => `${who} ${((ticks - (before[who] ?? 0)) / TICKS / seconds).toFixed(2)}`,
    )
    const [p50, p95] = [quantile(times, 0.5), quantile(times, 0.95)]
    this.say(
      `${name}: ${(times.length / seconds).toFixed(1)}/s, p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms; cores: ${busy.join(', ')}`,
    )
  }

  /** Ticks of a core that each has used. */
  #busy(): Record<string, number> {
    const backends = this.postgres.query(`SELECT pid FROM pg_stat_activity WHERE datname LIKE 'lake%'`)
    const sum = (pids: readonly number[]) => pids.reduce((ticks, pid) => ticks + ticksOf(pid), 0)
    return {
      servers: sum(this.servers.map(({ pid }) => pid)),
      PostgreSQL: sum(backends.map(([pid]) => Number(pid))),
      clients: ticksOf(process.pid),
    }
  }

  async close(): Promise<void> {
    for (const server of this.servers) server.kill('SIGTERM')
    for (const server of this.servers) await server.ended
    await this.lake.close()
  }
}

function ticksOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}

/** Milliseconds of a core that a process has used. */
export function cpuOf(pid: number): number {
  return (ticksOf(pid) / TICKS) * 1000
}

/** Bytes that a process has in memory. */
export function residentOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

export async function expectOk(answer: Promise<{ status: number; error?: unknown }>): Promise<void> {
  const { status, error } = await answer
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(error)}`)
}

import { setTimeout as sleep } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { Lane } from '../duckdb/lane.ts'
import { quoteLiteral } from '../sql/quote.ts'
import { heldTooLong, type Lock } from './lock.ts'

const PATIENCE_MS = 30_000
const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 30

/** What DuckDB says of a file that another process, or this one, has open. The path stands behind it. */
const HELD = /^(?:IO Error: Could not set lock on file|Binder Error: Unique file handle conflict)/

/** The kernel does not hold a lock of a file against the process that has it: within the process they wait here. */
const lanes = new Map<string, Lane>()

/** Files are locked by attaching them to an instance of their own, which nobody else uses. */
let locks: Promise<DuckDBInstance> | undefined
let attached = 0

/** Files that could not be let go of. */
const left = new Map<string, () => Promise<void>>()

/** Holds a file that nobody else may hold. `undefined`: somebody does. The kernel lets go of it when this process dies. */
export async function holdFile(path: string): Promise<{ release(): Promise<void> } | undefined> {
  await left.get(path)?.()
  locks ??= DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '64MB' })
  const connection = await (await locks).connect()
  attached += 1
  const name = `lock_${attached}`
  try {
    await connection.run(`ATTACH ${quoteLiteral(path)} AS ${name}`)
  } catch (error) {
    connection.closeSync()
    if (HELD.test((error as Error).message)) return undefined
    throw error
  }
  const detach = async () => {
    await connection.run(`DETACH ${name}`)
    left.delete(path)
    connection.closeSync()
  }
  return {
    async release() {
      // Whoever held it has done what it wanted to, and answers so; the next who wants it tries this again.
      await detach().catch(() => left.set(path, detach))
    },
  }
}

/** The lock of a lake whose catalog is a file, for processes of one host: a file beside it. */
export class FileLock implements Lock {
  readonly restMs = 2 * LONGEST_PAUSE_MS
  readonly #path: string
  readonly #lane: Lane

  constructor(path: string) {
    this.#path = path
    this.#lane = lanes.get(path) ?? new Lane(1)
    lanes.set(path, this.#lane)
  }

  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#lane.run(async () => {
      const held = await this.#hold(signal)
      try {
        return await work()
      } finally {
        await held.release()
      }
    }, signal)
  }

  async alone<T>(kind: string, work: () => Promise<T>): Promise<T | undefined> {
    const held = await holdFile(`${this.#path}.${kind}`)
    try {
      return held && (await work())
    } finally {
      await held?.release()
    }
  }

  async close(): Promise<void> {}

  async #hold(signal?: AbortSignal) {
    const deadline = performance.now() + PATIENCE_MS
    for (let pause = FIRST_PAUSE_MS; performance.now() < deadline; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
      const held = await holdFile(this.#path)
      if (held) return held
      await sleep(pause * (0.5 + Math.random()), undefined, { signal })
    }
    throw heldTooLong()
  }
}

/** The lock of a lake that only this process can open. */
export class ProcessLock implements Lock {
  readonly #lane = new Lane(1)

  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#lane.run(work, signal)
  }

  alone<T>(_kind: string, work: () => Promise<T>): Promise<T> {
    return work()
  }

  async close(): Promise<void> {}
}

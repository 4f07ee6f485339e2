import { readdir, realpath, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import { ConfigurationError, ServiceUnavailable } from '../../../core/errors.ts'
import type { EngineActivity } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import { startFailure } from './failures.ts'
import { makeFolder } from './folder.ts'
import type { Lane, Lanes } from './lane.ts'
import { createLanes } from './lane.ts'

export interface ClientOptions {
  /** A folder: `datastore.duckdb` with `tmp/`, `load/` and `export/` beside it. */
  path: string
  memoryLimit?: string
  threads?: number
}

/** Folders beside the data file: the only ones that DuckDB may touch once it is locked. */
export interface Folders {
  tmp: string
  load: string
  export: string
}

/** 64 KiB: a table of 20 rows takes 90 KB instead of 280, and large tables cost the same (traps T25). */
export const BLOCK_SIZE = 65536

/** How often what runs for somebody who has left is told to stop: between two statements nobody listens. */
const INTERRUPT_MS = 20
/** How long a close waits for reads to stop. */
const CLOSE_MS = 10_000

/** Data folders that this process has open: DuckDB's own lock keeps only other processes out (traps T6). */
const openFolders = new Set<string>()

type Bound = (string | number | bigint | null)[]

/** One connection, leased to one caller: a second query on a connection would stop the first (traps T16). */
export class Session {
  readonly #connection: DuckDBConnection
  readonly #beforeCommit: () => void

  /** @param beforeCommit - Ends what may interrupt the connection: nobody knows how an interrupted commit ended. */
  constructor(connection: DuckDBConnection, beforeCommit: () => void) {
    this.#connection = connection
    this.#beforeCommit = beforeCommit
  }

  get connection(): DuckDBConnection {
    return this.#connection
  }

  /** Runs a statement to its end; throws when it fails at any row. Answers the rows. */
  async rows(sql: string, values?: Bound): Promise<DuckDBValue[][]> {
    const reader = await this.#connection.runAndReadAll(sql, values)
    return reader.getRows()
  }

  async row(sql: string, values?: Bound): Promise<DuckDBValue[] | undefined> {
    return (await this.rows(sql, values))[0]
  }

  /** Runs a statement for its effect; answers how many rows it changed. */
  async run(sql: string, values?: Bound): Promise<number> {
    const result = await this.#connection.run(sql, values)
    return result.rowsChanged
  }

  /** All of it or nothing. */
  async transaction<T>(work: () => Promise<T>, options: { readOnly?: boolean } = {}): Promise<T> {
    await this.run(options.readOnly ? 'BEGIN TRANSACTION READ ONLY' : 'BEGIN TRANSACTION')
    try {
      const result = await work()
      this.#beforeCommit()
      await this.run('COMMIT')
      return result
    } catch (error) {
      await this.run('ROLLBACK').catch(() => undefined)
      throw error
    }
  }
}

/** The one DuckDB instance of this process and its connections. */
export class Client {
  readonly folders: Folders
  readonly #instance: DuckDBInstance
  readonly #path: string
  readonly #idle: DuckDBConnection[] = []
  readonly #open = new Set<DuckDBConnection>()
  readonly #lanes = createLanes()
  #closed = false

  private constructor(instance: DuckDBInstance, path: string, folders: Folders) {
    this.#instance = instance
    this.#path = path
    this.folders = folders
  }

  /** Opens the one instance of this process, sets everything that can only be set now, and locks it (traps T4, T6). */
  static async open(options: ClientOptions): Promise<Client> {
    const path = resolve(options.path)
    const folders = { tmp: join(path, 'tmp'), load: join(path, 'load'), export: join(path, 'export') }
    let claimed: string | undefined
    try {
      for (const folder of Object.values(folders)) await makeFolder(folder)
      claimed = await claim(path)
      const instance = await DuckDBInstance.create(join(path, 'datastore.duckdb'), {
        default_block_size: String(BLOCK_SIZE),
      })
      for (const folder of Object.values(folders)) await clear(folder)
      await lockDown(instance, folders, options)
      return new Client(instance, claimed, folders)
    } catch (error) {
      if (claimed !== undefined) openFolders.delete(claimed)
      throw error instanceof ConfigurationError ? error : startFailure(error, path)
    }
  }

  /** Leases a connection, and interrupts what runs on it when the signal aborts. */
  async session<T>(
    work: (session: Session) => Promise<T>,
    signal?: AbortSignal,
    lane: Exclude<keyof Lanes, 'steps'> = 'reads',
  ): Promise<T> {
    return this.#lanes[lane].run(() => this.#lease(work, signal), signal)
  }

  /** Runs one step of a patient session when there is room for one more. */
  async turn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#lanes.steps.run(work, signal)
  }

  /** What runs and waits by lane, and how many connections there are. */
  get activity(): EngineActivity {
    const lanes = Object.entries(this.#lanes) as [string, Lane][]
    const idle = this.#idle.length
    return {
      running: Object.fromEntries(lanes.map(([name, { running }]) => [name, running])),
      waiting: Object.fromEntries(lanes.map(([name, { waiting }]) => [name, waiting])),
      connections: { busy: this.#open.size - idle, idle },
    }
  }

  /** Whether nothing runs but steps of those who mostly wait for their client. */
  get isQuiet(): boolean {
    const { reads, sql, writes } = this.#lanes
    return !reads.isBusy && !sql.isBusy && !writes.isBusy
  }

  /** Whether a step of those who mostly wait for their client runs, such as a piece of a download. */
  get isStepping(): boolean {
    return this.#lanes.steps.isBusy
  }

  /**
   * A connection outside the queue of reads, for one that spends most of its life waiting for its client: each of its
   * statements takes a `turn`. When the signal aborts, what runs on it is interrupted; `release` then drops it.
   */
  async patientSession(signal?: AbortSignal): Promise<{ session: Session; release: () => void }> {
    const connection = await this.#connect()
    const deaf = interruptOnAbort(connection, signal)
    const release = () => {
      deaf()
      this.#giveBack(connection, signal)
    }
    return { session: new Session(connection, deaf), release }
  }

  /**
   * Stops what still reads, writes the log into the file and lets go of it.
   *
   * @param waitMs - How long it may take until reads have stopped.
   * @throws Error when a statement could not be stopped: then the file is held until the process ends, which must be
   *   killed, as to leave it in order waits for that statement, too. What was committed is safe.
   */
  async close(waitMs = CLOSE_MS): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const lanes = Object.values(this.#lanes)
    for (const lane of lanes) lane.clear()
    const isBusy = () => lanes.some((lane) => lane.isBusy)
    const deadline = Date.now() + waitMs
    while (isBusy() && Date.now() < deadline) {
      for (const connection of this.#open) connection.interrupt()
      await sleep(INTERRUPT_MS)
    }
    const connection = await this.#instance.connect()
    await connection.run('CHECKPOINT').catch(() => undefined)
    if (isBusy()) throw new Error('A statement could not be stopped.')
    for (const open of [...this.#open, connection]) open.closeSync()
    this.#instance.closeSync()
    openFolders.delete(this.#path)
  }

  async #lease<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const connection = await this.#connect()
    const deaf = interruptOnAbort(connection, signal)
    try {
      signal?.throwIfAborted()
      return await work(new Session(connection, deaf))
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      deaf()
      this.#giveBack(connection, signal)
    }
  }

  async #connect(): Promise<DuckDBConnection> {
    if (this.#closed) throw new ServiceUnavailable('The datastore is closing.')
    const idle = this.#idle.pop()
    if (idle) return idle
    const connection = await this.#instance.connect()
    this.#open.add(connection)
    return connection
  }

  /** One that was interrupted may be inside a transaction whose end was interrupted as well: it is not used again. */
  #giveBack(connection: DuckDBConnection, signal?: AbortSignal): void {
    if (this.#closed) return
    if (!signal?.aborted) return void this.#idle.push(connection)
    this.#open.delete(connection)
    connection.closeSync()
  }
}

/** Interrupts a connection from the moment the signal aborts until the answered function is called. */
function interruptOnAbort(connection: DuckDBConnection, signal: AbortSignal | undefined): () => void {
  let timer: NodeJS.Timeout | undefined
  const interrupt = () => {
    connection.interrupt()
    timer = setInterval(() => connection.interrupt(), INTERRUPT_MS)
  }
  signal?.addEventListener('abort', interrupt, { once: true })
  return () => {
    signal?.removeEventListener('abort', interrupt)
    clearInterval(timer)
  }
}

async function claim(path: string): Promise<string> {
  const real = await realpath(path)
  if (openFolders.has(real)) {
    throw new ConfigurationError([
      `This process has the data in ${path} open already: one DuckDB file serves one datastore.`,
    ])
  }
  openFolders.add(real)
  return real
}

async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
}

async function lockDown(instance: DuckDBInstance, folders: Folders, options: ClientOptions): Promise<void> {
  const connection = await instance.connect()
  const settings: [string, string][] = [
    ['TimeZone', "'UTC'"],
    // `7 / 2` is 3, as in PostgreSQL.
    ['integer_division', 'true'],
    ['temp_directory', quoteLiteral(folders.tmp)],
    ['preserve_insertion_order', 'true'],
    ['autoinstall_known_extensions', 'false'],
    ['autoload_known_extensions', 'false'],
    ['allow_community_extensions', 'false'],
    ...(options.memoryLimit ? [['memory_limit', quoteLiteral(options.memoryLimit)] as [string, string]] : []),
    ...(options.threads ? [['threads', String(options.threads)] as [string, string]] : []),
    ['allowed_directories', `[${Object.values(folders).map(quoteLiteral).join(', ')}]`],
    ['enable_external_access', 'false'],
    // Downloads lower it for a moment (`trimPages`).
    ['allowed_configs', "['memory_limit']"],
    ['lock_configuration', 'true'],
  ]
  for (const [name, value] of settings) await connection.run(`SET GLOBAL ${name} = ${value}`)
  connection.closeSync()
}

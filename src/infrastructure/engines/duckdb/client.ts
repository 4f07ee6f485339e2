import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement, DuckDBValue } from '@duckdb/node-api'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { EngineActivity } from '../engine.ts'
import type { Folders } from './folder.ts'
import type { Lane, Lanes } from './lane.ts'
import { createLanes } from './lane.ts'

export interface ClientOptions {
  folders: Folders
  /** Opens the instance and locks it; asked again when the one before was lost. */
  open(): Promise<DuckDBInstance>
  /** Looks at every statement, and the values beside it, before it runs; throws where it may not. */
  check?(sql: string, values?: Bound): void
  /** Runs what a session is leased for; it may be run again. */
  around?<T>(session: Session, work: () => Promise<T>): Promise<T>
  /** What a failure of DuckDB means here. `lost`: the instance is of no use any more. */
  failed?(error: unknown, lost: () => void): unknown
  /** Shared with another client of this process. */
  lanes?: Lanes
  /** Called on the last connection, when nothing else runs. */
  flush?(connection: DuckDBConnection): Promise<unknown>
  /** Called when the instance is closed. */
  closed?(): void
}

/** How often what runs for somebody who has left is told to stop: between two statements nobody listens. */
const INTERRUPT_MS = 20
/** How long a close waits for reads to stop. */
const CLOSE_MS = 10_000

type Bound = (string | number | bigint | null)[]

/** One connection, leased to one caller: a second query on a connection would stop the first (traps T16). */
export class Session {
  readonly #connection: DuckDBConnection
  readonly #beforeCommit: () => void
  readonly #options: Pick<ClientOptions, 'check'> & { failure(error: unknown): unknown }

  /**
   * @param beforeCommit - Ends what may interrupt the connection: nobody knows how an interrupted commit ended.
   * @param options.failure - What a failure of DuckDB is thrown as.
   */
  constructor(
    connection: DuckDBConnection,
    beforeCommit: () => void = () => {},
    options: Pick<ClientOptions, 'check'> & { failure(error: unknown): unknown } = { failure: (error) => error },
  ) {
    this.#connection = connection
    this.#beforeCommit = beforeCommit
    this.#options = options
  }

  get connection(): DuckDBConnection {
    return this.#connection
  }

  /** Runs a statement to its end; throws when it fails at any row. Answers the rows. */
  async rows(sql: string, values?: Bound): Promise<DuckDBValue[][]> {
    const reader = await this.#ask(() => this.#connection.runAndReadAll(sql, values), sql, values)
    return reader.getRows()
  }

  async row(sql: string, values?: Bound): Promise<DuckDBValue[] | undefined> {
    return (await this.rows(sql, values))[0]
  }

  /** Runs a statement for its effect; answers how many rows it changed. */
  async run(sql: string, values?: Bound): Promise<number> {
    const result = await this.#ask(() => this.#connection.run(sql, values), sql, values)
    return result.rowsChanged
  }

  /** The caller destroys it. */
  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.#ask(() => this.#connection.prepare(sql), sql)
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

  async #ask<T>(work: () => Promise<T>, sql: string, values?: Bound): Promise<T> {
    this.#options.check?.(sql, values)
    try {
      return await work()
    } catch (error) {
      throw this.#options.failure(error)
    }
  }
}

/** A DuckDB instance and its connections. */
export class Client {
  readonly folders: Folders
  readonly #options: ClientOptions
  readonly #lanes: Lanes
  #instance: DuckDBInstance
  #reopening: Promise<void> | undefined
  #idle: DuckDBConnection[] = []
  #open = new Set<DuckDBConnection>()
  #closed = false

  private constructor(instance: DuckDBInstance, options: ClientOptions) {
    this.#instance = instance
    this.#options = options
    this.#lanes = options.lanes ?? createLanes()
    this.folders = options.folders
  }

  static async open(options: ClientOptions): Promise<Client> {
    return new Client(await options.open(), options)
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
    return { session: this.#session(connection, deaf), release }
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
    await this.#options.flush?.(connection).catch(() => undefined)
    if (isBusy()) throw new Error('A statement could not be stopped.')
    for (const open of [...this.#open, connection]) open.closeSync()
    this.#instance.closeSync()
    this.#options.closed?.()
  }

  async #lease<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const connection = await this.#connect()
    const deaf = interruptOnAbort(connection, signal)
    try {
      signal?.throwIfAborted()
      const session = this.#session(connection, deaf)
      const { around } = this.#options
      return await (around ? around(session, () => work(session)) : work(session))
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#failure(error)
    } finally {
      deaf()
      this.#giveBack(connection, signal)
    }
  }

  #session(connection: DuckDBConnection, deaf: () => void): Session {
    const open = this.#open
    const { check } = this.#options
    return new Session(connection, deaf, { ...(check && { check }), failure: (error) => this.#failure(error, open) })
  }

  #failure(error: unknown, open = this.#open): unknown {
    return this.#options.failed ? this.#options.failed(error, () => this.#lose(open)) : error
  }

  async #connect(): Promise<DuckDBConnection> {
    if (this.#closed) throw new ServiceUnavailable('The datastore is closing.')
    await this.#reopening
    const idle = this.#idle.pop()
    if (idle) return idle
    try {
      const connection = await this.#instance.connect()
      this.#open.add(connection)
      return connection
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Opens another instance in place of the one with these connections, once. Those that are leased end by themselves. */
  #lose(open: Set<DuckDBConnection>): void {
    if (this.#closed || open !== this.#open) return
    // Never closed: DuckDB ends the process when a connection of a lost instance goes.
    for (const connection of this.#open) lostConnections.push(connection)
    this.#idle = []
    this.#open = new Set()
    this.#reopening = this.#options
      .open()
      .then((instance) => {
        this.#instance = instance
        this.#reopening = undefined
      })
      .catch((error) => {
        // Whoever asks next tries again.
        this.#reopening = undefined
        throw this.#failure(error)
      })
    this.#reopening.catch(() => undefined)
  }

  /** One that was interrupted may be inside a transaction whose end was interrupted as well: it is not used again. */
  #giveBack(connection: DuckDBConnection, signal?: AbortSignal): void {
    if (this.#closed) return
    if (!signal?.aborted && this.#open.has(connection)) return void this.#idle.push(connection)
    if (lostConnections.includes(connection)) return
    this.#open.delete(connection)
    connection.closeSync()
  }
}

/** Connections of instances that were lost. */
const lostConnections: DuckDBConnection[] = []

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

import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection, DuckDBInstance, DuckDBPreparedStatement, DuckDBValue } from '@duckdb/node-api'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { EngineActivity } from '../engine.ts'
import { Connections } from './connections.ts'
import type { Folders } from './folder.ts'
import type { Lane, Lanes } from './lane.ts'
import { createLanes } from './lane.ts'

export interface ClientOptions {
  folders: Folders
  /** Opens the instance and locks it; asked again when the one before was lost or is worn. */
  open(): Promise<DuckDBInstance>
  /** Whether another instance should take this one's place. Asked after a session, once a second at most. */
  isWorn?(session: Session): Promise<boolean>
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
/** How often an instance is looked at whether it is worn. */
const WEAR_MS = 1000
/** How long a close waits for reads to stop. */
const CLOSE_MS = 10_000

type Bound = (string | number | bigint | null)[]

interface SessionOptions extends Pick<ClientOptions, 'check'> {
  /** Throws when nothing may begin any more. */
  admit?(): void
  /** What a failure of DuckDB is thrown as. */
  failure(error: unknown): unknown
}

/** One connection, leased to one caller: a second query on a connection would stop the first (traps T16). */
export class Session {
  readonly #connection: DuckDBConnection
  readonly #beforeCommit: () => void
  readonly #options: SessionOptions
  readonly #running = new Set<Promise<unknown>>()
  #isEnded = false

  /**
   * @param beforeCommit - Ends what may interrupt the connection: nobody knows how an interrupted commit ended.
   */
  constructor(
    connection: DuckDBConnection,
    beforeCommit: () => void = () => {},
    options: SessionOptions = { failure: (error) => error },
  ) {
    this.#connection = connection
    this.#beforeCommit = beforeCommit
    this.#options = options
  }

  /** For what has no statement of its own here. It must have ended before the work that the session is leased for. */
  get connection(): DuckDBConnection {
    this.#admit()
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

  get isRunning(): boolean {
    return this.#running.size > 0
  }

  /** Runs nothing more, and resolves when what runs is done: only then the connection may be somebody else's, or closed. */
  async end(): Promise<void> {
    this.#isEnded = true
    await Promise.allSettled(this.#running)
  }

  #admit(): void {
    if (this.#isEnded) throw new Error('The session has ended.')
    this.#options.admit?.()
  }

  async #ask<T>(work: () => Promise<T>, sql: string, values?: Bound): Promise<T> {
    this.#admit()
    this.#options.check?.(sql, values)
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      throw this.#options.failure(error)
    } finally {
      this.#running.delete(running)
    }
  }
}

/** A DuckDB instance and its connections. */
export class Client {
  readonly folders: Folders
  readonly #options: ClientOptions
  readonly #lanes: Lanes
  /** Of the instance that serves whoever comes. */
  #current: Connections
  /** Of that one, and of earlier ones that somebody still uses. */
  readonly #all = new Set<Connections>()
  readonly #sessions = new Set<Session>()
  /** The current instance is of no use any more. */
  #isStale = false
  #reopening: Promise<void> | undefined
  #renewing: Promise<void> | undefined
  #nextLook = 0
  #closed = false
  /** Nothing runs, and nothing may begin: connections are being closed. */
  #isEnding = false

  private constructor(instance: DuckDBInstance, options: ClientOptions) {
    this.#options = options
    this.#lanes = options.lanes ?? createLanes()
    this.folders = options.folders
    this.#current = this.#connectionsOf(instance)
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
    try {
      return await this.#lanes[lane].run(() => this.#lease(work, signal), signal)
    } finally {
      this.#look()
    }
  }

  /** Runs one step of a patient session when there is room for one more. */
  async turn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#lanes.steps.run(work, signal)
  }

  /** What runs and waits by lane, and how many connections there are. */
  get activity(): EngineActivity {
    const lanes = Object.entries(this.#lanes) as [string, Lane][]
    const counts = [...this.#all].map(({ counts }) => counts)
    return {
      running: Object.fromEntries(lanes.map(([name, { running }]) => [name, running])),
      waiting: Object.fromEntries(lanes.map(([name, { waiting }]) => [name, waiting])),
      connections: {
        busy: counts.reduce((sum, { busy }) => sum + busy, 0),
        idle: counts.reduce((sum, { idle }) => sum + idle, 0),
      },
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
    const { connections, connection } = await this.#connect()
    const deaf = interruptOnAbort(connection, signal)
    const session = this.#session(connections, connection, deaf)
    const release = () => void this.#release(session, () => connections.giveBack(connection, !signal?.aborted), deaf)
    return { session, release }
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
    await this.#renewing
    await this.#reopening?.catch(() => undefined)
    const lanes = Object.values(this.#lanes)
    for (const lane of lanes) lane.clear()
    const isBusy = () => lanes.some((lane) => lane.isBusy) || [...this.#sessions].some(({ isRunning }) => isRunning)
    const deadline = Date.now() + waitMs
    while (isBusy() && Date.now() < deadline) {
      for (const connections of this.#all) connections.interrupt()
      await sleep(INTERRUPT_MS)
    }
    const { flush } = this.#options
    if (flush) {
      const connection = await this.#current.lend()
      await flush(connection).catch(() => undefined)
      this.#current.giveBack(connection, true)
    }
    if (isBusy()) throw new Error('A statement could not be stopped.')
    this.#isEnding = true
    for (const connections of this.#all) await connections.close()
    this.#options.closed?.()
  }

  /** Opens another instance in place of this one, which nobody who comes from now on has any more. */
  exchange(): void {
    if (this.#closed) return
    this.#isStale = true
    this.#reopen().catch(() => undefined)
  }

  async #lease<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { connections, connection } = await this.#connect()
    const deaf = interruptOnAbort(connection, signal)
    const session = this.#session(connections, connection, deaf)
    try {
      signal?.throwIfAborted()
      const { around } = this.#options
      return await (around ? around(session, () => work(session)) : work(session))
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#failure(error, connections)
    } finally {
      // One that was interrupted may be inside a transaction whose end was interrupted as well: it is not used again.
      await this.#release(session, () => connections.giveBack(connection, !signal?.aborted), deaf)
    }
  }

  async #release(session: Session, giveBack: () => void, deaf: () => void): Promise<void> {
    await session.end()
    this.#sessions.delete(session)
    deaf()
    giveBack()
  }

  #session(connections: Connections, connection: DuckDBConnection, deaf: () => void): Session {
    const { check } = this.#options
    const session = new Session(connection, deaf, {
      ...(check && { check }),
      admit: () => {
        if (connections.isClosed || this.#isEnding) throw closing()
      },
      failure: (error) => this.#failure(error, connections),
    })
    this.#sessions.add(session)
    return session
  }

  #failure(error: unknown, connections: Connections): unknown {
    return this.#options.failed ? this.#options.failed(error, () => this.#lose(connections)) : error
  }

  async #connect(): Promise<{ connections: Connections; connection: DuckDBConnection }> {
    if (this.#closed) throw closing()
    if (this.#isStale) await this.#reopen()
    const connections = this.#current
    try {
      return { connections, connection: await connections.lend() }
    } catch (error) {
      throw this.#failure(error, connections)
    }
  }

  #connectionsOf(instance: DuckDBInstance): Connections {
    const connections: Connections = new Connections(instance, () => this.#all.delete(connections))
    this.#all.add(connections)
    return connections
  }

  /** Opens another instance in place of the one with these connections, once. Those that are lent end by themselves. */
  #lose(connections: Connections): void {
    if (this.#closed) return
    connections.lose()
    if (connections === this.#current) this.exchange()
  }

  /** Where that fails, whoever asks next tries again. */
  #reopen(): Promise<void> {
    const stale = this.#current
    this.#reopening ??= this.#options
      .open()
      .then((instance) => {
        this.#current = this.#connectionsOf(instance)
        this.#isStale = false
        stale.retire()
      })
      .catch((error) => {
        throw this.#failure(error, stale)
      })
      .finally(() => {
        this.#reopening = undefined
      })
    return this.#reopening
  }

  /** Now and then: puts another instance in place of a worn one, which is closed when the last who uses it has left. */
  #look(): void {
    if (!this.#options.isWorn || this.#closed || this.#renewing || performance.now() < this.#nextLook) return
    this.#renewing = this.#renew()
      // The one that is there goes on.
      .catch(() => undefined)
      .finally(() => {
        this.#nextLook = performance.now() + WEAR_MS
        this.#renewing = undefined
      })
  }

  async #renew(): Promise<void> {
    const worn = this.#current
    if (!(await this.#lease(async (session) => this.#options.isWorn?.(session)))) return
    const instance = await this.#options.open()
    // It was lost meanwhile.
    if (this.#current !== worn || this.#isStale) return instance.closeSync()
    this.#current = this.#connectionsOf(instance)
    worn.retire()
  }
}

function closing(): ServiceUnavailable {
  return new ServiceUnavailable('The datastore is closing.')
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

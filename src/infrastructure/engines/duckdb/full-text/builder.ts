import { setTimeout as sleep } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import { prepareIndexes, readCoverage, readState } from './index.ts'
import type { Coverage } from './postings.ts'
import { NOTHING_COVERED } from './postings.ts'
import type { TextSource } from './source.ts'
import type { StepOptions } from './step.ts'
import { buildStep } from './step.ts'

export interface FullTextOptions {
  /** A connection for the builder alone. */
  connect(): Promise<{ connection: DuckDBConnection; release(): void }>
  /** The table as it is now; undefined when it is gone. */
  source(tableId: string): Promise<TextSource | undefined>
  /** A step failed; it is tried again when the table is next scheduled. */
  failed(tableId: string, error: unknown): void
  /** Rows from which a table is indexed. */
  rowsMin?: number
  /** Rows that are indexed in one transaction. */
  rowsPerStep?: number
  rowsPerStatement?: number
  /** How long no write must come before fewer rows than `rowsMin` are worth a step, in milliseconds. */
  quietMs?: number
  /** How long a stream of writes can put off the next step, in milliseconds. Between steps nothing holds up checkpoints. */
  writesPatienceMs?: number
  /** Whether others have work that would rather have the machine to itself. */
  busy?(): boolean
  /** Time between two looks at a table that is being written, in milliseconds. */
  pauseMs?: number
}

/** Rows from which a table is worth an index. */
export const INDEXED_ROWS = 20_000

/** How long the builder waits for others before its next statement: it is put off, not starved. */
const PATIENCE_MS = 30_000

/** After a write, how long none must come before a step begins, and how long a stream of them can put that off. */
const LULL_MS = 300
const WRITES_PATIENCE_MS = 10_000

const defaults = {
  rowsMin: INDEXED_ROWS,
  rowsPerStep: 100_000,
  rowsPerStatement: 10_000,
  quietMs: 3000,
  writesPatienceMs: WRITES_PATIENCE_MS,
  pauseMs: 500,
}

/**
 * Keeps the full-text indexes of large tables, in the background, one step at a time. Answers never depend on how far
 * it is: what is not indexed is read (contract §6).
 */
export class FullTextIndex {
  readonly #options: FullTextOptions & typeof defaults
  /** Tables that have an index, or may have one. */
  readonly #indexed = new Set<string>()
  /** When each table that is to be looked at was last written. */
  readonly #due = new Map<string, number>()
  #lastWrite = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(options: FullTextOptions) {
    this.#options = { ...defaults, ...options }
  }

  /** To be called once at start, outside a transaction. Indexes that a stop left behind are taken up again. */
  async prepare(connection: DuckDBConnection): Promise<void> {
    for (const id of await prepareIndexes(connection)) {
      this.#indexed.add(id)
      this.schedule(id)
    }
  }

  /** What a query may rely on, in the snapshot of the connection's transaction. */
  async coverage(connection: DuckDBConnection, tableId: string, source: TextSource): Promise<Coverage> {
    return this.#indexed.has(tableId) ? readCoverage(connection, tableId, source) : NOTHING_COVERED
  }

  /**
   * Notes rows that a write changes or deletes, and rows that it inserts below the table's next `_id`: inside the
   * write's own transaction. Rows appended above need no note.
   * @param rowsBefore - The table's rows before the write.
   * @param ids - An SQL query with one column, the `_id`s.
   */
  async noteChanged(connection: DuckDBConnection, tableId: string, rowsBefore: number, ids: string): Promise<void> {
    if (!this.#mayBeIndexed(tableId, rowsBefore)) return
    await connection.run(`INSERT INTO _text.changed SELECT $1, i.* FROM (${ids}) i`, [tableId])
  }

  /** Notes that the index is void, inside the write's own transaction: columns changed, rows replaced, the table dropped. */
  async noteReset(connection: DuckDBConnection, tableId: string, rowsBefore: number): Promise<void> {
    if (!this.#mayBeIndexed(tableId, rowsBefore)) return
    await connection.run('INSERT INTO _text.changed VALUES ($1, NULL)', [tableId])
  }

  /** To be called after the commit of every write. */
  schedule(tableId: string): void {
    if (this.#stop.signal.aborted) return
    this.#lastWrite = performance.now()
    this.#due.set(tableId, this.#lastWrite)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Waits until every scheduled table is indexed, however recently it was written. */
  async finish(): Promise<void> {
    this.#lastWrite = Number.NEGATIVE_INFINITY
    for (const id of this.#due.keys()) this.#due.set(id, Number.NEGATIVE_INFINITY)
    await this.#running
  }

  /** Stops after the statement that runs; what is unfinished is rolled back and taken up at the next start. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  #mayBeIndexed(tableId: string, rows: number): boolean {
    return rows >= this.#options.rowsMin || this.#indexed.has(tableId)
  }

  async #run(): Promise<void> {
    while (this.#due.size > 0 && !this.#stop.signal.aborted) {
      for (const [id, written] of [...this.#due]) await this.#visit(id, written)
      await this.#sleep(this.#options.pauseMs)
    }
  }

  async #visit(tableId: string, written: number): Promise<void> {
    let done = true
    try {
      const { connection, release } = await this.#options.connect()
      try {
        done = await this.#bringUp(connection, tableId, performance.now() - written >= this.#options.quietMs)
      } finally {
        release()
      }
    } catch (error) {
      if (!this.#stop.signal.aborted && !(await this.#isGone(tableId))) this.#options.failed(tableId, error)
    }
    if (done && this.#due.get(tableId) === written) this.#due.delete(tableId)
  }

  async #isGone(tableId: string): Promise<boolean> {
    return this.#options.source(tableId).then(
      (source) => source === undefined,
      () => false,
    )
  }

  /** Steps until nothing is left to do; false: the rest waits until the table is quiet. */
  async #bringUp(connection: DuckDBConnection, tableId: string, quiet: boolean): Promise<boolean> {
    for (;;) {
      this.#stop.signal.throwIfAborted()
      if (!quiet && (await this.#hasFewPending(connection, tableId))) return false
      await this.#awaitLull()
      const source = await this.#options.source(tableId)
      // Before the snapshot is taken: a write that begins now must note what it changes.
      this.#indexed.add(tableId)
      const outcome = await buildStep(connection, tableId, source, this.#stepOptions())
      if (outcome === 'none') this.#indexed.delete(tableId)
      if (outcome !== 'worked') return true
    }
  }

  /** Whether so few rows are not covered yet that no step is worth it. */
  async #hasFewPending(connection: DuckDBConnection, tableId: string): Promise<boolean> {
    const source = await this.#options.source(tableId)
    if (!source) return false
    const state = this.#indexed.has(tableId) ? await readState(connection, tableId) : undefined
    const reader = await connection.runAndReadAll(
      `SELECT count(*) FROM ${source.table} WHERE _id > ${state?.mark ?? 0}`,
    )
    return Number(reader.getRows()[0]?.[0] ?? 0) + (state?.changed ?? 0) < this.#options.rowsMin
  }

  #stepOptions(): StepOptions {
    const { rowsMin, rowsPerStep, rowsPerStatement } = this.#options
    let since = performance.now()
    const rest = async () => {
      await this.#sleep(Math.min(100, performance.now() - since))
      await this.#giveWay()
      this.#stop.signal.throwIfAborted()
      since = performance.now()
    }
    return { rowsMin, rowsPerStep, rowsPerStatement, rest }
  }

  /** Writes that come one after the other have the machine to themselves for most of the time. */
  async #awaitLull(): Promise<void> {
    const deadline = performance.now() + this.#options.writesPatienceMs
    for (;;) {
      const now = performance.now()
      if (this.#stop.signal.aborted || now >= deadline || now >= this.#lastWrite + LULL_MS) return
      await this.#sleep(50)
    }
  }

  async #giveWay(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (this.#options.busy?.() && !this.#stop.signal.aborted && performance.now() < deadline) await this.#sleep(50)
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }
}

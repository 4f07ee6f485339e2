import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dumped, DumpFormat, DumpPlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import type { ExportedFile } from '../files/exported-file.ts'
import { discard, openExported, readChunk, STALL_MS } from '../files/exported-file.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { Dialect } from './dialect.ts'
import { invalidQuery } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { inSnapshot } from './metadata.ts'
import { trimPages } from './page-cache.ts'
import type { Cell } from './render.ts'
import { listText, objectText } from './render.ts'
import type { Selection } from './selection.ts'
import { distinctOrder, distinctRows, isIdOrder, select, withCtes } from './selection.ts'
import type { Store } from './store.ts'
import { dialectOf, rowsOf } from './store.ts'

/** `_id`s of the first piece: small, so that the first byte comes soon; pieces then grow to about so many bytes. */
const FIRST_PIECE = 2_000
const PIECE_GROWTH = 4
/** A piece whose rows must be sorted is held in memory; one that is written as its rows lie is not, and large is quick. */
const PIECE_BYTES = { sorted: 4 * 1024 * 1024, asTheyLie: 20 * 1024 * 1024 }
/** `_id`s of one piece at most: where a filter leaves few rows, many may follow. */
const WIDEST_PIECE = 250_000

/** A text that DuckDB writes as it is, one row a line. */
const RAW_LINES = "FORMAT csv, HEADER false, QUOTE '', ESCAPE ''"

interface ExportFormat {
  columns(cells: readonly Cell[], dialect: Dialect, line: { before: string; after: string }): string[]
  copyOptions: string
}

const rawLine = (text: string, { before, after }: { before: string; after: string }) => [
  before === '' && after === '' ? text : `concat(${quoteLiteral(before)}, ${text}, ${quoteLiteral(after)})`,
]

const delimited = (cells: readonly Cell[], dialect: Dialect) =>
  cells.map(({ value, type }, index) => `${dialect.csvValue(value, type)} AS c${index}`)

/** How DuckDB writes rows into a file in each format. */
export const exportFormats: Readonly<Record<DumpFormat, ExportFormat>> = {
  csv: { columns: delimited, copyOptions: "FORMAT csv, HEADER false, NULLSTR ''" },
  tsv: { columns: delimited, copyOptions: "FORMAT csv, HEADER false, NULLSTR '', DELIMITER '\t'" },
  lists: { columns: (cells, dialect, line) => rawLine(listText(cells, dialect), line), copyOptions: RAW_LINES },
  ndjson: { columns: (cells, dialect, line) => rawLine(objectText(cells, dialect), line), copyOptions: RAW_LINES },
  parquet: {
    columns: (cells) => cells.map(({ name, value }) => `${value} AS ${quoteIdentifier(name)}`),
    copyOptions: 'FORMAT parquet, COMPRESSION zstd',
  },
}

/** Which rows a piece holds. In `_id` order, `window` alone says between which `_id`s. */
interface PieceCondition {
  condition: string
  window?: string
}

/** A run of rows to write: `_id`s above `after` up to `upTo`, or the whole selection in its own order. */
interface Range {
  after: bigint
  upTo: bigint
}

/**
 * Writes a table as a stream. In `_id` order it comes in pieces from one snapshot, each written by DuckDB into a
 * file (a form that fails loudly, traps T1) and read from there: memory stays flat, and a client that stalls holds
 * neither a thread nor more than two pieces on disk (traps T27).
 */
export async function dumpTable(store: Store, plan: DumpPlan, signal?: AbortSignal): Promise<Dumped> {
  signal?.throwIfAborted()
  const left = new AbortController()
  const abort = () => left.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const { session, release } = await store.client.patientSession(left.signal)
  const { steps } = store.storage
  const leave = async () => {
    signal?.removeEventListener('abort', abort)
    if (!steps && !left.signal.aborted) await session.run('ROLLBACK').catch(() => left.abort())
    release()
  }
  const begin = async () => {
    if (!steps) await session.run('BEGIN TRANSACTION READ ONLY')
    const table = plan.table as StoredTable
    return prepare(store, session, { ...plan, table: steps ? await steps.pin(session, table) : table }, left)
  }
  try {
    const exporter = await store.client.turn(() => (steps ? steps.run(begin) : begin()), left.signal)
    return { kind: 'stream', ...(await exporter.stream(leave)) }
  } catch (error) {
    await leave()
    signal?.throwIfAborted()
    throw invalidQuery(error)
  }
}

async function prepare(store: Store, session: Session, plan: DumpPlan, left: AbortController): Promise<Exporter> {
  const table = plan.table as StoredTable
  const stand = await session.row(
    `SELECT schema_revision, row_count, next_id, revision FROM ${inSnapshot('datastore.main._table_metadata', table)} WHERE resource_id = $1`,
    [table.id],
  )
  if (!stand || Number(stand[0]) !== table.schemaRevision) throw new StaleSchema(`table ${table.id} has changed`)
  const selection = await select(store, session, plan)
  const inPieces = plan.format !== 'parquet' && isIdOrder(plan)
  const range = inPieces ? await idRange(session, selection, plan, BigInt(Number(stand[2]))) : undefined
  const whole = selection.rows === 'all' && !plan.distinct && plan.offset === 0 && plan.limit === undefined
  return new Exporter({
    store,
    session,
    plan,
    selection,
    range,
    expectedRows: whole ? Number(stand[1]) : undefined,
    revision: Number(stand[3]),
    left,
  })
}

/** The `_id`s between which the asked rows lie. */
async function idRange(
  session: Session,
  selection: Selection,
  { offset, limit }: DumpPlan,
  nextId: bigint,
): Promise<Range> {
  const nth = async (n: number) => {
    const [id] =
      (await session.row(
        `${withCtes(selection.ctes)} SELECT t._id FROM ${selection.from} WHERE ${selection.condition} ORDER BY t._id LIMIT 1 OFFSET ${n}`,
      )) ?? []
    return id === undefined || id === null ? undefined : BigInt(String(id))
  }
  if (limit === 0) return { after: 0n, upTo: 0n }
  const first = offset > 0 ? await nth(offset) : 1n
  if (first === undefined) return { after: 0n, upTo: 0n }
  const last = limit === undefined ? undefined : await nth(offset + limit - 1)
  return { after: first - 1n, upTo: last ?? nextId }
}

interface Export {
  readonly store: Store
  readonly session: Session
  readonly plan: DumpPlan
  readonly selection: Selection
  readonly range: Range | undefined
  /** Rows that there must be in the end, where that is known. */
  readonly expectedRows: number | undefined
  /** Of the table in this transaction. */
  readonly revision: number
  /** Aborts when nobody waits for the rest any more. */
  readonly left: AbortController
}

class Exporter {
  readonly #export: Export
  #range: Range | undefined
  #width = FIRST_PIECE
  #rows = 0
  #next: Promise<ExportedFile | undefined> | undefined
  #finished = false

  constructor(given: Export) {
    this.#export = given
    this.#range = given.range
  }

  /** Starts with the first piece in hand, so that what fails at once fails before the answer's status is sent. */
  async stream(leave: () => Promise<void>): Promise<Omit<Extract<Dumped, { kind: 'stream' }>, 'kind'>> {
    const { left, revision } = this.#export
    let piece = await this.#write()
    const size = this.#size(piece)
    this.#next = this.#prefetch()
    let stalled: NodeJS.Timeout | undefined
    let ended = false
    const end = async () => {
      if (ended) return
      ended = true
      this.#finished = true
      clearTimeout(stalled)
      left.signal.removeEventListener('abort', abort)
      await discard(piece)
      await discard(await this.#next?.catch(() => undefined))
      await leave()
    }
    let controller: ReadableStreamDefaultController<Uint8Array>
    const fail = async (reason: unknown) => {
      if (ended) return
      controller.error(reason)
      left.signal.removeEventListener('abort', abort)
      left.abort(reason)
      await end()
    }
    const abort = () => void fail(left.signal.reason)
    const watch = () => {
      clearTimeout(stalled)
      stalled = setTimeout(() => void fail(new Error('the client took nothing for too long')), STALL_MS)
      stalled.unref()
    }
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (given) => {
          controller = given
          left.signal.addEventListener('abort', abort, { once: true })
          watch()
        },
        pull: async () => {
          watch()
          try {
            while (piece) {
              const chunk = await readChunk(piece)
              if (chunk) return controller.enqueue(chunk)
              await discard(piece)
              piece = await this.#next
              // Whoever ended the dump meanwhile has taken care of the piece that was next.
              if (ended) return
              this.#next = this.#prefetch()
            }
            this.#checkRows()
            await end()
            controller.close()
          } catch (error) {
            await fail(error)
          }
        },
        cancel: (reason) => fail(reason ?? new Error('nobody reads the dump any more')),
      },
      { highWaterMark: 0 },
    )
    return { stream, revision, ...size }
  }

  /** How long it will be: exactly, when all is in hand, else as long as rows like those of the first piece are. */
  #size(piece: ExportedFile | undefined): { length?: number; estimatedBytes?: number } {
    const { expectedRows } = this.#export
    const bytes = piece?.bytes ?? 0
    if (this.#finished) return { length: bytes }
    return expectedRows === undefined || this.#rows === 0
      ? {}
      : { estimatedBytes: Math.ceil((bytes / this.#rows) * expectedRows) }
  }

  #prefetch(): Promise<ExportedFile | undefined> {
    const next = this.#write()
    // It is awaited when its turn comes; until then its failure is nobody's.
    next.catch(() => undefined)
    return next
  }

  /** The next piece, or undefined after the last. Empty ones are passed over. */
  async #write(): Promise<ExportedFile | undefined> {
    while (!this.#finished) {
      const condition = this.#nextCondition()
      const piece = await this.#turn(() => this.#copy(condition))
      if (piece.bytes > 0 || this.#export.plan.format === 'parquet') return piece
      await discard(piece)
      await this.#turn(() => this.#skipGap())
    }
    return undefined
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    const { store, left } = this.#export
    return store.client.turn(work, left.signal)
  }

  #step<T>(work: () => Promise<T>): Promise<T> {
    const { steps } = this.#export.store.storage
    return steps ? steps.run(work) : work()
  }

  #nextCondition(): PieceCondition {
    const { condition } = this.#export.selection
    if (!this.#range) {
      this.#finished = true
      return { condition }
    }
    const { after, upTo } = this.#range
    const end = after + BigInt(this.#width) < upTo ? after + BigInt(this.#width) : upTo
    this.#range = { after: end, upTo }
    this.#finished = end >= upTo
    const window = `t._id > ${after} AND t._id <= ${end}`
    return { condition: `${window} AND (${condition})`, window }
  }

  /** Where nothing was found, the next row may be far away. */
  async #skipGap(): Promise<void> {
    if (!this.#range || this.#finished) return
    const { session, selection } = this.#export
    const { ctes, from, condition } = selection
    const { after, upTo } = this.#range
    const sql = `${withCtes(ctes)} SELECT min(t._id) FROM ${from} WHERE t._id > ${after} AND t._id <= ${upTo} AND (${condition})`
    const [next] = (await this.#step(() => session.row(sql))) ?? []
    if (next === null || next === undefined) this.#finished = true
    else this.#range = { after: BigInt(String(next)) - 1n, upTo }
  }

  /**
   * Whether the rows of a piece lie in the file by ascending `_id`, as they mostly do: then DuckDB, which keeps that
   * order, need not sort them. A window without an order sees the rows as they lie.
   */
  async #liesInOrder(window: string): Promise<boolean> {
    const { session, plan, selection } = this.#export
    if (selection.ctes.length > 0) return false
    const [disorder] =
      (await session.row(
        `SELECT 1 FROM (SELECT t._id <= lag(t._id) OVER () AS back FROM ${rowsOf(plan.table as StoredTable)} t WHERE ${window}) WHERE back LIMIT 1`,
      )) ?? []
    return disorder === undefined
  }

  async #copy({ condition, window }: PieceCondition): Promise<ExportedFile> {
    const { store, session, plan, selection } = this.#export
    const { line = { before: '', after: '' }, format, distinct, limit, offset, table } = plan
    const { cells, order, from } = selection
    const { columns, copyOptions } = exportFormats[format]
    const dialect = dialectOf(store, table as StoredTable)
    const selected = columns(cells, dialect, line).join(', ')
    const inOrder = store.storage.keepsOrder && window !== undefined && (await this.#liesInOrder(window))
    const by = inOrder ? '' : order.map(({ value, direction }) => `${value} ${direction}`).join(', ')
    const shown = cells.map((cell, index) => ({ ...cell, value: `c${index}` }))
    const cut = this.#range ? '' : ` LIMIT ${limit ?? 'ALL'} OFFSET ${offset}`
    const rows = distinct
      ? `SELECT ${columns(shown, dialect, line).join(', ')} FROM (${distinctRows(selection)}) ORDER BY ${distinctOrder(selection)}${cut}`
      : `SELECT ${selected} FROM ${from} WHERE ${condition}${by ? ` ORDER BY ${by}` : ''}${cut}`
    const file = join(store.client.folders.export, `${randomUUID()}.${format}`)
    try {
      const copy = `COPY (${withCtes(selection.ctes)} ${rows}) TO ${quoteLiteral(file)} (${copyOptions})`
      this.#rows += await this.#step(() => session.run(copy))
      await trimPages(store.client)
      const piece = await openExported(file)
      if (piece.bytes > 0) this.#adaptWidth(PIECE_BYTES[inOrder ? 'asTheyLie' : 'sorted'] / piece.bytes)
      return piece
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
  }

  #adaptWidth(growth: number): void {
    this.#width = Math.min(WIDEST_PIECE, Math.max(1, Math.round(this.#width * Math.min(PIECE_GROWTH, growth))))
  }

  #checkRows(): void {
    const { expectedRows } = this.#export
    if (expectedRows !== undefined && this.#rows !== expectedRows) {
      throw new Error(`dumped ${this.#rows} of ${expectedRows} rows`)
    }
  }
}

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Column } from '../../../../core/table-schema.ts'
import type { BadCell, LoadPlan } from '../../engine.ts'
import { badFile, DESCRIBED, shorten } from '../../files/bad-file.ts'
import type { Stage } from '../stage-table.ts'
import { loadStage } from '../stage-table.ts'
import type { Store } from '../store.ts'
import { isRefused } from '../values.ts'
import { readCell } from './cell.ts'
import { inferColumns } from './infer.ts'
import { RejectedWriter } from './rejected-writer.ts'
import type { BadRecord, FileRow } from './rows.ts'
import { readRows } from './rows.ts'

/** A file's good rows in a table of their own: JSON lists of the row, its place among the good ones and the cells. */
export interface StagedFile {
  stage: Stage
  /** The file's columns as the table has them. */
  columns: readonly Column[]
  /** Good rows. */
  count: number
  rejected: number
  badCells: BadCell[]
  /** Rows that were left out; with no `bytes` they were too many for a file. */
  left?: { path: string; bytes?: number }
  /** Forgets the stage, and the rows that were left out where nobody has taken them over. */
  drop(): Promise<void>
}

/** Cells of a staged row stand behind its number in the file and its number among the good rows. */
export const FIRST_CELL = 2

/**
 * Reads a file row by row into a staging table, by a load job: nothing that grows with it is held. Where types are to be
 * found in it, all of it is read before.
 *
 * @throws ValidationError (409) naming all bad rows' number and the first bad cells, where the plan does not skip them.
 */
export async function stageFile(store: Store, plan: LoadPlan, signal?: AbortSignal): Promise<StagedFile> {
  const { source, inferred } = plan
  const found =
    inferred.size > 0
      ? await inferColumns(stopping(readRows(source), signal), source.columns, inferred)
      : new Map<string, Column>()
  const columns = plan.columns
    .filter(({ name }) => source.columns.includes(name))
    .map((column) => found.get(column.name) ?? column)
  const path = join(await store.files.folder(), `${randomUUID()}.csv`)
  const writer = new RejectedWriter(path, source.columns, source.format === 'delimited')
  const reading = new Reading(plan, columns, writer)
  let stage: Stage | undefined
  try {
    stage = await loadStage(store, reading.rows(signal), signal)
    const hasRejected = reading.rejected > 0 || plan.rejects !== undefined
    const bytes = hasRejected ? await writer.end() : undefined
    const { drop } = stage
    return {
      stage,
      columns,
      count: reading.count,
      rejected: reading.rejected,
      badCells: reading.badCells,
      ...(hasRejected && { left: { path, ...(bytes !== undefined && { bytes }) } }),
      drop: async () => void (await Promise.all([drop(), writer.discard()])),
    }
  } catch (error) {
    await Promise.all([stage?.drop(), writer.discard()])
    signal?.throwIfAborted()
    // What the client of BigQuery makes of an error of ours is not to be read.
    throw reading.failure ?? error
  }
}

/** One look through a file, with what was found on the way. */
class Reading {
  count = 0
  rejected = 0
  readonly badCells: BadCell[] = []
  failure: unknown
  readonly #plan: LoadPlan
  readonly #columns: readonly { column: Column; index: number }[]
  readonly #writer: RejectedWriter

  constructor(plan: LoadPlan, columns: readonly Column[], writer: RejectedWriter) {
    this.#plan = plan
    this.#columns = columns.map((column) => ({ column, index: plan.source.columns.indexOf(column.name) }))
    this.#writer = writer
  }

  /** The good rows; ends with an error where the plan does not skip the others. */
  async *rows(signal?: AbortSignal): AsyncGenerator<string> {
    const { source, rejects, onError } = this.#plan
    try {
      for await (const row of stopping(readRows(source, rejects), signal)) {
        const cells = 'cells' in row ? this.#read(row) : undefined
        if (cells && (this.rejected === 0 || onError === 'skip')) {
          yield JSON.stringify([String(row.row), String(this.count), ...cells])
          this.count += 1
        } else if (!cells) await this.#leave(row)
      }
      if (onError === 'abort' && this.rejected > 0) throw badFile(this.badCells, this.rejected)
    } catch (error) {
      this.failure = error
      throw error
    }
  }

  /** Undefined: there is a bad cell, which was noted. */
  #read(row: FileRow): (string | null)[] | undefined {
    const cells: (string | null)[] = []
    let isBad = false
    for (const { column, index } of this.#columns) {
      const text = row.cells[index] ?? null
      const reading = readCell(column, text)
      if (reading === null || typeof reading === 'string') cells.push(reading)
      else {
        isBad = true
        const place = { row: row.row, ...(row.line !== undefined && { line: row.line }) }
        this.#note({ ...place, column: column.name, value: shorten(text ?? ''), sentence: reading.sentence })
      }
    }
    return isBad ? undefined : cells
  }

  async #leave(row: FileRow | BadRecord): Promise<void> {
    const isTold = 'isTold' in row && row.isTold === true
    if (!isTold) this.rejected += 1
    if ('cells' in row) return this.#keep(row, this.#sentenceOf(row))
    const { sentence, record } = row
    const cell = { row: row.row, ...(row.line !== undefined && { line: row.line }), value: shorten(record), sentence }
    if (!isTold) this.#note(cell)
    if (row.isEndless && this.#plan.onError === 'skip') throw badFile([cell], 1)
    await this.#keep(row)
  }

  async #keep(row: FileRow | BadRecord, sentence?: string): Promise<void> {
    if (this.#plan.onError === 'skip') await this.#writer.add(row, sentence)
  }

  #sentenceOf(row: FileRow): string {
    for (const { column, index } of this.#columns) {
      const reading = readCell(column, row.cells[index] ?? null)
      if (reading !== null && isRefused(reading)) return reading.sentence
    }
    return ''
  }

  #note(cell: BadCell): void {
    if (this.badCells.length < DESCRIBED) this.badCells.push(cell)
  }
}

async function* stopping<T>(rows: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const row of rows) {
    signal?.throwIfAborted()
    yield row
  }
}

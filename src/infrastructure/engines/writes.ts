import type { Column } from '../../core/table-schema.ts'
import type { Filter } from './reads.ts'
import type { Table } from './table.ts'

/**
 * Records on their way in: newline-delimited JSON objects whose every value is a JSON string, a short number, a
 * boolean or null, so that an engine reads each cell as text without losing a digit.
 */
export interface Records {
  readonly count: number
  /** Names of all columns that at least one record carries, `_id` included where records may carry it. */
  readonly columns: readonly string[]
  /**
   * Column lists that records carry, most records having one of few. Absent columns stay unchanged in an update
   * (contract §8.2). `shapeOf` tells each record's; it is empty when there is only one shape.
   */
  readonly shapes: readonly (readonly string[])[]
  readonly shapeOf: readonly number[]
  /**
   * Columns whose values are all written plainly, with the most digits that stand after a point: numbers of at most 18
   * characters without an exponent, `true` and `false`, `2020-01-31`, `2020-01-31T10:20:30.123456`. No other check is
   * needed than a cast.
   */
  readonly plain: ReadonlyMap<string, number>
  readonly ndjson: readonly Uint8Array[]
}

/** What a table is to be after a create: a new one, or the stored one changed. Columns are listed whole. */
export interface TablePlan {
  id: string
  /** The `schemaRevision` that this plan was made from; undefined: there was no table. Else `StaleSchema` is thrown. */
  basedOn: number | undefined
  columns: readonly Column[]
  primaryKey: readonly string[]
  indexes: readonly (readonly string[])[]
  /** Undefined: as they are. */
  aliases?: readonly string[]
  schemaProperties: Readonly<Record<string, unknown>>
  records?: Records
  /** Columns of the written records, as stored, that are answered. */
  includeRecords?: readonly Column[]
  hasUpdatedAt: boolean
}

export type UpsertMethod = 'upsert' | 'insert' | 'update'

export interface UpsertPlan {
  id: string
  basedOn: number
  method: UpsertMethod
  records: Records
  /** Columns of the written records, as stored, that are answered. */
  includeRecords?: readonly Column[]
  /** Everything is run and checked, then rolled back. */
  dryRun?: boolean
}

/** Which columns of deleted rows are answered, and of how many rows. */
export interface Deleted {
  columns: readonly Column[]
  limit: number
}

export type DeletePlan = { id: string } & (
  | { what: 'table' }
  | { what: 'columns'; basedOn: number; columns: readonly string[] }
  | { what: 'rows'; basedOn: number; filter: Filter | undefined; includeDeleted?: Deleted }
)

/** A file that was received for a load, kept where the engine can read it. */
export interface LoadFile {
  readonly bytes: number
  /** Its bytes once more. */
  open(): ReadableStream<Uint8Array>
  discard(): Promise<void>
}

/** What is in a received file. */
export type LoadSource =
  /** UTF-8 without a header; records end with LF, cells are quoted as RFC 4180 says. An empty cell is null. */
  | {
      format: 'delimited'
      file: LoadFile
      columns: readonly string[]
      delimiter: string
      quote: string
      header: { lines: number }
    }
  /** Lines as in `Records.ndjson`; a column that a record does not carry is null. */
  | { format: 'ndjson'; file: LoadFile; columns: readonly string[] }
  | { format: 'parquet'; file: LoadFile; columns: readonly string[] }

/** What a table is to be after a load: columns, key and the rest as in `TablePlan`, rows from a file. */
export interface LoadPlan extends Omit<TablePlan, 'records' | 'includeRecords'> {
  /** `replace`: the rows are all that the table then has; readers see the old ones until the new ones are whole. */
  method: 'insert' | 'upsert' | 'replace'
  source: LoadSource
  /** Columns whose type the engine finds in the file, all of it: given as text, they come back as they were stored. */
  inferred: ReadonlySet<string>
  /** `skip`: rows with bad cells are left out and counted. */
  onError: 'abort' | 'skip'
  /**
   * Records of the file that were left out before it became the source: lines as in `Records.ndjson`, each with `row`
   * (from 0, ascending), `error` (a sentence) and `record` (its text). They belong to the rejected rows that are kept.
   */
  rejects?: LoadFile
}

/** A cell, or with no column a row, that could not be stored. Rows count from 0, lines of the file from 1. */
export interface BadCell {
  row: number
  line?: number
  column?: string
  value?: string
  sentence: string
}

export interface Loaded extends Written {
  table: Table
  /** Rows that were left out, and what was wrong with the first of them. */
  rejected: number
  badCells: readonly BadCell[]
  /** By which `rejectedRows` finds all of them, `LoadPlan.rejects` among them; absent where they are not kept. Nobody can guess it. */
  rejectedFile?: string
}

/**
 * UTF-8 with a header: `_row` (from 0), `_line` where known, `_error`, `_record` (the text of what is no record, else
 * empty), and the file's own columns as they were. `length` in bytes.
 */
export interface RejectedRows {
  stream: ReadableStream<Uint8Array>
  length: number
}

/** The outcome of a write, after its commit. */
export interface Written {
  /** The table as it now stands; undefined after a drop. */
  table: Table | undefined
  /** Rows that were inserted, updated or deleted. */
  affected: number
  /** Stored rows as JSON objects (without brackets), where the plan asked for them. */
  records?: Uint8Array
  /** Sentences for the caller: what was rounded or dropped on the way in. */
  warnings: readonly string[]
}

import type { Column } from '../../core/table-schema.ts'
import type {
  Dumped,
  DumpPlan,
  Found,
  InspectedSql,
  SearchPlan,
  SqlDumped,
  SqlDumpPlan,
  SqlPlan,
  SqlResult,
} from './reads.ts'
import type { Revision, Table, TableListing, TableSize, Version } from './table.ts'
import type { DeletePlan, Loaded, LoadFile, LoadPlan, RejectedRows, TablePlan, UpsertPlan, Written } from './writes.ts'

export type * from './reads.ts'
export * from './table.ts'
export type * from './writes.ts'

/** Every call that waits takes the signal of whoever waits for it, and stops when that aborts. */
export interface CallOptions {
  signal?: AbortSignal
}

export interface DescribeOptions extends CallOptions {
  /** The caller is about to write: an engine may answer from where it writes. */
  toWrite?: boolean
}

/** What an engine can do beyond the required; what it can't, the service answers with 501. */
export interface Supports {
  history?: boolean
  maintain?: boolean
  backup?: boolean
  check?: boolean
  sqlDownload?: boolean
}

/** All data of one moment as one file. `length` in bytes. */
export interface BackupFile {
  stream: ReadableStream<Uint8Array>
  length: number
}

/** What a check has found. */
export interface CheckReport {
  tables: number
  problems: readonly { table: string; sentence: string }[]
}

/** A table of another service, and what was made of it. */
export interface Adoption {
  id: string
  /** Why it was not taken over, as a sentence. */
  refusal?: string
  count: number
  columns: readonly string[]
  primaryKey: readonly string[]
  /** Sentences: what is not shown, and what could not be kept. */
  warnings: readonly string[]
}

/** What maintenance has done, step by step. */
export interface MaintenanceReport {
  steps: readonly { name: string; milliseconds: number }[]
}

export interface MaintainOptions extends CallOptions {
  /** Gives up every older revision now, and deletes for good what only they hold. */
  forget?: boolean
}

/** How busy an engine is just now, for `/metrics`. Keys are kinds of work in the engine's own words. */
export interface EngineActivity {
  running: Readonly<Record<string, number>>
  waiting: Readonly<Record<string, number>>
  connections?: Readonly<Record<string, number>>
}

/** A storage engine. A folder under `engines/` whose `index.ts` default-exports a factory; see README.md there. */
export interface Engine {
  readonly name: string
  /** For people, at start: where the data lives. */
  readonly location: string
  readonly supports: Supports
  /** A folder for files of this process alone, where downloads of whole tables may be kept. Empty at the start. */
  readonly scratch?: string

  /** The table with this id or alias, or undefined. */
  describe(idOrAlias: string, options?: DescribeOptions): Promise<Table | undefined>
  /**
   * Where `supports.history`: the table as it was, for searches and dumps; undefined where it had no such version, or where that
   * was given up. What had this id before the table was made is no version of it.
   *
   * @param table - As it is now.
   */
  describeVersion?(table: Table, version: Version, options?: CallOptions): Promise<Table | undefined>
  /** Where `supports.history`: revisions of a table that can be read, the newest first, `table`'s own among them. */
  revisions?(table: Table, page: { limit: number }, options?: CallOptions): Promise<Revision[]>
  size(id: string, options?: CallOptions): Promise<TableSize>
  /** Tables in the order of their ids, from the one after `after`. */
  list(page: { after?: string; limit: number }, options?: CallOptions): Promise<TableListing[]>

  /** Makes or alters a table and appends records, in one transaction. */
  create(plan: TablePlan, options?: CallOptions): Promise<Written>
  upsert(plan: UpsertPlan, options?: CallOptions): Promise<Written>
  delete(plan: DeletePlan, options?: CallOptions): Promise<Written>

  /** Keeps a file for a load, taking from the stream no more than it can store. What it can't keep leaves nothing behind. */
  receive(body: ReadableStream<Uint8Array>, options?: CallOptions): Promise<LoadFile>
  /** The columns of a Parquet file as the table's columns that hold them without loss. */
  parquetColumns(file: LoadFile, options?: CallOptions): Promise<Column[]>
  /** Makes, fills or refills a table from a received file, in one transaction. The file stays; its owner discards it. */
  load(plan: LoadPlan, options?: CallOptions): Promise<Loaded>
  /**
   * The rows that a load into this table has left out, as a csv file; undefined when there is no such file, or none any
   * more. Without this member rejected rows are not kept.
   */
  rejectedRows?(id: string, rejectedFile: string, options?: CallOptions): Promise<RejectedRows | undefined>

  search(plan: SearchPlan, options?: CallOptions): Promise<Found>
  dump(plan: DumpPlan, options?: CallOptions): Promise<Dumped>

  /** The engine's gate: refuses (403, 409) what may not run, and tells what the rest reads and calls. */
  inspectSql(sql: string, options?: CallOptions): Promise<InspectedSql>
  runSql(plan: SqlPlan, options?: CallOptions): Promise<SqlResult>
  /** Where `supports.sqlDownload`. The signal stops the statement; a stream that it gave is its reader's to cancel. */
  dumpSql?(plan: SqlDumpPlan, options?: CallOptions): Promise<SqlDumped>

  /** Where `supports.backup`. Reads and writes go on meanwhile. */
  backup?(options?: CallOptions): Promise<BackupFile>
  /** Where `supports.check`: reads everything, and compares it with the metadata. */
  check?(options?: CallOptions): Promise<CheckReport>
  /** Where `supports.maintain`, beside reads and writes. Undefined: another process is at it. */
  maintain?(options?: MaintainOptions): Promise<MaintenanceReport | undefined>
  activity?(): EngineActivity

  /**
   * Takes over every table that another service keeps where this engine keeps its own: rows stay untouched. Tables that
   * were taken over before are left out. `dryRun`: only tells what would be done.
   */
  adopt?(options?: CallOptions & { dryRun?: boolean }): AsyncIterable<Adoption>

  /** Throws when the engine can't answer just now. */
  healthcheck(options?: CallOptions): Promise<void>
  /** Waits for running writes, flushes and lets go of everything. */
  close(): Promise<void>
}

/** Thrown when a table's columns, key or aliases changed after a plan was made: describe and plan again. */
export class StaleSchema extends Error {
  readonly code = 'ERR_STALE_SCHEMA'
}

import type { Column, TableSchema } from '../../core/table-schema.ts'
import { primaryKeyOf } from '../../core/table-schema.ts'

/** Bytes in one piece or as a stream. A stream that can't be finished must error; it never ends as if whole. */
export type Bytes = Uint8Array | ReadableStream<Uint8Array>

/** Every call that waits takes the signal of whoever waits for it, and stops when that aborts. */
export interface CallOptions {
  signal?: AbortSignal
}

/** A stored table as it stands at one revision. */
export interface Table {
  /** The resource id. */
  readonly id: string
  /** Newest first. */
  readonly aliases: readonly string[]
  /** The user's columns in order, without `_id` and `_updated_at`. */
  readonly columns: readonly Column[]
  readonly primaryKey: readonly string[]
  /** Column lists of the declared indexes. */
  readonly indexes: readonly (readonly string[])[]
  /** Properties of the Frictionless schema beside `fields`, as given; the key that holds is `primaryKey` above. */
  readonly schemaProperties: Readonly<Record<string, unknown>>
  /** Whether the table carries `_updated_at`. */
  readonly hasUpdatedAt: boolean
  /** Rows, exactly. */
  readonly count: number
  /** Moves with every write. */
  readonly revision: number
  /** Moves with every change of columns, key or aliases. */
  readonly schemaRevision: number
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly updatedAt: string
  /** It stands no more: whatever reads by this table reads its rows as they were at this revision. */
  readonly isPast?: boolean
}

/** Which version of a table is meant: one of its revisions, or the one that stood at a moment (ISO 8601, UTC). */
export type Version = { revision: number } | { asOf: string }

/** One commit of a table. */
export interface Revision {
  revision: number
  /** ISO 8601, UTC. */
  committedAt: string
}

/**
 * What tells a table at one moment from itself at any other, and from a table of the same id elsewhere, such as in a
 * restored backup.
 */
export function stateOf({ id, revision, createdAt, updatedAt }: Table): readonly (string | number)[] {
  return [id, revision, createdAt, updatedAt]
}

/** Bytes on disk: of the table, of its indexes, of everything. */
export interface TableSize {
  table: number
  indexes: number
  total: number
}

export interface TableListing {
  id: string
  aliases: readonly string[]
}

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

/** A checked filter: columns exist, values are texts that their column's type can read (null: IS NULL). */
export type Filter =
  | { op: 'and' | 'or'; filters: readonly Filter[] }
  | { op: 'eq' | 'lt' | 'lte' | 'gt' | 'gte'; column: Column; value: string | null }
  | { op: 'in'; column: Column; values: readonly (string | null)[] }

/** A full-text condition on the whole row, or on one column. */
export interface TextQuery {
  column?: Column
  text: string
  /** True: all words, no operators. False: PostgreSQL's tsquery syntax. */
  plain: boolean
  /** A text-search configuration, such as `english` or `simple`. */
  language: string
  /** The name of the rank column that it adds: `rank`, `rank <col>`. */
  rank: string
}

export interface SortKey {
  /** A column, or the name of a rank column. */
  by: Column | { rank: string }
  descending: boolean
  nulls?: 'first' | 'last'
}

export type RecordsFormat = 'objects' | 'lists' | 'csv' | 'tsv'

export interface SearchPlan {
  table: Table
  /** What is shown, in order: columns (system columns included) and rank columns. */
  projection: readonly (Column | { rank: string })[]
  filter?: Filter
  textQueries: readonly TextQuery[]
  sort: readonly SortKey[]
  distinct: boolean
  limit: number
  offset: number
  format: RecordsFormat
  includeTotal: boolean
  /** Also answer the last `_id` of the page. */
  includeLastId: boolean
}

export interface Found {
  /** In the asked format: comma-separated JSON values without the brackets, or csv/tsv lines. */
  records: Bytes
  /** Rows in `records`, when they are known. */
  rows?: number
  total?: number
  lastId?: string
  revision: number
}

/** What the engine's own parser says about a statement, after its gate has let it through. */
export interface InspectedSql {
  sql: string
  /** Names of the base tables that it reads, as written: ids or aliases. */
  tables: readonly string[]
  /** Names of the functions that it calls, lower-case. */
  functions: readonly string[]
  estimatedBytes?: number
  /** Calls nothing that depends on time or chance: equal rows give an equal result. Absent: who knows. */
  repeatable?: boolean
}

/** An inspected statement whose every table has been authorized. */
export interface SqlPlan extends InspectedSql {
  /** The real tables, by the names that the statement uses. */
  resolved: ReadonlyMap<string, Table>
  rowsMax: number
  format: RecordsFormat
  /** Its constant LIMIT and OFFSET, and the statement without them, whose rows are to be counted. */
  page?: { limit: number; offset: number; countSql: string }
}

export interface SqlResult {
  fields: readonly { id: string; type: string }[]
  records: Bytes
  rows: number
  truncated: boolean
  total?: number
}

/** `lists` and `ndjson`: one JSON text a line. `parquet` is a whole file. */
export type DumpFormat = 'csv' | 'tsv' | 'lists' | 'ndjson' | 'parquet'

export interface DumpPlan extends Omit<SearchPlan, 'format' | 'includeTotal' | 'includeLastId' | 'limit'> {
  format: DumpFormat
  /** What stands around each line of `lists` beside its line end. */
  line?: { before: string; after: string }
  limit?: number
  /** All rows and columns in their own order: a file that is worth making once for everybody. */
  whole?: boolean
  /** Several files, each whole by itself, are an answer. */
  parts?: boolean
  /** Set where `header` and the rows after it are the whole file: only then a redirect to it is an answer. */
  file?: { header: string; filename: string; contentType: string }
}

/** One file of several. `length` in bytes. */
export interface DumpPart {
  length: number
  open(): ReadableStream<Uint8Array>
}

/**
 * `stream`: the rows alone; what stands around them (header, brackets) is the service's. `length` in bytes, where it is
 * known; else, for a whole table, about how many they will be. `revision` is that of the table which the rows show.
 * `parts`: files in the order of their rows, only for who asked for `parts`.
 */
export type Dumped =
  | { kind: 'stream'; stream: ReadableStream<Uint8Array>; length?: number; estimatedBytes?: number; revision?: number }
  | { kind: 'parts'; parts: readonly DumpPart[]; revision?: number }
  | { kind: 'redirect'; url: string }
  | { kind: 'too large'; hint: string }

/** An inspected statement whose every table has been authorized, to be written as a file. */
export interface SqlDumpPlan extends InspectedSql {
  resolved: ReadonlyMap<string, Table>
  format: DumpFormat
  line?: { before: string; after: string }
  /** Several files, each whole by itself, are an answer. */
  parts?: boolean
  /** Set where the rows, as they are, are the whole file: only then a redirect to it is an answer. */
  file?: DumpPlan['file']
  /** More rows are too large. Undefined: as many as there are. */
  rowsMax?: number
}

/** As `Dumped`, with the result's columns. */
export type SqlDumped =
  | (Extract<Dumped, { kind: 'stream' }> & { fields: readonly { id: string; type: string }[] })
  | Exclude<Dumped, { kind: 'stream' }>

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
  describe(idOrAlias: string, options?: CallOptions): Promise<Table | undefined>
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

/** The Frictionless Table Schema of a table, as it was given. */
export function tableSchema(table: Pick<Table, 'columns' | 'primaryKey' | 'schemaProperties'>): TableSchema {
  const { primaryKey: given, ...properties } = table.schemaProperties as Partial<TableSchema>
  const stands =
    given !== undefined && JSON.stringify(primaryKeyOf({ primaryKey: given })) === JSON.stringify(table.primaryKey)
  const primaryKey = stands ? given : table.primaryKey.length > 0 ? [...table.primaryKey] : undefined
  return {
    ...properties,
    fields: table.columns.map((column) => column.field),
    ...(primaryKey !== undefined && { primaryKey }),
  }
}

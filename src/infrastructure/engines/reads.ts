import type { Column } from '../../core/table-schema.ts'
import type { Table } from './table.ts'

/** Bytes in one piece or as a stream. A stream that can't be finished must error; it never ends as if whole. */
export type Bytes = Uint8Array | ReadableStream<Uint8Array>

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

import type { Session } from '../duckdb/client.ts'
import type { Lock } from './lock.ts'
import type { SeenStand } from './stand.ts'

/** Where a lake's catalog is, and how it is shared. */
export interface Catalog {
  /** For people; without a password. */
  readonly location: string
  readonly extensions: readonly string[]
  /** Whether a second instance can read beside the one that writes. */
  readonly shared: boolean
  /** Whether all that one read asks the catalog for is of one moment. */
  readonly isolated: boolean
  /** Rows of a write that are kept in the catalog; of more a file is made. */
  readonly inlinedRows: number
  /** Names that its database keeps for itself in each table, so in those with the rows that are kept there, too. */
  readonly reserved?: RegExp
  /** Statements before the lake is attached: secrets, which never show. */
  readonly prepare: readonly string[]
  /** What stands after `ducklake:`, and options of ATTACH. */
  readonly path: string
  readonly options: readonly string[]
  openLock(): Promise<Lock>
  /**
   * SQL that asks the catalog's own tables, which `query` names by `of`: DuckLake's own functions are slow where there is much, and
   * don't tell all.
   */
  ask(query: (of: (table: string) => string) => string): string
  /**
   * SQL of a query for the names of those of these tables that hold rows and deletions until they are written to files, and may
   * have some. Absent where nobody can be asked.
   */
  readonly inlined?: string
  /** Where the lake stands. `known`: the last snapshot so far, for whoever has seen one. */
  stand(session: Session, known: number): Promise<SeenStand>
  /** Tells it from other catalogs, and from a copy of itself elsewhere. */
  identity(session: Session): Promise<string>
  /** Bytes of the catalog itself. */
  size(session: Session): Promise<number>
}

/** The name under which DuckLake attaches the catalog. */
export const METADATA = '__ducklake_metadata_datastore'

/** Rows that a catalog keeps of a write. More bring nothing (measured). */
export const INLINED_ROWS = 10

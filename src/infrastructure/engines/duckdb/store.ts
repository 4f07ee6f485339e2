import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { Table, TablePlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import type { RejectedFiles } from '../files/rejected-files.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { WriteQueue } from '../write-queue.ts'
import type { Client, Session } from './client.ts'
import type { Dialect } from './dialect.ts'
import { createDialect } from './dialect.ts'
import { translateFailure } from './failures.ts'
import type { FullTextIndex } from './full-text/builder.ts'
import type { StoredTable } from './metadata.ts'
import { inSnapshot, readById, scaleOf } from './metadata.ts'
import type { ColumnChanges } from './retype.ts'
import { dropStage } from './stage.ts'
import type { TableCache } from './table-cache.ts'

/** What the parts of this engine share. */
export interface Store {
  /** What reads. */
  readonly client: Client
  /** What writes; the same one, where one instance can do both. */
  readonly writer: Client
  readonly storage: Storage
  readonly queue: WriteQueue
  readonly tables: TableCache
  readonly msInTimestamp: boolean
  readonly fullText: Pick<FullTextIndex, 'coverage' | 'noteChanged' | 'noteReset' | 'schedule'>
  /** Where rows are kept that loads have left out; absent where no folder could be made for them. */
  readonly rejectedFiles?: RejectedFiles
  /** Called after a change of definition has been committed: the log should not have to replay it (traps T14). */
  readonly definitionChanged: () => void
}

/** What a DuckDB file and a lake do each in its own way. */
export interface Storage {
  /** Whether rows that are asked for without an order come as they were written, each time. */
  readonly keepsOrder: boolean
  readonly jsonItems: 'JSON' | 'VARCHAR'
  /**
   * Runs a write as one transaction: all of it or nothing, with nobody else's between its reads and its writes. It may be
   * run again when it met another.
   *
   * @param id - The table.
   * @param committed - Called after the commit and before anybody else's turn.
   */
  transaction<T extends Changed>(
    session: Session,
    id: string,
    work: () => Promise<T>,
    committed: (result: T) => void,
  ): Promise<T>
  /** Changes columns in the transaction of a write, before rows are written. Nothing that is stored in the others is lost. */
  changeColumns(session: Session, id: string, changes: ColumnChanges): Promise<void>
  /**
   * Lets a caller's own SQL on this session see these tables, by these names, and nothing of the lake or the file that the
   * gate can't judge. To be called before its transaction begins.
   *
   * @returns What must stand before the statement.
   */
  expose(session: Session, tables: ReadonlyMap<string, Table>): Promise<string>
  /** How a read takes several steps where a transaction may see more than one moment. */
  readonly steps?: {
    /** The table as it is now, to be read so by every step. */
    pin(session: Session, table: StoredTable): Promise<StoredTable>
    /** Runs a step, outside of any transaction, until all of it has seen one moment. */
    run<T>(work: () => Promise<T>): Promise<T>
  }
  /**
   * Refuses names that can't be kept as they are.
   *
   * @throws ValidationError naming the first.
   */
  checkNames(plan: Pick<TablePlan, 'id' | 'aliases' | 'columns'>): void
  /**
   * Refuses staged values that can't be kept as they are.
   *
   * @throws ValidationError naming the row and the column.
   */
  checkValues(session: Session, columns: readonly Column[]): Promise<void>
}

/** What a write has made of its table; undefined: it is gone. */
export interface Changed {
  table: StoredTable | undefined
}

/** The name in the write queue under which tables come and go and aliases change hands. */
export const CATALOG = ''

/** The full name of a table's data: temporary tables of the same name can't come between. */
export function tableName(id: string): string {
  return `datastore.main.${quoteIdentifier(id)}`
}

/** A table's data as they stand in FROM: as they are, or as they were in the table's snapshot. */
export function rowsOf(table: Pick<StoredTable, 'id' | 'snapshot'>): string {
  return inSnapshot(tableName(table.id), table)
}

export function dialectOf(
  store: Pick<Store, 'msInTimestamp' | 'storage'>,
  { scales }: Pick<StoredTable, 'scales'>,
): Dialect {
  return createDialect({
    msInTimestamp: store.msInTimestamp,
    scaleOf: ({ name }) => scaleOf(scales, name),
    jsonItems: store.storage.jsonItems,
  })
}

export { ID_COLUMN, UPDATED_AT_COLUMN }

/** Runs one write on a connection of its own, alone among the writes of these names. */
export async function write<T>(
  store: Store,
  names: readonly string[],
  work: (session: Session) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return store.queue.run(names, () => writeInTurn(store, names, work, signal), signal)
}

/** The same for who has the turn of these names already. */
export async function writeInTurn<T>(
  store: Store,
  names: readonly string[],
  work: (session: Session) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const run = async (session: Session) => {
    try {
      return await work(session)
    } catch (error) {
      // If it was the commit that failed, only the file knows what it left.
      for (const name of names) store.tables.delete(name)
      throw translateFailure(error)
    } finally {
      await dropStage(session)
    }
  }
  return store.writer.session(run, signal, 'writes')
}

/** Runs the transaction of a write, and remembers what it has made of the table. */
export async function commit<T extends Changed>(
  store: Store,
  session: Session,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  const result = await store.storage.transaction(session, id, work, ({ table }) => {
    if (table) store.tables.set(id, table)
    else store.tables.delete(id)
  })
  store.fullText.schedule(id)
  return result
}

/** The table that a plan was made for, as it is now: changed since, the plan must be made again. */
export async function currentTable(
  store: Store,
  session: Session,
  id: string,
  basedOn: number | undefined,
): Promise<StoredTable | undefined> {
  const table = store.tables.get(id) ?? (await readById(session, id))
  if (table?.schemaRevision !== basedOn) throw new StaleSchema(`table ${id} has changed`)
  return table
}

/**
 * The revision that a write makes: above the one before, and above that of any table of this name that was dropped, or was lost
 * when the data was set back to an earlier state. Caches know answers by it.
 */
export function nextRevision(current: Pick<Table, 'revision'> | undefined): number {
  return Math.max((current?.revision ?? 0) + 1, Date.now())
}

/** The time of a write: after that of the one before, also where the clocks of two processes differ. */
export function nextTime(current: Pick<Table, 'updatedAt'> | undefined): string {
  return new Date(Math.max(current ? Date.parse(current.updatedAt) + 1 : 0, Date.now())).toISOString()
}

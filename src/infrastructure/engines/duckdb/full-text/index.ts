import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Coverage } from './postings.ts'
import { NOTHING_COVERED } from './postings.ts'
import type { TextColumn, TextSource } from './source.ts'

/**
 * The index of one table: its words and where they are, up to the row `mark`. It lies in the schema `_text`, in tables
 * of a generation's own: `terms_<n>` (id, term) and `postings_<n>` (term, col, _id, tf). Tokens are kept as they stand
 * in the text, so one index serves every language. Rows above the mark and rows noted in `changed` are read as text.
 */
export interface IndexState {
  readonly generation: number
  readonly mark: number
  /** The columns it was built from; a posting's `col` is a position here. */
  readonly columns: readonly Pick<TextColumn, 'name' | 'text'>[]
  /** How often a few rows were added: each time makes the postings a little less sorted. */
  readonly smallSteps: number
  /** Rows up to the mark that were changed or deleted since. */
  readonly changed: number
  /** Something happened that no list of rows can say: the index is void. */
  readonly reset: boolean
}

const SCHEMA = [
  'CREATE SCHEMA IF NOT EXISTS _text',
  'CREATE TABLE IF NOT EXISTS _text.indexes (table_id VARCHAR, generation INTEGER, mark BIGINT, columns VARCHAR, small_steps INTEGER)',
  'CREATE TABLE IF NOT EXISTS _text.changed (table_id VARCHAR, _id BIGINT)',
]

/** Makes what the indexes need in a new file; answers the ids of the tables that have one. */
export async function prepareIndexes(connection: DuckDBConnection): Promise<string[]> {
  for (const statement of SCHEMA) await connection.run(statement)
  const reader = await connection.runAndReadAll('SELECT DISTINCT table_id FROM _text.indexes')
  return reader.getRows().map(([id]) => String(id))
}

export async function readState(connection: DuckDBConnection, tableId: string): Promise<IndexState | undefined> {
  const row = await firstRow(
    connection,
    'SELECT generation, mark, columns, small_steps, (SELECT count(_id) FROM _text.changed c WHERE c.table_id = i.table_id AND c._id <= i.mark), ' +
      'EXISTS (SELECT 1 FROM _text.changed c WHERE c.table_id = i.table_id AND c._id IS NULL) FROM _text.indexes i WHERE table_id = $1',
    [tableId],
  )
  if (!row) return undefined
  const [generation, mark, columns, smallSteps, changed, reset] = row
  return {
    generation: Number(generation),
    mark: Number(mark),
    columns: JSON.parse(String(columns)),
    smallSteps: Number(smallSteps),
    changed: Number(changed),
    reset: Boolean(reset),
  }
}

/** What the index answers for a query on this source, in the snapshot of the connection's transaction. */
export async function readCoverage(
  connection: DuckDBConnection,
  tableId: string,
  source: TextSource,
): Promise<Coverage> {
  const state = await readState(connection, tableId)
  const columns = state && matchColumns(state, source)
  if (!state || !columns || state.reset || state.mark === 0) return NOTHING_COVERED
  const stale = state.changed > 0 ? `_id IN (${changedRows(tableId)})` : undefined
  const newer = await firstRow(connection, `SELECT 1 FROM ${source.table} WHERE _id > ${state.mark} LIMIT 1`)
  return {
    index: { ...tableNames(state.generation), stale, columns },
    rest: [
      ...(newer ? [{ condition: `t._id > ${state.mark}` }] : []),
      ...(stale ? [{ condition: `t._id <= ${state.mark} AND t.${stale}`, few: true }] : []),
    ],
  }
}

/** The index's number of each of the source's columns; undefined when they are not the same columns. */
export function matchColumns(state: Pick<IndexState, 'columns'>, source: TextSource): number[] | undefined {
  if (state.columns.length !== source.columns.length) return undefined
  const numbers = source.columns.map(({ name, text }) =>
    state.columns.findIndex((column) => column.name === name && column.text === text),
  )
  return numbers.includes(-1) ? undefined : numbers
}

export function tableNames(generation: number): { postings: string; terms: string } {
  return { postings: `_text.postings_${generation}`, terms: `_text.terms_${generation}` }
}

/** The rows noted as changed: an SQL query. */
export function changedRows(tableId: string): string {
  return `SELECT _id FROM _text.changed WHERE table_id = ${quoteLiteral(tableId)}`
}

export async function firstRow(
  connection: DuckDBConnection,
  sql: string,
  values?: (string | number)[],
): Promise<DuckDBValue[] | undefined> {
  const reader = await connection.runAndReadAll(sql, values)
  return reader.getRows()[0]
}

import type { DuckDBConnection } from '@duckdb/node-api'
import { quoteLiteral } from '../../sql/quote.ts'
import type { IndexState } from './index.ts'
import { firstRow, matchColumns, readState, tableNames } from './index.ts'
import type { TextSource } from './source.ts'
import type { RowSet } from './tokens.ts'
import { tokensSql } from './tokens.ts'

export interface StepOptions {
  /** Rows below which a table gets no index. */
  rowsMin: number
  /** Rows that one transaction indexes. */
  rowsPerStep: number
  /** Rows whose text one statement reads. */
  rowsPerStatement: number
  /** Waits between two statements, so that others have their turn. */
  rest: () => Promise<void>
}

/** What a step did. `idle`: nothing was left to do. `none`: the table has no index and needs none. */
export type StepOutcome = 'worked' | 'idle' | 'none'

/** Postings that grew by a few rows more often than this are sorted anew, by building them again. */
const SMALL_STEPS_MAX = 200

/** Part of the indexed rows, changed since, from which building again is cheaper than replacing. */
const CHANGED_SHARE = 0.3

/**
 * Brings a table's index a bounded piece closer to the table, in one transaction. It writes only into tables of the
 * index; what others write meanwhile never collides with it, because they only append to `_text.changed`.
 */
export async function buildStep(
  connection: DuckDBConnection,
  tableId: string,
  source: TextSource | undefined,
  options: StepOptions,
): Promise<StepOutcome> {
  await connection.run('BEGIN TRANSACTION')
  try {
    const outcome = await step(connection, tableId, source, options)
    await connection.run('COMMIT')
    return outcome
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => undefined)
    throw error
  } finally {
    await connection.run('DROP TABLE IF EXISTS temp._text_batch').catch(() => undefined)
  }
}

async function step(
  connection: DuckDBConnection,
  tableId: string,
  source: TextSource | undefined,
  options: StepOptions,
): Promise<StepOutcome> {
  const state = await readState(connection, tableId)
  if (state && (!source || isVoid(state, source))) {
    await discard(connection, tableId, state)
    return source ? 'worked' : 'none'
  }
  if (!source) {
    await forgetChanges(connection, tableId)
    return 'none'
  }
  if (!state) return start(connection, tableId, source, options)
  if (state.changed > 0) return replaceChanged(connection, tableId, source, state, options)
  return extend(connection, tableId, source, state, options)
}

function isVoid(state: IndexState, source: TextSource): boolean {
  return (
    state.reset ||
    state.smallSteps > SMALL_STEPS_MAX ||
    !matchColumns(state, source) ||
    state.changed > Math.max(1000, CHANGED_SHARE * state.mark)
  )
}

async function discard(connection: DuckDBConnection, tableId: string, { generation }: IndexState): Promise<void> {
  const { postings, terms } = tableNames(generation)
  await connection.run(`DROP TABLE IF EXISTS ${postings}`)
  await connection.run(`DROP TABLE IF EXISTS ${terms}`)
  await connection.run('DELETE FROM _text.indexes WHERE table_id = $1', [tableId])
  await forgetChanges(connection, tableId)
}

async function forgetChanges(connection: DuckDBConnection, tableId: string): Promise<void> {
  await connection.run('DELETE FROM _text.changed WHERE table_id = $1', [tableId])
}

async function start(
  connection: DuckDBConnection,
  tableId: string,
  source: TextSource,
  { rowsMin }: StepOptions,
): Promise<StepOutcome> {
  await forgetChanges(connection, tableId)
  const [count] = (await firstRow(connection, `SELECT count(*) FROM ${source.table}`)) ?? []
  if (Number(count) < rowsMin) return 'none'
  const [last] = (await firstRow(connection, 'SELECT coalesce(max(generation), 0) FROM _text.indexes')) ?? []
  const generation = Number(last) + 1
  const { postings, terms } = tableNames(generation)
  await connection.run(`CREATE TABLE ${terms} (id INTEGER, term VARCHAR)`)
  await connection.run(`CREATE TABLE ${postings} (term INTEGER, col SMALLINT, _id BIGINT, tf UTINYINT)`)
  const columns = JSON.stringify(source.columns.map(({ name, text }) => ({ name, text })))
  await connection.run('INSERT INTO _text.indexes VALUES ($1, $2, 0, $3, 0)', [tableId, generation, columns])
  return 'worked'
}

/** Indexes the next rows above the mark. */
async function extend(
  connection: DuckDBConnection,
  tableId: string,
  source: TextSource,
  { generation, mark }: IndexState,
  options: StepOptions,
): Promise<StepOutcome> {
  let to = mark
  let rows = 0
  while (rows < options.rowsPerStep) {
    const next = await nextRows(connection, source, to, Math.min(options.rowsPerStatement, options.rowsPerStep - rows))
    if (!next) break
    await tokenizeRows(connection, source, { condition: `t._id > ${to} AND t._id <= ${next.to}` })
    await options.rest()
    to = next.to
    rows += next.rows
  }
  if (rows === 0) return 'idle'
  await appendBatch(connection, generation, options)
  const small = rows * 2 < options.rowsPerStep ? 1 : 0
  await connection.run(`UPDATE _text.indexes SET mark = $2, small_steps = small_steps + ${small} WHERE table_id = $1`, [
    tableId,
    to,
  ])
  await connection.run(`DELETE FROM _text.changed WHERE table_id = $1 AND _id > ${mark} AND _id <= ${to}`, [tableId])
  return 'worked'
}

/** Up to `limit` rows after `from`, in the order of `_id`: how many and the last of them. */
async function nextRows(
  connection: DuckDBConnection,
  source: TextSource,
  from: number,
  limit: number,
): Promise<{ to: number; rows: number } | undefined> {
  const counted = async (rows: string) => {
    const [to, count] = (await firstRow(connection, `SELECT max(_id), count(*) FROM (${rows})`)) ?? []
    return { to: Number(to), rows: Number(count) }
  }
  const ids = `SELECT _id FROM ${source.table} WHERE _id > ${from}`
  // Where no row is missing this is an order of magnitude cheaper than sorting.
  const dense = await counted(`${ids} AND _id <= ${from + limit}`)
  if (dense.rows * 2 >= limit) return dense
  const sorted = await counted(`${ids} ORDER BY _id LIMIT ${limit}`)
  return sorted.rows > 0 ? sorted : undefined
}

/** Indexes rows anew that were changed after they had been indexed, and forgets those that were deleted. */
async function replaceChanged(
  connection: DuckDBConnection,
  tableId: string,
  source: TextSource,
  { generation, mark }: IndexState,
  options: StepOptions,
): Promise<StepOutcome> {
  const { postings } = tableNames(generation)
  const batch =
    `SELECT DISTINCT _id FROM _text.changed WHERE table_id = ${quoteLiteral(tableId)} AND _id <= ${mark} ` +
    `ORDER BY _id LIMIT ${options.rowsPerStatement}`
  await connection.run(`CREATE OR REPLACE TEMP TABLE _text_ids AS ${batch}`)
  await tokenizeRows(connection, source, { condition: 't._id IN (SELECT _id FROM temp._text_ids)', few: true })
  await options.rest()
  await connection.run(`DELETE FROM ${postings} WHERE _id IN (SELECT _id FROM temp._text_ids)`)
  await appendBatch(connection, generation, options)
  await connection.run('DELETE FROM _text.changed WHERE table_id = $1 AND _id IN (SELECT _id FROM temp._text_ids)', [
    tableId,
  ])
  await connection.run('UPDATE _text.indexes SET small_steps = small_steps + 1 WHERE table_id = $1', [tableId])
  await connection.run('DROP TABLE temp._text_ids')
  return 'worked'
}

async function tokenizeRows(connection: DuckDBConnection, source: TextSource, rows: RowSet): Promise<void> {
  await connection.run('CREATE TEMP TABLE IF NOT EXISTS _text_batch (_id BIGINT, col SMALLINT, term VARCHAR)')
  await connection.run(`INSERT INTO temp._text_batch ${tokensSql(source, [rows])}`)
}

/** Moves the batch into the postings, sorted by term: a word's rows lie together. */
async function appendBatch(connection: DuckDBConnection, generation: number, { rest }: StepOptions): Promise<void> {
  const { postings, terms } = tableNames(generation)
  await connection.run(
    `INSERT INTO ${terms} SELECT (SELECT coalesce(max(id), 0) FROM ${terms}) + row_number() OVER (ORDER BY term), term ` +
      `FROM (SELECT DISTINCT term FROM temp._text_batch) ANTI JOIN ${terms} USING (term) ORDER BY term`,
  )
  await rest()
  await connection.run(
    `INSERT INTO ${postings} SELECT w.id, b.col, b._id, least(count(*), 255) FROM temp._text_batch b JOIN ${terms} w USING (term) ` +
      'GROUP BY 1, 2, 3 ORDER BY 1, 2, 3',
  )
}

import { NotImplemented } from '../../../core/errors.ts'
import type { SqlDumped, SqlDumpPlan } from '../engine.ts'
import { NO_BUCKET, PAGE_ROWS, rowStream } from './dump.ts'
import { exportsOf } from './opened-exports.ts'
import { dumpWriter } from './render.ts'
import { admitted, countRows, resultCells, resultFields, sqlFailure } from './sql.ts'
import type { Store } from './store.ts'

/** Where results of statements lie in the bucket: no table is called so. */
const FOLDER = '_queries'

/**
 * The result of a statement that both gates have let through, under the credential that only reads: Parquet by `EXPORT
 * DATA`, everything else from the pages of the result. What `EXPORT DATA` writes as text is not what the API shows, and
 * around a statement that casts its columns the order of its rows would not count.
 */
export async function dumpSql(store: Store, plan: SqlDumpPlan, signal?: AbortSignal): Promise<SqlDumped> {
  const { format, rowsMax = Number.POSITIVE_INFINITY } = plan
  const tooLarge = { kind: 'too large', hint: `The result has more than ${rowsMax} rows.` } as const
  try {
    const sql = await admitted(store, plan.sql, plan, signal)
    if (format === 'parquet') {
      const exports = await exportsOf(store)
      if (!exports) throw new NotImplemented(NO_BUCKET)
      if (Number.isFinite(rowsMax) && (await countRows(store, sql, signal)) > rowsMax) return tooLarge
      const run = async (statement: string) =>
        store.client.script(statement, { role: 'read', signal, isBudgeted: true })
      return (await exports.dumpOnce(run, { ...plan, folder: FOLDER, query: sql })) as SqlDumped
    }
    const first = await store.client.query(sql, { signal, pageRows: PAGE_ROWS })
    if (first.totalRows > rowsMax) return tooLarge
    const columns = resultCells(first.fields)
    const write = dumpWriter(format, columns, { msInTimestamp: false }, plan.line)
    return { kind: 'stream', stream: rowStream(store, first, write, 0), fields: resultFields(columns) }
  } catch (error) {
    signal?.throwIfAborted()
    throw sqlFailure(error)
  }
}

import { NotImplemented } from '../../../core/errors.ts'
import type { Dumped, DumpFormat, DumpPlan } from '../engine.ts'
import { breakable } from './breakable.ts'
import type { StoredTable } from './metadata.ts'
import { exportsOf } from './opened-exports.ts'
import { checkSchema, checkTypes, readFailureOf, readHead } from './read.ts'
import type { RowWriter } from './render.ts'
import { dumpWriter, rawText } from './render.ts'
import type { ResultPage } from './result-page.ts'
import { HEADER, selectStatement } from './selection.ts'
import type { Store } from './store.ts'
import { dumpExported, isExportFormat } from './table-export.ts'

/** Rows of a page while they are streamed: few, because a client may take them slowly. */
export const PAGE_ROWS = 5_000
export const NO_BUCKET = 'Parquet needs BIGQUERY_EXPORT_BUCKET to be set on this server. Download csv or ndjson.'

/**
 * The rows of a table: a whole table as a file in the bucket, everything else as a stream.
 *
 * @throws NotImplemented for Parquet where there is no bucket.
 */
export async function dumpTable(store: Store, plan: DumpPlan, signal?: AbortSignal): Promise<Dumped> {
  const { format } = plan
  const exports = await exportsOf(store)
  if (exports && isExportFormat(format) && (plan.whole || format === 'parquet'))
    return dumpExported(store, exports, { ...plan, format }, signal)
  if (format === 'parquet') throw new NotImplemented(NO_BUCKET)
  return streamTable(store, { ...plan, format }, signal)
}

/** The result of one statement, page by page as they are taken. */
async function streamTable(
  store: Store,
  plan: DumpPlan & { format: Exclude<DumpFormat, 'parquet'> },
  signal?: AbortSignal,
): Promise<Dumped> {
  try {
    const { sql, params, cells } = await selectStatement(store, plan, { total: false, lastId: false }, signal)
    const first = await store.client.query(sql, { params, signal, pageRows: PAGE_ROWS })
    const head = readHead(first)
    checkSchema(store, plan.table as StoredTable, head)
    checkTypes(store, plan, first, cells)
    const write = dumpWriter(plan.format, cells, { msInTimestamp: store.config.msInTimestamp }, plan.line)
    const stream = breakable(rowStream(store, first, write, HEADER.length), signal)
    return { kind: 'stream', stream, revision: head.revision }
  } catch (error) {
    signal?.throwIfAborted()
    throw readFailureOf(store, plan.table.id, error)
  }
}

/** Lines of a result. A page that can't be had breaks the stream; it never ends as if whole (traps T1). */
export function rowStream(
  { client }: Pick<Store, 'client'>,
  first: ResultPage,
  write: RowWriter,
  skipped: number,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const left = new AbortController()
  let page: ResultPage | undefined = first
  let seen = 0
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (page) {
          const rows = page.rows
          seen += rows.length
          const isLast = page.pageToken === undefined
          if (isLast && seen !== first.totalRows) throw new Error(`${seen} of ${first.totalRows} rows came`)
          const current: ResultPage = page
          page = isLast ? undefined : await client.nextPage(current, { signal: left.signal, pageRows: PAGE_ROWS })
          const lines = rows.flatMap(({ f }) =>
            skipped > 0 && f[HEADER.there]?.v === null ? [] : write(f.slice(skipped).map(rawText)),
          )
          if (lines.length > 0) return controller.enqueue(encoder.encode(lines.join('')))
        }
        controller.close()
      },
      cancel(reason) {
        left.abort(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

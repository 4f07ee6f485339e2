import type { Dumped, DumpPlan } from '../engine.ts'
import type { StoredTable } from './metadata.ts'
import { dumpParquet } from './parquet-dump.ts'
import { checkSchema, checkTypes, readFailureOf, readHead } from './read.ts'
import type { RowWriter } from './render.ts'
import { dumpWriter, rawText } from './render.ts'
import type { ResultPage } from './result-page.ts'
import { HEADER, selectStatement } from './selection.ts'
import type { Store } from './store.ts'

/** Rows of a page while they are streamed: few, because a client may take them slowly. */
const PAGE_ROWS = 5_000

/** The rows of a table as a stream: the result of one statement, page by page as they are taken. */
export async function streamTable(store: Store, plan: DumpPlan, signal?: AbortSignal): Promise<Dumped> {
  const { format } = plan
  if (format === 'parquet') return dumpParquet(store, plan, signal)
  try {
    const { sql, params, cells } = await selectStatement(store, plan, { total: false, lastId: false }, signal)
    const first = await store.client.query(sql, { params, signal, pageRows: PAGE_ROWS })
    const head = readHead(first)
    checkSchema(store, plan.table as StoredTable, head)
    checkTypes(store, plan, first, cells)
    const write = dumpWriter(format, cells, { msInTimestamp: store.config.msInTimestamp }, plan.line)
    return { kind: 'stream', stream: rowStream(store, first, write, HEADER.length), revision: head.revision }
  } catch (error) {
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

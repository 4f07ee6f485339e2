import { PayloadTooLarge } from '../core/errors.ts'
import { idColumn } from '../core/table-schema.ts'
import type { CallOptions, DumpFormat, DumpPlan, Table } from '../infrastructure/engines/engine.ts'
import type { DumpParams } from '../schemas/dump.ts'
import type { ServiceContext } from './answered.ts'
import { withCurrentTable } from './current-table.ts'
import type { Selected } from './selection.ts'
import { ckanFields, selectRows } from './selection.ts'
import { frame } from './stream/frame.ts'
import { gzip } from './stream/gzip.ts'
import { xmlRows } from './stream/xml.ts'

/** A download on its way out, or where the client finds it. */
export type Download =
  | { stream: ReadableStream<Uint8Array>; contentType: string; filename: string; headers: Record<string, string> }
  | { redirect: string }

type Stream = ReadableStream<Uint8Array>

interface FileFormat {
  engineFormat: DumpFormat
  line?: { before: string; after: string }
  contentType: string
  extension: string
  /** Puts what a file of this format has around its rows. */
  wrap(rows: Stream, projection: Selected['projection'], mark: string): Stream
}

const namesOf = (projection: Selected['projection']) => ckanFields(projection).map(({ id }) => id)

const delimited = (delimiter: string, special: RegExp) => (rows: Stream, projection: Selected['projection'], mark: string) => {
  const header = namesOf(projection).map((name) => (special.test(name) ? `"${name}"` : name))
  return frame(rows, { before: `${mark}${header.join(delimiter)}\r\n`, after: '' })
}

const csv = delimited(',', /[,\r\n"]/)

/** The files that a table can be downloaded as (contract §8.9, §9.9, §10.2 row 45): exact bytes around the rows. */
const fileFormats: Readonly<Record<string, FileFormat>> = {
  csv: { engineFormat: 'csv', contentType: 'text/csv; charset=utf-8', extension: 'csv', wrap: csv },
  tsv: {
    engineFormat: 'tsv',
    contentType: 'text/tab-separated-values; charset=utf-8',
    extension: 'tsv',
    wrap: delimited('\t', /[\t\r\n"]/),
  },
  json: {
    engineFormat: 'lists',
    line: { before: '    ', after: ',' },
    contentType: 'application/json; charset=utf-8',
    extension: 'json',
    wrap: (rows, projection, mark) =>
      frame(rows, {
        before: `${mark}{\n  "fields": ${JSON.stringify(ckanFields(projection))},\n  "records": [\n`,
        after: ']}\n',
        lastLine: { trim: 2, after: '\n' },
      }),
  },
  xml: {
    engineFormat: 'lists',
    contentType: 'text/xml; charset=utf-8',
    extension: 'xml',
    wrap: (rows, projection, mark) => frame(xmlRows(rows, namesOf(projection)), { before: mark, after: '' }),
  },
  ndjson: {
    engineFormat: 'ndjson',
    contentType: 'application/x-ndjson; charset=utf-8',
    extension: 'ndjson',
    wrap: (rows, _projection, mark) => frame(rows, { before: mark, after: '' }),
  },
  gzip: {
    engineFormat: 'csv',
    contentType: 'application/gzip',
    extension: 'csv.gz',
    wrap: (rows, projection, mark) => gzip(csv(rows, projection, mark)),
  },
  parquet: {
    engineFormat: 'parquet',
    contentType: 'application/vnd.apache.parquet',
    extension: 'parquet',
    wrap: (rows) => rows,
  },
}

const BYTE_ORDER_MARK = '\ufeff'

/** `/datastore/dump/<id>`: a table as a file, streamed from one snapshot (contract §8.9). */
export async function dump({ engine, config }: ServiceContext, table: Table, params: DumpParams, options: CallOptions): Promise<Download> {
  const format = fileFormats[params.format || 'csv'] as FileFormat
  return withCurrentTable(engine, table, options, async (current) => {
    const selected = selectRows(current, { ...params, sort: params.sort?.length ? params.sort : byId(params) }, config)
    const plan: DumpPlan = {
      ...selected,
      offset: params.offset ?? 0,
      ...(params.limit !== undefined && { limit: params.limit }),
      format: format.engineFormat,
      ...(format.line && { line: format.line }),
    }
    const dumped = await engine.dump(plan, options)
    if (dumped.kind === 'redirect') return { redirect: dumped.url }
    if (dumped.kind === 'too large') throw new PayloadTooLarge(dumped.hint)
    return {
      stream: format.wrap(dumped.stream, selected.projection, params.bom ? BYTE_ORDER_MARK : ''),
      contentType: format.contentType,
      filename: `${current.id}.${format.extension}`,
      headers: {},
    }
  })
}

/** A dump comes in `_id` order unless asked otherwise, also where a text query would rank it. */
function byId({ distinct }: DumpParams): string[] | undefined {
  return distinct ? undefined : [idColumn.name]
}

import { NotFound, NotImplemented } from '../../core/errors.ts'
import type { Column } from '../../core/table-schema.ts'
import { ckanField } from '../../core/table-schema.ts'
import type {
  CallOptions,
  Loaded,
  LoadFile,
  LoadSource,
  RejectedRows,
  Table,
} from '../../infrastructure/engines/engine.ts'
import { tableSchema } from '../../infrastructure/engines/engine.ts'
import type { LoadParams } from '../../schemas/load.ts'
import type { Answered, ServiceContext } from '../answered.ts'
import type { FileKind } from '../dump.ts'
import { whileStale } from '../stale.ts'
import type { ByteStream } from './bytes.ts'
import { isGzip, limited, peek, skipped, tooLarge, unpacked, watch } from './bytes.ts'
import type { Layout } from './delimited.ts'
import { hasReturn, readLayout, withLineFeeds } from './delimited.ts'
import { asUtf8 } from './encoding.ts'
import type { FileFormat, FileHints } from './format.ts'
import { checkFormat, checkIsText, formatOf } from './format.ts'
import type { JsonFindings } from './json-file.ts'
import { encodeJson, profileJson } from './json-file.ts'
import { planLoad, SYSTEM_COLUMNS } from './plan.ts'
import { RejectedRecords } from './rejected-records.ts'

export type { FileHints } from './format.ts'

/** What happens to a load, as it happens. */
export type LoadEvent =
  | { event: 'progress'; bytes: number }
  | { event: 'stage'; stage: 'received' | 'loading' | 'done' }

/** A file on its way in. */
export interface Upload extends FileHints {
  body: ByteStream
  /** In bytes, as declared. */
  length?: number
}

/** A load's answer also knows by what its rejected rows are found. */
export interface AnsweredLoad extends Answered {
  rejectedFile?: string
}

interface LoadOptions extends CallOptions {
  report?: (event: LoadEvent) => void
}

const HEAD_BYTES = 1024 * 1024
const MEGABYTE = 1024 * 1024
/** A file that was received, and what the service knows of it. */
interface Received {
  file: LoadFile
  /** Of the whole file, unpacked. */
  bytes: number
  format: FileFormat
  /** The file's columns; those without a type show theirs in the file. */
  columns: readonly (string | Column)[]
  layout?: Layout
}

/** `/datastore/load/<id>`: a file becomes rows of a table, all of them or none, in one transaction. */
export async function load(
  context: ServiceContext,
  resourceId: string,
  params: LoadParams,
  upload: Upload,
  options: LoadOptions,
): Promise<AnsweredLoad> {
  const started = performance.now()
  const files: LoadFile[] = []
  try {
    const received = await receive(context, resourceId, params, upload, options, files)
    options.report?.({ event: 'stage', stage: 'received' })
    const { loaded, findings } = await withFreshTable(context, resourceId, options, (table) =>
      store(context, resourceId, table, params, received, options, files),
    )
    options.report?.({ event: 'stage', stage: 'done' })
    return answer(params, received, loaded, findings, (performance.now() - started) / 1000)
  } finally {
    await Promise.all(files.map((file) => file.discard()))
  }
}

/**
 * The rows that a load has left out, as a file.
 *
 * @throws NotFound when there is none, or none any more; NotImplemented when the engine keeps none.
 */
export async function rejectedRows(
  { engine }: ServiceContext,
  table: Table,
  rejectedFile: string,
  options: CallOptions,
): Promise<FileKind & RejectedRows> {
  if (!engine.rejectedRows) throw new NotImplemented(`The ${engine.name} engine keeps no rejected rows.`)
  const rows = await engine.rejectedRows(table.id, rejectedFile, options)
  if (!rows) throw new NotFound('There are no rejected rows at this address, or none any more.')
  return { ...rows, contentType: 'text/csv; charset=utf-8', filename: `${table.id}-rejected.csv` }
}

async function receive(
  { engine, config }: ServiceContext,
  resourceId: string,
  params: LoadParams,
  upload: Upload,
  options: LoadOptions,
  files: LoadFile[],
): Promise<Received> {
  if (upload.length !== undefined && upload.length > config.maxLoadMb * MEGABYTE) throw tooLarge(config.maxLoadMb)
  const format = formatOf(params.format, upload)
  const counted = counting(limited(upload.body, config.maxLoadMb), options)
  const packed = await peek(counted, 2)
  const raw = isGzip(packed.head) ? limited(unpacked(packed.body), config.maxLoadMb) : packed.body
  let bytes = 0
  const start = await peek(
    watch(raw, (chunk) => {
      bytes += chunk.length
    }),
    4096,
  )
  const keep = async (body: ByteStream) => {
    const file = await engine.receive(body, options)
    files.push(file)
    return file
  }
  try {
    if (format === 'parquet') {
      checkFormat(format, start.head)
      const file = await keep(start.body)
      return { file, bytes, format, columns: await engine.parquetColumns(file, options) }
    }
    checkIsText(format, start.head)
    const text = await peek(asUtf8(start.body, start.head, params.encoding), HEAD_BYTES)
    checkFormat(format, text.head)
    if (format === 'json' || format === 'ndjson') {
      const file = await keep(text.body)
      return { file, bytes, format, columns: [] }
    }
    const layout = readLayout(text.head, text.head.length < HEAD_BYTES, {
      delimiter: format === 'tsv' ? '\t' : params.delimiter,
    })
    const table = await engine.describe(resourceId, { ...options, toWrite: true })
    planLoad(resourceId, table?.id === resourceId ? table : undefined, params, layout.names, config)
    const file = await keepDelimited(text, layout, keep)
    return { file, bytes, format, layout, columns: layout.names }
  } catch (error) {
    // What was refused before all of it was read.
    counted.cancel(error).catch(() => {})
    start.body.cancel(error).catch(() => {})
    throw error
  }
}

/** Records that end with LF: most files do, and most others show at their beginning that they don't. */
async function keepDelimited(
  { head, body }: { head: Uint8Array; body: ByteStream },
  layout: Layout,
  keep: (body: ByteStream) => Promise<LoadFile>,
): Promise<LoadFile> {
  const rows = skipped(body, layout.header.bytes)
  if (hasReturn(head)) return keep(withLineFeeds(rows, layout))
  let returns = false
  const file = await keep(
    watch(rows, (chunk) => {
      returns ||= hasReturn(chunk)
    }),
  )
  return returns ? keep(withLineFeeds(file.open(), layout)) : file
}

async function withFreshTable<T>(
  { engine }: ServiceContext,
  resourceId: string,
  options: CallOptions,
  work: (table: Table | undefined) => Promise<T>,
): Promise<T> {
  return whileStale(async () => {
    const table = await engine.describe(resourceId, { ...options, toWrite: true })
    return work(table?.id === resourceId ? table : undefined)
  })
}

interface Stored {
  loaded: Loaded
  findings?: JsonFindings
}

async function store(
  { engine, config }: ServiceContext,
  resourceId: string,
  table: Table | undefined,
  params: LoadParams,
  received: Received,
  options: LoadOptions,
  files: LoadFile[],
): Promise<Stored> {
  const { file, format, layout, columns } = received
  options.report?.({ event: 'stage', stage: 'loading' })
  if (format === 'json' || format === 'ndjson') {
    const known = table || params.schema !== undefined
    const found = known ? [] : await profileJson(file.open(), format)
    const target = planLoad(resourceId, table, withoutKeyCheck(params), found, config)
    const rejected = new RejectedRecords((body) => engine.receive(body, options))
    const { stream, findings } = encodeJson(file.open(), format, target.columns, {
      onError: target.onError,
      sameKeys: params.method === 'upsert',
      rejected,
    })
    const kept = async (file: Promise<LoadFile | undefined>) => {
      const one = await file
      if (one) files.push(one)
      return one
    }
    const encoded = (await kept(engine.receive(stream, options)).catch(async (error) => {
      await rejected.abort(error)
      throw error
    })) as LoadFile
    const rejects = await kept(rejected.end())
    const names = target.columns.map(({ name }) => name).filter((name) => findings.columns.has(name))
    planLoad(resourceId, table, params, names, config)
    const source: LoadSource = { format: 'ndjson', file: encoded, columns: names }
    const plan = { ...target, method: params.method as Loading, source, ...(rejects && { rejects }) }
    return { loaded: await engine.load(plan, options), findings }
  }
  const target = planLoad(resourceId, table, params, columns, config)
  const names = columns.map((column) => (typeof column === 'string' ? column : column.name))
  const source: LoadSource = layout
    ? { format: 'delimited', file, columns: names, ...layout }
    : { format: 'parquet', file, columns: names }
  return { loaded: await engine.load({ ...target, source }, options) }
}

type Loading = 'insert' | 'upsert' | 'replace'

/** Which columns JSON records carry is known only when all of them were read. */
function withoutKeyCheck(params: LoadParams): LoadParams {
  return params.method === 'upsert' ? { ...params, method: 'insert' } : params
}

const REPORTED_BYTES = 4 * MEGABYTE

function counting(body: ByteStream, { report }: LoadOptions): ByteStream {
  if (!report) return body
  let bytes = 0
  let told = 0
  return watch(body, (chunk) => {
    bytes += chunk.length
    if (bytes - told < REPORTED_BYTES) return
    told = bytes
    report({ event: 'progress', bytes })
  })
}

function answer(
  params: LoadParams,
  { bytes, format, columns }: Received,
  loaded: Loaded,
  findings: JsonFindings | undefined,
  seconds: number,
): AnsweredLoad {
  const { table } = loaded
  const rejected = loaded.rejected + (findings?.rejected ?? 0)
  const badCells = [...(findings?.badCells ?? []), ...loaded.badCells].sort((a, b) => a.row - b.row).slice(0, 100)
  return {
    result: {
      resource_id: table.id,
      method: params.method,
      format,
      rows: loaded.affected,
      rejected,
      ...(rejected > 0 && { bad_cells: badCells }),
      total: table.count,
      bytes,
      seconds: Math.round(seconds * 1000) / 1000,
      schema: tableSchema(table),
      fields: table.columns.map(ckanField),
    },
    ...(loaded.rejectedFile !== undefined && { rejectedFile: loaded.rejectedFile }),
    warnings: [...passedOver(columns), ...(findings?.warnings ?? []), ...loaded.warnings],
    rows: loaded.affected,
  }
}

function passedOver(columns: Received['columns']): string[] {
  const names = columns
    .map((column) => (typeof column === 'string' ? column : column.name))
    .filter((name) => SYSTEM_COLUMNS.has(name))
  return names.length > 0
    ? [`The columns ${names.join(' and ')} of the file were passed over: rows get their own.`]
    : []
}

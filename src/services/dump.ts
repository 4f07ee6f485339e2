import { PayloadTooLarge } from '../core/errors.ts'
import { idColumn } from '../core/table-schema.ts'
import type { CallOptions, DumpPlan, Table } from '../infrastructure/engines/engine.ts'
import type { DumpParams } from '../schemas/dump.ts'
import type { ServiceContext } from './answered.ts'
import { withCurrentTable } from './current-table.ts'
import type { FileKey, HeldFile, Rendering } from './dump-files.ts'
import type { File } from './file-formats.ts'
import { fileOf, formatOf, headerOf } from './file-formats.ts'
import type { Selected } from './selection.ts'
import { ckanFields, selectRows } from './selection.ts'

/** What a file is called, and what is in it. */
export interface FileKind {
  contentType: string
  filename: string
}

/** A download on its way out, or where the client finds it. */
export type Download = (FileKind & File) | { redirect: string }

/** The same of a table, maybe a kept one. `revision` is that of the rows in it. */
export type TableDownload = (FileKind & { revision: number } & (File | { held: HeldFile })) | { redirect: string }

/** A download that exists, as far as it is known without making it. */
export type KnownFile = FileKind & Partial<Pick<HeldFile, 'length' | 'rendering'>>

/** What `dump` would answer, without making it: what is wrong with the parameters is thrown here as well. */
export function describeDump({ config, dumpFiles }: ServiceContext, table: Table, params: DumpParams): KnownFile {
  const plan = planOf(table, params, config)
  return { ...kindOf(table, params), ...(plan.whole && dumpFiles?.find(keyOf(table, params))) }
}

/** `/datastore/dump/<id>`: a table as a file, streamed from one snapshot, or a kept one (contract §8.9). */
export async function dump(
  context: ServiceContext,
  table: Table,
  params: DumpParams,
  options: CallOptions,
): Promise<TableDownload> {
  const kind = kindOf(table, params)
  const render = (signal?: AbortSignal) => renderDump(context, table, params, { signal })
  try {
    const { dumpFiles, config } = context
    const keeps = dumpFiles && planOf(table, params, config).whole
    const opened = keeps && (await dumpFiles.open(keyOf(table, params), render, options))
    if (opened && 'held' in opened) return { ...kind, held: opened.held, revision: opened.held.revision }
    return { ...kind, ...(opened ? opened.passed : await render(options.signal)) }
  } catch (error) {
    if (error instanceof Elsewhere) return { redirect: error.url }
    throw error
  }
}

/** Thrown where the engine has put the file somewhere else. */
class Elsewhere extends Error {
  readonly url: string

  constructor(url: string) {
    super('the file is elsewhere')
    this.url = url
  }
}

async function renderDump(
  { engine, config }: ServiceContext,
  table: Table,
  params: DumpParams,
  options: CallOptions,
): Promise<Rendering> {
  return withCurrentTable(engine, table, options, async (current) => {
    const plan = planOf(current, params, config)
    const dumped = await engine.dump(plan, options)
    if (dumped.kind === 'redirect') throw new Elsewhere(dumped.url)
    if (dumped.kind === 'too large') throw new PayloadTooLarge(dumped.hint)
    const naming = { base: current.id, lastModified: new Date(current.updatedAt) }
    const file = await fileOf(formatOf(params), dumped, ckanFields(plan.projection), { ...params, ...naming })
    return { ...file, revision: dumped.revision ?? current.revision }
  })
}

function planOf(table: Table, params: DumpParams, config: ServiceContext['config']): DumpPlan {
  const format = formatOf(params)
  const selected = select(table, params, config)
  const header = headerOf(format, ckanFields(selected.projection), params)
  const plan: DumpPlan = {
    ...selected,
    offset: params.offset ?? 0,
    ...(params.limit !== undefined && { limit: params.limit }),
    format: format.engineFormat,
    ...(format.line && { line: format.line }),
    ...(format.zipOf !== undefined && { parts: true }),
    ...(header !== undefined && { file: { header, ...kindOf(table, params) } }),
  }
  return isKeepable(plan, params) ? { ...plan, whole: true } : plan
}

/** Whether the file may be kept: all rows and columns of a table as it stands, in their own order. */
function isKeepable(
  { table, filter, textQueries, distinct, sort, limit, offset }: DumpPlan,
  { fields }: DumpParams,
): boolean {
  const byId = sort.length === 1 && sort[0]?.by === idColumn && !sort[0].descending
  const all = !filter && textQueries.length === 0 && !distinct && limit === undefined && offset === 0
  return !table.isPast && byId && all && !fields?.length
}

function keyOf({ id, revision }: Table, { format, bom = false, parts }: DumpParams): FileKey {
  return { table: id, revision, form: [format || 'csv', bom, parts].join(' ') }
}

/** Whether a file of this format may have other bytes each time that it is made. */
export function varies(params: DumpParams): boolean {
  return formatOf(params).varies === true
}

function kindOf({ id }: Table, params: DumpParams): FileKind {
  const { contentType, extension } = formatOf(params)
  return { contentType, filename: `${id}.${extension}` }
}

/** A dump comes in `_id` order unless asked otherwise, also where a text query would rank it. */
function select(table: Table, params: DumpParams, config: ServiceContext['config']): Selected {
  const byId = params.distinct ? undefined : [idColumn.name]
  return selectRows(table, { ...params, sort: params.sort?.length ? params.sort : byId }, config)
}

import { PayloadTooLarge } from '../core/errors.ts'
import { idColumn } from '../core/table-schema.ts'
import type { CallOptions, DumpPlan, Table } from '../infrastructure/engines/engine.ts'
import type { DumpParams } from '../schemas/dump.ts'
import type { ServiceContext } from './answered.ts'
import { withCurrentTable } from './current-table.ts'
import type { File, FileFormat } from './file-formats.ts'
import { fileFormats, fileOf } from './file-formats.ts'
import type { Selected } from './selection.ts'
import { ckanFields, selectRows } from './selection.ts'

/** What a file is called, and what is in it. */
export interface FileKind {
  contentType: string
  filename: string
}

/** A download on its way out, or where the client finds it. */
export type Download = (FileKind & File) | { redirect: string }

/** What `dump` would answer, without making it: what is wrong with the parameters is thrown here as well. */
export function describeDump({ config }: ServiceContext, table: Table, params: DumpParams): FileKind {
  select(table, params, config)
  return kindOf(table, formatOf(params))
}

/** `/datastore/dump/<id>`: a table as a file, streamed from one snapshot (contract §8.9). */
export async function dump(
  { engine, config }: ServiceContext,
  table: Table,
  params: DumpParams,
  options: CallOptions,
): Promise<Download> {
  const format = formatOf(params)
  return withCurrentTable(engine, table, options, async (current) => {
    const selected = select(current, params, config)
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
    const file = fileOf(format, dumped, ckanFields(selected.projection), params)
    return { ...file, ...kindOf(current, format) }
  })
}

function formatOf({ format }: DumpParams): FileFormat {
  return fileFormats[format || 'csv'] as FileFormat
}

function kindOf({ id }: Table, { contentType, extension }: FileFormat): FileKind {
  return { contentType, filename: `${id}.${extension}` }
}

/** A dump comes in `_id` order unless asked otherwise, also where a text query would rank it. */
function select(table: Table, params: DumpParams, config: ServiceContext['config']): Selected {
  const byId = params.distinct ? undefined : [idColumn.name]
  return selectRows(table, { ...params, sort: params.sort?.length ? params.sort : byId }, config)
}

import type { Config } from '../core/config.ts'
import { nativeTypeName } from '../core/field-types.ts'
import { ckanField, ID_COLUMN } from '../core/table-schema.ts'
import type { CallOptions, Engine, SearchPlan, Table } from '../infrastructure/engines/engine.ts'
import { tableSchema } from '../infrastructure/engines/engine.ts'
import type { InfoParams } from '../schemas/datastore-info.ts'
import type { SearchParams } from '../schemas/datastore-search.ts'
import type { Answered, ServiceContext } from './answered.ts'
import { withCurrentTable } from './current-table.ts'
import { ckanFields, schemaFields, selectRows } from './selection.ts'
import { withTimeLimit } from './time-limit.ts'
import { isVersioned, listRevisions } from './versions.ts'

/** datastore_search: a page of a table (contract §7, §8.5). */
export async function search(
  { engine, config }: { engine: Pick<Engine, 'describe' | 'describeVersion' | 'search'>; config: Config },
  table: Table,
  params: SearchParams,
  options: CallOptions,
): Promise<Answered> {
  const limit = Math.min(params.limit ?? config.searchResultRowsDefault, config.searchResultRowsMax)
  const { offset = 0 } = params
  // An empty string counts as not said, as in CKAN.
  const format = params.records_format || 'objects'
  return withTimeLimit(config.queryTimeoutSeconds, 'Search took too long', options, (limited) =>
    withCurrentTable(engine, table, options, async (current) => {
      const selected = selectRows(current, params, config)
      const includeLastId = params.include_next_page && isIdOrder(selected)
      const plan: SearchPlan = { ...selected, limit, offset, format, includeTotal: params.include_total, includeLastId }
      const found = await engine.search(plan, limited)
      const { records, rows, total, lastId } = found
      return {
        result: {
          resource_id: current.id,
          ...(isVersioned(params) && { revision: current.revision }),
          ...echo(params),
          schema: { ...tableSchema(current), fields: schemaFields(selected.projection) },
          fields: ckanFields(selected.projection),
          records_format: format,
          limit,
          offset,
          include_total: params.include_total,
          ...(total !== undefined && { total, total_was_estimated: false }),
          include_next_page: params.include_next_page,
          ...(lastId !== undefined && { next_page: nextPage(plan, lastId) }),
        },
        records,
        recordsAs: format === 'csv' || format === 'tsv' ? ('string' as const) : ('array' as const),
        ...(rows !== undefined && { rows }),
        warnings: [],
      }
    }),
  )
}

/** Parameters that CKAN repeats in the result, if they were sent. */
const ECHOED = [
  'filters',
  'q',
  'full_text',
  'plain',
  'language',
  'distinct',
  'sort',
  'total_estimation_threshold',
  'as_of',
] as const

function echo(params: SearchParams): Record<string, unknown> {
  return Object.fromEntries(ECHOED.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]])))
}

function isIdOrder({ sort, distinct }: Pick<SearchPlan, 'sort' | 'distinct'>): boolean {
  const by = sort[0]?.by
  return !distinct && sort.length === 1 && by !== undefined && 'name' in by && by.name === ID_COLUMN
}

function nextPage({ sort }: SearchPlan, lastId: string): Record<string, unknown> {
  return { [ID_COLUMN]: { [sort[0]?.descending ? 'lt' : 'gt']: Number(lastId) } }
}

/** datastore_info: what a table is (contract §8.7, §10.2 row 43). */
export async function info(
  { engine }: ServiceContext,
  table: Table,
  params: InfoParams,
  options: CallOptions,
): Promise<Answered> {
  const size = params.include_meta ? await engine.size(table.id, options) : undefined
  const revisions = params.include_meta ? await listRevisions(engine, table, options) : undefined
  const indexed = new Map([...table.indexes.flat(), ...table.primaryKey].map((name) => [name, indexName(table, name)]))
  const fields = table.columns.map((column) => {
    const index = indexed.get(column.name) ?? null
    const schema = {
      native_type: nativeTypeName(column.type),
      notnull: false,
      index_name: index,
      is_index: index !== null,
      uniquekey: false,
    }
    return { ...ckanField(column), ...(params.include_fields_schema && { schema }) }
  })
  const meta = size && {
    id: table.id,
    count: table.count,
    table_type: 'BASE TABLE',
    size: size.table,
    db_size: size.total,
    idx_size: size.indexes,
    aliases: table.aliases,
    resource_id: table.id,
    total: table.count,
    primary_key: table.primaryKey,
  }
  return {
    result: { ...(meta && { meta }), ...(revisions && { revisions }), schema: tableSchema(table), fields },
    warnings: [],
  }
}

function indexName(table: Table, column: string): string {
  return table.primaryKey.includes(column) ? `${table.id}_primary_key` : `${table.id}_${column}_index`
}

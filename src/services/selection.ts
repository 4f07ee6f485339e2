import type { Config } from '../core/config.ts'
import { ValidationError } from '../core/errors.ts'
import type { CkanField, Column, SchemaField } from '../core/table-schema.ts'
import { ckanField, ID_COLUMN, idColumn, updatedAtColumn } from '../core/table-schema.ts'
import type { SearchPlan, SortKey, Table, TextQuery } from '../infrastructure/engines/engine.ts'
import type { SearchParams } from '../schemas/datastore-search.ts'
import { parseFilters } from './filters.ts'
import { parseSort } from './sort.ts'

/** What a search and a dump have in common. */
export type SelectionParams = Pick<
  SearchParams,
  'filters' | 'q' | 'full_text' | 'plain' | 'language' | 'distinct' | 'sort'
> & { fields?: string[] }

/** Which rows and columns of a table are asked for, in which order: the engine's part of a plan. */
export type Selected = Pick<SearchPlan, 'table' | 'projection' | 'filter' | 'textQueries' | 'sort' | 'distinct'>

const DEFAULT_LANGUAGE = 'english'
/** Longer than any question, in characters. */
const MAX_TEXT_QUERY = 10_000

/** Checks what is asked against the table's columns (contract §5–§7). */
export function selectRows(table: Table, params: SelectionParams, config: Config): Selected {
  const columns = columnsByName(table)
  const textQueries = readTextQueries(params, columns)
  const projection = readProjection(params.fields, table, columns, textQueries, config)
  const filter = parseFilters(params.filters, columns, invalidQuery)
  const sort = readSort(params, columns, textQueries)
  const distinct = params.distinct === true
  if (distinct) requireShown(sort, projection)
  return { table, projection, ...(filter && { filter }), textQueries, sort, distinct }
}

/** A value of a search's filter that its column can't read (contract §5.3), without the SQL that CKAN shows. */
export function invalidQuery(sentence: string): ValidationError {
  return new ValidationError(
    { query: ['Invalid query'], info: { orig: [sentence] } },
    { message: `query: Invalid query: ${sentence}` },
  )
}

/** Every column that a filter or a sort may name. */
export function columnsByName(table: Table): Map<string, Column> {
  const columns = [idColumn, ...table.columns, ...(table.hasUpdatedAt ? [updatedAtColumn] : [])]
  return new Map(columns.map((column) => [column.name, column]))
}

/** What is shown of a row unless columns are named (contract §10.2 row 13). */
export function shownColumns(
  { columns, hasUpdatedAt }: Pick<Table, 'columns' | 'hasUpdatedAt'>,
  config: Config,
): Column[] {
  return [idColumn, ...columns, ...(config.includeUpdatedAt && hasUpdatedAt ? [updatedAtColumn] : [])]
}

function readTextQueries(
  { q, full_text, plain = true, language }: SelectionParams,
  columns: ReadonlyMap<string, Column>,
): TextQuery[] {
  const common = { plain, language: language || DEFAULT_LANGUAGE }
  requireShort('full_text', full_text)
  for (const text of typeof q === 'object' ? Object.values(q) : [q]) requireShort('q', text)
  const queries: TextQuery[] = []
  const row = full_text || (typeof q === 'string' ? q : '')
  if (row !== '') queries.push({ text: row, rank: 'rank', ...common })
  if (typeof q !== 'object') return queries
  for (const [name, text] of Object.entries(q)) {
    const column = name === ID_COLUMN ? undefined : columns.get(name)
    if (!column || typeof text !== 'string') throw new ValidationError({ q: [`invalid value "${name}"`] })
    if (text !== '') queries.push({ column, text, rank: `rank ${name}`, ...common })
  }
  return queries
}

function requireShort(parameter: string, text: unknown): void {
  if (typeof text === 'string' && text.length > MAX_TEXT_QUERY)
    throw new ValidationError({ [parameter]: [`Longer than ${MAX_TEXT_QUERY} characters`] })
}

function readProjection(
  fields: readonly string[] | undefined,
  table: Table,
  columns: ReadonlyMap<string, Column>,
  textQueries: readonly TextQuery[],
  config: Config,
): Selected['projection'] {
  // A column of that name is the user's: its value is shown, and the rank only orders.
  const ranks = textQueries.filter(({ rank }) => !columns.has(rank)).map(({ rank }) => ({ rank }))
  if (!fields || fields.length === 0) {
    return [...shownColumns(table, config), ...ranks]
  }
  return [...new Set(fields)].map((name) => {
    const item = columns.get(name) ?? ranks.find(({ rank }) => rank === name)
    if (!item) throw new ValidationError({ fields: [`invalid value "${name}"`] })
    return item
  })
}

/** By `_id` unless said otherwise; the best matches first where there is a text query (contract §7). */
function readSort(
  { sort, distinct }: SelectionParams,
  columns: ReadonlyMap<string, Column>,
  textQueries: readonly TextQuery[],
): SortKey[] {
  if (sort && sort.length > 0) return parseSort(sort, columns)
  if (distinct) return []
  if (textQueries.length > 0) return textQueries.map(({ rank }) => ({ by: { rank }, descending: true }))
  return [{ by: idColumn, descending: false }]
}

function requireShown(sort: readonly SortKey[], projection: Selected['projection']): void {
  const hidden = sort.find(({ by }) => !projection.includes(by))
  if (hidden) throw invalidQuery('for SELECT DISTINCT, ORDER BY expressions must appear in select list')
}

/** The projection as CKAN lists it (contract §4.3). */
export function ckanFields(projection: Selected['projection']): CkanField[] {
  return projection.map((item) => ('rank' in item ? { id: item.rank, type: 'float' } : ckanField(item)))
}

/** The projection as Frictionless fields. */
export function schemaFields(projection: Selected['projection']): SchemaField[] {
  return projection.map((item) => ('rank' in item ? { name: item.rank, type: 'number' } : item.field))
}

import { told } from '../branding.ts'
import { ApiError, act, readEnvelope, send } from './call.ts'
import type { Value } from './json.ts'

export interface Field {
  id: string
  type: string
  info?: Record<string, Value>
}

/** What a table is. */
export interface TableInfo {
  id: string
  count: number
  /** In bytes; 0 where the engine can't tell. */
  size: number
  aliases: readonly string[]
  primaryKey: readonly string[]
  fields: readonly Field[]
  schema: { fields: readonly Record<string, Value>[] }
  updated?: Date
}

export interface ListedTable {
  id: string
  aliases: string[]
}

/** Most records that one call answers. */
export const rowsMax = Number(told.rows ?? 32000)

interface MetadataRow {
  name: string
  alias_of: string | null
}

/** Every table that the caller may read, by name, with its aliases. */
export async function listTables(signal?: AbortSignal): Promise<ListedTable[]> {
  const tables = new Map<string, ListedTable>()
  const aliases: MetadataRow[] = []
  for (let offset = 0; ; offset += rowsMax) {
    const params = { resource_id: '_table_metadata', sort: 'name', limit: rowsMax, offset, include_total: false }
    const { records } = (await act<{ records: MetadataRow[] }>('datastore_search', params, signal)).result
    for (const row of records) {
      if (row.alias_of === null) tables.set(row.name, { id: row.name, aliases: [] })
      else aliases.push(row)
    }
    if (records.length < rowsMax) break
  }
  for (const { name, alias_of: id } of aliases) tables.get(id ?? '')?.aliases.push(name)
  return [...tables.values()]
}

interface Info {
  meta: { id: string; count: number; size: number; aliases: string[]; primary_key: string[] }
  fields: Field[]
  schema: TableInfo['schema']
}

/** A table by its id or an alias. */
export async function describe(id: string, signal?: AbortSignal): Promise<TableInfo> {
  const { result, headers } = await act<Info>('datastore_info', { resource_id: id }, signal)
  const updated = headers.get('last-modified')
  const { meta, fields, schema } = result
  return {
    ...{ id: meta.id, count: meta.count, size: meta.size, aliases: meta.aliases, primaryKey: meta.primary_key },
    ...{ fields, schema, ...(updated && { updated: new Date(updated) }) },
  }
}

/** Whether there is a table of this name or alias. One that may not be seen is told of by what is done with it. */
export async function isTaken(id: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await describe(id, signal)
    return true
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return false
    throw error
  }
}

export interface SearchParams {
  resource_id: string
  filters?: Record<string, unknown>
  q?: Record<string, string>
  full_text?: string
  sort?: string
  fields?: readonly string[]
  limit?: number
  offset?: number
}

export interface Found {
  fields: readonly Field[]
  records: readonly Value[][]
  total?: number
}

/** A page of a table. */
export async function search(params: SearchParams, signal?: AbortSignal): Promise<Found> {
  return (await act<Found>('datastore_search', { ...params, records_format: 'lists' }, signal)).result
}

export interface SqlFound extends Found {
  records_truncated?: boolean
}

/** One SELECT. */
export async function searchSql(sql: string, signal?: AbortSignal): Promise<SqlFound> {
  return (await act<SqlFound>('datastore_search_sql', { sql, records_format: 'lists' }, signal)).result
}

/** Fetches a file with the caller's token, and has the browser save it. */
export async function saveFile(path: string, name: string, signal?: AbortSignal): Promise<void> {
  const response = await send(path, signal && { signal })
  if (!response.ok) await readEnvelope(response)
  const url = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  Object.assign(link, { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

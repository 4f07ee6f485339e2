import type { RestField, RestTable, RestTableList } from './rest.ts'

/** What `tables.get` tells, which costs nothing. */
export interface TableInfo {
  fields: readonly RestField[]
  /** Milliseconds since 1970, by Google's clock. */
  lastModifiedTime: number
  creationTime: number
  bytes: number
  /** Without what is still in a streaming buffer. */
  rows: number
  description: string
  labels: Readonly<Record<string, string>>
  type: string
}

/** A table as `tables.list` tells of it. */
export interface ListedTable {
  name: string
  labels: Readonly<Record<string, string>>
  type: string
}

/** Times and sizes as numbers. */
export function readTableInfo(table: RestTable): TableInfo {
  return {
    fields: table.schema?.fields ?? [],
    lastModifiedTime: Number(table.lastModifiedTime ?? 0),
    creationTime: Number(table.creationTime ?? 0),
    bytes: Number(table.numBytes ?? 0),
    rows: Number(table.numRows ?? 0),
    description: table.description ?? '',
    labels: table.labels ?? {},
    type: table.type ?? 'TABLE',
  }
}

export function readTableList({ tables = [] }: RestTableList): ListedTable[] {
  return tables.map(({ tableReference, labels = {}, type = 'TABLE' }) => ({
    name: tableReference.tableId,
    labels,
    type,
  }))
}

import type { Column, TableSchema } from '../../core/table-schema.ts'
import { primaryKeyOf } from '../../core/table-schema.ts'

/** A stored table as it stands at one revision. */
export interface Table {
  /** The resource id. */
  readonly id: string
  /** Newest first. */
  readonly aliases: readonly string[]
  /** The user's columns in order, without `_id` and `_updated_at`. */
  readonly columns: readonly Column[]
  readonly primaryKey: readonly string[]
  /** Column lists of the declared indexes. */
  readonly indexes: readonly (readonly string[])[]
  /** Properties of the Frictionless schema beside `fields`, as given; the key that holds is `primaryKey` above. */
  readonly schemaProperties: Readonly<Record<string, unknown>>
  /** Whether the table carries `_updated_at`. */
  readonly hasUpdatedAt: boolean
  /** Rows, exactly. */
  readonly count: number
  /** Moves with every write. */
  readonly revision: number
  /** Moves with every change of columns, key or aliases. */
  readonly schemaRevision: number
  /** ISO 8601, UTC. */
  readonly createdAt: string
  readonly updatedAt: string
  /** It stands no more: whatever reads by this table reads its rows as they were at this revision. */
  readonly isPast?: boolean
}

/** Which version of a table is meant: one of its revisions, or the one that stood at a moment (ISO 8601, UTC). */
export type Version = { revision: number } | { asOf: string }

/** One commit of a table. */
export interface Revision {
  revision: number
  /** ISO 8601, UTC. */
  committedAt: string
}

/**
 * What tells a table at one moment from itself at any other, and from a table of the same id elsewhere, such as in a
 * restored backup.
 */
export function stateOf({ id, revision, createdAt, updatedAt }: Table): readonly (string | number)[] {
  return [id, revision, createdAt, updatedAt]
}

/** Bytes on disk: of the table, of its indexes, of everything. */
export interface TableSize {
  table: number
  indexes: number
  total: number
}

export interface TableListing {
  id: string
  aliases: readonly string[]
}

/** The Frictionless Table Schema of a table, as it was given. */
export function tableSchema(table: Pick<Table, 'columns' | 'primaryKey' | 'schemaProperties'>): TableSchema {
  const { primaryKey: given, ...properties } = table.schemaProperties as Partial<TableSchema>
  const stands =
    given !== undefined && JSON.stringify(primaryKeyOf({ primaryKey: given })) === JSON.stringify(table.primaryKey)
  const primaryKey = stands ? given : table.primaryKey.length > 0 ? [...table.primaryKey] : undefined
  return {
    ...properties,
    fields: table.columns.map((column) => column.field),
    ...(primaryKey !== undefined && { primaryKey }),
  }
}

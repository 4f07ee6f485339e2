import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { quoteString } from './literal.ts'
import type { StoredTable } from './metadata.ts'
import { LABEL, quoteName, storedColumn, tableOf } from './names.ts'
import { canCluster, storageType } from './types.ts'

/** BigQuery takes so many columns as a key. */
const KEYED = 16

/**
 * The key as it is declared, which BigQuery's optimizer and people read; undefined where BigQuery takes none of its types.
 * It is enforced by this engine in any case.
 */
export function declaredKey({ primaryKey, columns }: StoredTable): string | undefined {
  const key = primaryKey.map((name) => columns.find((column) => column.name === name) as Column)
  if (key.length === 0 || key.length > KEYED || !key.every(({ type }) => canCluster(type))) return undefined
  return key.map(({ name }) => quoteName(storedColumn(name))).join(', ')
}

/** BigQuery holds so many columns by which rows are kept together. */
const CLUSTERED = 4

/** Rows are kept together by the key, or by `_id`. */
function clusterColumns(table: StoredTable): string {
  const key = table.primaryKey.map((name) => table.columns.find((column) => column.name === name) as Column)
  const usable = key.filter(({ type }) => canCluster(type)).slice(0, CLUSTERED)
  return usable.length === 0 ? '_id' : usable.map(({ name }) => quoteName(storedColumn(name))).join(', ')
}

/** A description may have so many characters. */
const DESCRIPTION_LENGTH = 1024

/** What people read of a column in Google's console. */
function columnDescription({ field, info }: Column): string | undefined {
  const given = [field.title ?? info?.label, field.description ?? info?.notes].filter(
    (text) => typeof text === 'string',
  )
  return given.length === 0 ? undefined : given.join(': ').slice(0, DESCRIPTION_LENGTH)
}

function columnOptions(column: Column): string {
  const description = columnDescription(column)
  return description === undefined ? '' : ` OPTIONS (description = ${quoteString(description)})`
}

export function columnDefinition(column: Column): string {
  return `${quoteName(storedColumn(column.name))} ${storageType(column.type)}${columnOptions(column)}`
}

export function tableDefinition(table: StoredTable): string {
  const key = declaredKey(table)
  const columns = [
    '_id INT64 NOT NULL',
    ...table.columns.map(columnDefinition),
    ...(table.hasUpdatedAt ? [`${UPDATED_AT_COLUMN} TIMESTAMP`] : []),
    ...(key === undefined ? [] : [`PRIMARY KEY (${key}) NOT ENFORCED`]),
  ]
  return `(${columns.join(', ')}) CLUSTER BY ${clusterColumns(table)} OPTIONS (${tableOptions(table)})`
}

function tableOptions(table: StoredTable): string {
  return `description = ${quoteString(tableDescription(table))}, labels = [('${LABEL}', 'table')]`
}

function tableDescription({ id, schemaProperties }: StoredTable): string {
  const { title, description } = schemaProperties
  const texts = [title, description, `CKAN resource ${id}`].filter((text) => typeof text === 'string')
  return texts.join('\n').slice(0, DESCRIPTION_LENGTH)
}

/** Statements that bring what people read of a table and its columns in Google's console to what `after` says. */
export function descriptionStatements(before: StoredTable, after: StoredTable): string[] {
  const table = quoteName(tableOf(after.id))
  const stored = new Map(before.columns.map((column) => [column.name, column]))
  const columns = after.columns.flatMap((column) => {
    const known = stored.get(column.name)
    const description = columnDescription(column)
    if (known === undefined || columnDescription(known) === description) return []
    const text = description === undefined ? 'NULL' : quoteString(description)
    return [`ALTER COLUMN ${quoteName(storedColumn(column.name))} SET OPTIONS (description = ${text})`]
  })
  return [
    ...(tableDescription(before) === tableDescription(after)
      ? []
      : [`ALTER TABLE ${table} SET OPTIONS (description = ${quoteString(tableDescription(after))})`]),
    ...(columns.length === 0 ? [] : [`ALTER TABLE ${table} ${columns.join(', ')}`]),
  ]
}

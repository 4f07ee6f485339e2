import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { quoteString } from './literal.ts'
import type { StoredTable } from './metadata.ts'
import { LABEL, quoteName, storedColumn } from './names.ts'
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
function columnOptions({ field, info }: Column): string {
  const given = [field.title ?? info?.label, field.description ?? info?.notes].filter(
    (text) => typeof text === 'string',
  )
  return given.length === 0
    ? ''
    : ` OPTIONS (description = ${quoteString(given.join(': ').slice(0, DESCRIPTION_LENGTH))})`
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

function tableOptions({ id, schemaProperties }: StoredTable): string {
  const { title, description } = schemaProperties
  const texts = [title, description, `CKAN resource ${id}`].filter((text) => typeof text === 'string')
  return `description = ${quoteString(texts.join('\n').slice(0, DESCRIPTION_LENGTH))}, labels = [('${LABEL}', 'table')]`
}

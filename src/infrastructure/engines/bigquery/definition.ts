import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { quoteString } from './literal.ts'
import type { StoredTable } from './metadata.ts'
import { LABEL, quoteName, storedColumn } from './names.ts'
import { canCluster, storageType } from './types.ts'

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
  const columns = [
    '_id INT64 NOT NULL',
    ...table.columns.map(columnDefinition),
    ...(table.hasUpdatedAt ? [`${UPDATED_AT_COLUMN} TIMESTAMP`] : []),
    ...(table.primaryKey.length > 0
      ? [`PRIMARY KEY (${table.primaryKey.map((name) => quoteName(storedColumn(name))).join(', ')}) NOT ENFORCED`]
      : []),
  ]
  return `(${columns.join(', ')}) CLUSTER BY ${clusterColumns(table)} OPTIONS (${tableOptions(table)})`
}

function tableOptions({ id, schemaProperties }: StoredTable): string {
  const { title, description } = schemaProperties
  const texts = [title, description, `CKAN resource ${id}`].filter((text) => typeof text === 'string')
  return `description = ${quoteString(texts.join('\n').slice(0, DESCRIPTION_LENGTH))}, labels = [('${LABEL}', 'table')]`
}

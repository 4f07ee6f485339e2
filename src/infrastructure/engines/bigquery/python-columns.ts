import type { Column, SchemaField, TableSchema } from '../../../core/table-schema.ts'
import { columnFromField } from '../../../core/table-schema.ts'
import { isSystemField, required, shownColumn } from './fields.ts'
import type { RestField } from './rest.ts'

/** Columns of a table by a schema that somebody else has written. */
export interface DescribedColumns {
  columns: Column[]
  /** The others, by their names in BigQuery. */
  hidden: string[]
  /** Sentences on what is not shown. */
  warnings: string[]
}

/**
 * The columns that a schema names, in its order, each with the type of its column in BigQuery: that is what its values
 * are. Without a schema all columns. What the schema does not name any more was deleted by somebody, and stays hidden.
 */
export function describedColumns(schema: TableSchema | undefined, fields: readonly RestField[]): DescribedColumns {
  const own = fields.filter((field) => !isSystemField(field))
  const there = new Map(own.map((field) => [field.name.toLowerCase(), field]))
  const declared = (schema?.fields ?? own.map(({ name }): SchemaField => ({ name }))).filter(
    (field) => !isSystemField({ name: field.name, type: '' }),
  )
  const columns: Column[] = []
  const hidden: string[] = []
  const warnings: string[] = []
  for (const given of declared) {
    const field = there.get(given.name.toLowerCase())
    const shown = field && shownColumn(field)
    if (field && shown) columns.push(described(shown, field, given))
    else if (field) {
      hidden.push(field.name)
      warnings.push(`column "${field.name}" (${field.mode === 'REPEATED' ? 'ARRAY' : field.type}) can't be shown`)
    } else warnings.push(`column "${given.name}" of its schema is not in the table`)
    there.delete(given.name.toLowerCase())
  }
  for (const { name } of there.values()) {
    hidden.push(name)
    warnings.push(`column "${name}" is not in its schema and not shown`)
  }
  return { columns, hidden, warnings }
}

function described(shown: Column, field: RestField, given: SchemaField): Column {
  // The schema's types are not all known here: its type is only told on.
  const { info, field: full } = columnFromField({ ...given, name: shown.name, type: 'string' })
  const type = given.type ?? shown.field.type ?? 'string'
  return required({ ...shown, ...(info && { info }), field: { ...full, type } }, field)
}

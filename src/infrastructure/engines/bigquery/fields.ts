import type { ColumnType } from '../../../core/field-types.ts'
import { columnType } from '../../../core/field-types.ts'
import type { Column, SchemaField } from '../../../core/table-schema.ts'
import { columnFromDeclaration, ID_COLUMN, UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { StoredTable } from './metadata.ts'
import { decodeName, storedColumn } from './names.ts'
import type { RestField } from './rest.ts'
import { castType } from './types.ts'

/** The REST API has names of its own for some types. */
const legacyNames: Readonly<Record<string, string>> = {
  INTEGER: 'INT64',
  FLOAT: 'FLOAT64',
  BOOLEAN: 'BOOL',
  RECORD: 'STRUCT',
}

/** The column types that show every value of a BigQuery type without loss; what is not here can't be shown. */
const shownTypes: Readonly<Record<string, (field: RestField) => string>> = {
  INT64: () => 'int8',
  FLOAT64: () => 'float8',
  NUMERIC: ({ precision, scale = 0 }) => (precision ? `numeric(${precision},${scale})` : 'numeric(38,9)'),
  BIGNUMERIC: ({ precision, scale = 0 }) =>
    precision && Number(precision) <= 38 ? `numeric(${precision},${scale})` : 'numeric',
  BOOL: () => 'bool',
  STRING: ({ maxLength }) => (maxLength ? `varchar(${maxLength})` : 'text'),
  DATE: () => 'date',
  TIME: () => 'time',
  DATETIME: () => 'timestamp',
  TIMESTAMP: () => 'timestamptz',
  JSON: () => 'jsonb',
}

function fieldType({ type, mode }: RestField): string {
  return mode === 'REPEATED' ? 'ARRAY' : (legacyNames[type] ?? type)
}

/** Whether a column, of a table or of a result, is kept as values of this type are. */
export function isKeptAs(field: RestField, type: ColumnType): boolean {
  return fieldType(field) === castType(type)
}

/** The column type for a column of a BigQuery table; undefined where no type shows its values without loss. */
export function declaredTypeOf(field: RestField): string | undefined {
  return shownTypes[fieldType(field)]?.(field)
}

/** A column that is shown by its name: undefined where its type or its name can't be (contract §4.2). */
export function shownColumn(field: RestField): Column | undefined {
  const declared = declaredTypeOf(field)
  const name = decodeName(field.name)
  const isName = !name.startsWith('_') && name === name.trim() && storedColumn(name) === field.name
  if (declared === undefined || !isName) return undefined
  const info = field.description ? { notes: field.description } : undefined
  return required(columnFromDeclaration(name, columnType(declared), declared, info), field)
}

/** A column that takes no NULL takes none from the API. */
export function required(column: Column, { mode }: RestField): Column {
  if (mode !== 'REQUIRED') return column
  const field: SchemaField = { ...column.field, constraints: { ...column.field.constraints, required: true } }
  return { ...column, field }
}

export function isSystemField({ name }: RestField): boolean {
  return name.toLowerCase() === ID_COLUMN || name.toLowerCase() === UPDATED_AT_COLUMN
}

/** Why no table with these columns can be used; undefined when it can. */
export function idProblem(fields: readonly RestField[]): string | undefined {
  const id = fields.find(({ name }) => name.toLowerCase() === ID_COLUMN)
  if (!id) return 'it has no column "_id" (INT64), by which rows are told apart'
  return fieldType(id) === 'INT64' ? undefined : `its column "_id" is ${fieldType(id)}, not INT64`
}

export function carriesUpdatedAt(fields: readonly RestField[]): boolean {
  return fields.some((field) => field.name.toLowerCase() === UPDATED_AT_COLUMN && fieldType(field) === 'TIMESTAMP')
}

/** What a table's columns have become behind the back of its definition. */
export interface FieldChanges {
  added: readonly string[]
  dropped: readonly string[]
  retyped: readonly string[]
  /** Columns that are there, but can't be shown. */
  unshown: readonly string[]
  table: StoredTable
}

/** Compares a definition with the columns that the table has; undefined: they agree. */
export function fieldChanges(table: StoredTable, fields: readonly RestField[]): FieldChanges | undefined {
  const there = new Map(fields.map((field) => [field.name.toLowerCase(), field]))
  const isThere = (name: string) => there.has(name.toLowerCase())
  const dropped: string[] = []
  const retyped: string[] = []
  const unshown: string[] = []
  const kept = table.columns.flatMap((column): Column[] => {
    const field = there.get(storedColumn(column.name).toLowerCase())
    if (field && isKeptAs(field, column.type)) return [column]
    const declared = field && declaredTypeOf(field)
    if (declared === undefined) {
      if (field) unshown.push(field.name)
      else dropped.push(column.name)
      return []
    }
    retyped.push(column.name)
    const { type: _type, ...described } = column.field
    const type = columnType(declared)
    return [{ ...column, type, declaredType: declared, field: { ...described, type: type.type.frictionless } }]
  })
  const known = new Set([
    ...table.columns.map(({ name }) => storedColumn(name).toLowerCase()),
    ...[...table.hidden, ...table.removed].map((name) => name.toLowerCase()),
  ])
  const unknown = fields.filter((field) => !isSystemField(field) && !known.has(field.name.toLowerCase()))
  const added = unknown.flatMap((field) => shownColumn(field) ?? [])
  unshown.push(...unknown.filter((field) => !shownColumn(field)).map(({ name }) => name))
  const hasUpdatedAt = carriesUpdatedAt(fields)
  const agree = [added, dropped, retyped, unshown].every(({ length }) => length === 0)
  if (agree && hasUpdatedAt === table.hasUpdatedAt) return undefined
  const columns = [...kept, ...added]
  const names = new Set(columns.map(({ name }) => name))
  const stands = (list: readonly string[]) => list.every((name) => names.has(name))
  return {
    added: added.map(({ name }) => name),
    dropped,
    retyped,
    unshown,
    table: {
      ...table,
      columns,
      hasUpdatedAt,
      hidden: [...table.hidden, ...unshown].filter(isThere),
      removed: table.removed.filter(isThere),
      primaryKey: stands(table.primaryKey) ? table.primaryKey : [],
      indexes: table.indexes.filter(stands),
    },
  }
}

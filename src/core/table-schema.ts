import type { ColumnType, FrictionlessType } from './field-types.ts'
import { columnType, frictionlessTypes, typeName } from './field-types.ts'

/** A field of a Frictionless Table Schema, as given: unknown properties are kept. */
export interface SchemaField {
  name: string
  type?: string
  title?: string
  description?: string
  constraints?: Record<string, unknown>
  [property: string]: unknown
}

/** A Frictionless Table Schema, as given: unknown properties are kept. */
export interface TableSchema {
  fields: SchemaField[]
  primaryKey?: string | string[]
  [property: string]: unknown
}

/** One column of a stored table: its Frictionless field and its CKAN side, never one without the other. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** The type as declared (`numeric(10,2)`, `int[]`), from which `type` is read again after a restart. */
  readonly declaredType: string
  /** The data dictionary, as given. */
  readonly info?: Record<string, unknown>
  /** The Frictionless field: as given for a `schema`, made from type and `info` for `fields`. */
  readonly field: SchemaField
}

/** A column as CKAN lists it: `{"id", "type"}` and `info` when one was declared (contract §4.3). */
export interface CkanField {
  id: string
  type: string
  info?: Record<string, unknown>
}

export const ID_COLUMN = '_id'
export const UPDATED_AT_COLUMN = '_updated_at'

/** The system columns, as they appear beside the user's in results. */
export const idColumn: Column = {
  name: ID_COLUMN,
  type: columnType('int8'),
  declaredType: 'int8',
  field: { name: ID_COLUMN, type: 'integer' },
}

export const updatedAtColumn: Column = {
  name: UPDATED_AT_COLUMN,
  type: columnType('timestamptz'),
  declaredType: 'timestamptz',
  field: { name: UPDATED_AT_COLUMN, type: 'datetime' },
}

/** CKAN's view of a column. `_id` is `int`, whatever it is stored as (contract §10.2 row 12). */
export function ckanField(column: Column): CkanField {
  const type = column.name === ID_COLUMN ? 'int' : typeName(column.type)
  return column.info ? { id: column.name, type, info: column.info } : { id: column.name, type }
}

/** A column declared through CKAN's `fields`. */
export function columnFromDeclaration(
  name: string,
  type: ColumnType,
  declaredType: string,
  info?: Record<string, unknown>,
): Column {
  return { name, type, declaredType, ...(info && { info }), field: fieldFromInfo(name, type, info) }
}

/** A column declared through a Frictionless `schema`. Its dictionary is what the field says beyond name and type. */
export function columnFromField(field: SchemaField): Column {
  const declaredType = frictionlessTypes[(field.type ?? 'string') as FrictionlessType]
  const { name, type: _type, ...rest } = field
  const info = Object.keys(rest).length > 0 ? infoFromField(rest) : undefined
  return { name, type: columnType(declaredType), declaredType, ...(info && { info }), field }
}

/** The dictionary folded into a Frictionless field: `info.type` is dropped, all other keys are spread (contract §9.3). */
function fieldFromInfo(name: string, type: ColumnType, info: Record<string, unknown> = {}): SchemaField {
  const { type: _type, name: _name, ...rest } = info
  return { name, type: type.array ? 'array' : type.type.frictionless, ...rest }
}

function infoFromField(rest: Record<string, unknown>): Record<string, unknown> {
  const { info, ...properties } = rest
  return info && typeof info === 'object' && !Array.isArray(info) ? { ...properties, ...info } : properties
}

/** `primaryKey` as a list. */
export function primaryKeyOf(schema: Pick<TableSchema, 'primaryKey'>): string[] {
  const key = schema.primaryKey
  if (key === undefined) return []
  return typeof key === 'string' ? [key] : [...key]
}

import { ValidationError } from '../core/errors.ts'
import type { ColumnType, FrictionlessType } from '../core/field-types.ts'
import { frictionlessTypes, nativeTypeName, parseColumnType } from '../core/field-types.ts'
import type { Column, SchemaField, TableSchema } from '../core/table-schema.ts'
import { columnFromDeclaration, columnFromField, primaryKeyOf } from '../core/table-schema.ts'
import { matchesType } from '../core/values.ts'
import { isObject } from '../schemas/coerce.ts'
import type { CreateParams } from '../schemas/datastore-create.ts'
import { checkDistinctNames, checkFieldNames } from './names.ts'
import type { FirstRecord } from './records/index.ts'
import { guessType } from './records/index.ts'

/** What a datastore_create says about columns, whichever way it says it. */
export interface Declaration {
  columns: Column[]
  /** Columns of a `fields` declaration whose type was guessed or left out: it does not contradict a stored one. */
  untyped: ReadonlySet<string>
  primaryKey?: string[]
  schemaProperties?: Record<string, unknown>
  warnings: string[]
}

const DEPRECATED = "'fields' is deprecated — use 'schema' (Frictionless Table Schema) instead."
const DEPRECATED_KEY = "'primary_key' is deprecated — use 'primaryKey' of 'schema' (Frictionless Table Schema) instead."

/** Reads `schema`, or `fields` and `primary_key`, or neither (contract §8.1, §9.2). */
export function readDeclaration(
  params: CreateParams,
  first: FirstRecord | undefined,
  stored: ReadonlyMap<string, Column>,
): Declaration {
  return params.schema === undefined ? fromFields(params, first, stored) : fromSchema(params.schema)
}

function fromFields(
  params: CreateParams,
  first: FirstRecord | undefined,
  stored: ReadonlyMap<string, Column>,
): Declaration {
  const fields = (params.fields ?? []) as Record<string, unknown>[]
  const names = fields.map(({ id }) => fieldName(id))
  checkFieldNames(names)
  checkDistinctNames(names as string[])
  checkInfos(fields.map(({ info }) => info))
  const untyped = new Set<string>()
  const warnings = [...(params.fields ? [DEPRECATED] : []), ...(params.primary_key ? [DEPRECATED_KEY] : [])]
  const columns = fields.map((field, index) => {
    const name = names[index] as string
    if (field.type === undefined || field.type === null) untyped.add(name)
    return checkable(declaredColumn(name, field, first, stored.get(name)), warnings)
  })
  return { columns, untyped, ...(params.primary_key && { primaryKey: [...new Set(params.primary_key)] }), warnings }
}

function declaredColumn(
  name: string,
  field: Record<string, unknown>,
  first: FirstRecord | undefined,
  stored: Column | undefined,
): Column {
  const info = (field.info ?? undefined) as Record<string, unknown> | undefined
  const declared = textOf(field.type ?? stored?.declaredType ?? guess(name, first))
  const type = parseColumnType(declared)
  if (!type) throw new ValidationError({ fields: [`"${declared}" is not a valid field type`] })
  return columnFromDeclaration(name, type, declared, info)
}

/** CKAN takes any `info`: constraints in it that can't be checked stay there, and out of the schema. */
function checkable(column: Column, warnings: string[]): Column {
  const { constraints, ...field } = column.field
  if (constraints === undefined || constraintMistakes(column.field, column.type, 'info').length === 0) return column
  warnings.push(`fields: the constraints in the info of column "${column.name}" can't be read: they are not checked.`)
  return { ...column, field }
}

/** @throws ValidationError with a list aligned with the request. */
function checkInfos(infos: readonly unknown[]): void {
  const mistakes = infos.map((info) =>
    info === undefined || info === null || isObject(info) ? {} : { info: ['Must be a dict'] },
  )
  if (mistakes.some((mistake) => 'info' in mistake)) throw new ValidationError({ fields: mistakes })
}

/** The name that a field's `id` gives; undefined: none. */
export function fieldName(id: unknown): string | undefined {
  return id === undefined || id === null ? undefined : textOf(id)
}

/** What is no text stands for its JSON (contract §1.4). */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function guess(name: string, first: FirstRecord | undefined): string {
  const token = first?.tokens.get(name)
  const type = token === undefined ? undefined : guessType(token)
  if (type === undefined) throw new ValidationError({ fields: [`"${name}" type not guessable`] })
  return type
}

/** Columns for keys of the first record that nobody declared (contract §4.4). */
export function guessedColumns(first: FirstRecord | undefined, known: ReadonlySet<string>): Column[] {
  const names = (first?.keys ?? []).filter((name) => !known.has(name) && name !== '_id')
  checkFieldNames(names)
  return names.map((name) => declaredColumn(name, {}, first, undefined))
}

function fromSchema(given: unknown): Declaration {
  const schema = checkedSchema(given)
  const { fields, ...schemaProperties } = schema
  const { primaryKey } = schema
  const warnings = 'foreignKeys' in schema ? ["'foreignKeys' are stored and given back, but not enforced."] : []
  return {
    columns: fields.map(columnFromField),
    untyped: new Set(),
    ...(primaryKey !== undefined && { primaryKey: primaryKeyOf({ primaryKey }) }),
    schemaProperties,
    warnings,
  }
}

/** A Frictionless Table Schema that this service can keep, or every mistake in it. */
function checkedSchema(given: unknown): TableSchema {
  const schema = given as TableSchema
  const mistakes: string[] = []
  if (typeof given !== 'object' || given === null || Array.isArray(given) || !Array.isArray(schema.fields)) {
    throw new ValidationError({ schema: ['must be an object with a list of fields'] })
  }
  for (const [index, field] of schema.fields.entries()) mistakes.push(...fieldMistakes(field, index))
  if (!isKey(schema.primaryKey)) mistakes.push('primaryKey must be a name or a list of names')
  if (mistakes.length > 0) throw new ValidationError({ schema: mistakes })
  checkFieldNames(schema.fields.map(({ name }) => name))
  checkDistinctNames(schema.fields.map(({ name }) => name))
  return schema
}

function fieldMistakes(field: unknown, index: number): string[] {
  if (typeof field !== 'object' || field === null || Array.isArray(field)) return [`fields[${index}] must be an object`]
  const { name, type = 'string', constraints } = field as SchemaField
  const mistakes: string[] = []
  if (typeof name !== 'string') mistakes.push(`fields[${index}].name must be a text`)
  if (typeof type !== 'string' || !Object.hasOwn(frictionlessTypes, type)) {
    const known = Object.keys(frictionlessTypes).join(', ')
    mistakes.push(`fields[${index}].type must be one of ${known}, not ${JSON.stringify(type as FrictionlessType)}`)
  }
  if (constraints !== undefined && mistakes.length === 0)
    mistakes.push(
      ...constraintMistakes(field as SchemaField, columnFromField(field as SchemaField).type, `fields[${index}]`),
    )
  return mistakes
}

interface ConstraintForm {
  says: string
  fits(value: unknown, isValue: (value: unknown) => boolean): boolean
  /** The types of columns that it speaks of; all where nothing is said. */
  applies?(type: ColumnType): boolean
}

const isComparable = ({ type, array }: ColumnType) => !array && type.family !== 'json'
const hasLength = ({ type, array }: ColumnType) => array || ['text', 'opaque', 'json'].includes(type.family)
const wholeNumber = { says: 'a whole number', fits: Number.isInteger, applies: hasLength }
const flag = { says: 'true or false', fits: (value: unknown) => typeof value === 'boolean' }
const limit: ConstraintForm = {
  says: "a value of the field's type",
  fits: (value, isValue) => isValue(value),
  applies: isComparable,
}

/** What a constraint's value must be, beside readable as a value of the field's type where it is compared with one. */
const constraintForms: Readonly<Record<string, ConstraintForm>> = {
  required: flag,
  unique: flag,
  minLength: wholeNumber,
  maxLength: wholeNumber,
  minimum: limit,
  maximum: limit,
  enum: {
    says: "a list of values of the field's type",
    fits: (value, isValue) => Array.isArray(value) && value.every(isValue),
    applies: ({ array }) => !array,
  },
  pattern: { says: 'a regular expression', fits: (value) => typeof value === 'string' },
}

function constraintMistakes({ constraints }: SchemaField, type: ColumnType, where: string): string[] {
  if (typeof constraints !== 'object' || constraints === null || Array.isArray(constraints)) {
    return [`${where}.constraints must be an object`]
  }
  const isValue = (value: unknown) =>
    type.type.family === 'json' ||
    (['string', 'number', 'boolean'].includes(typeof value) && matchesType(type, String(value)))
  return Object.entries(constraints).flatMap(([name, value]) => {
    const form = Object.hasOwn(constraintForms, name) ? constraintForms[name] : undefined
    if (!form) return []
    if (form.applies && !form.applies(type))
      return [`${where}.constraints.${name} does not apply to a field of type ${nativeTypeName(type)}`]
    return form.fits(value, isValue) ? [] : [`${where}.constraints.${name} must be ${form.says}`]
  })
}

function isKey(key: unknown): boolean {
  return (
    key === undefined ||
    typeof key === 'string' ||
    (Array.isArray(key) && key.every((name) => typeof name === 'string'))
  )
}

import type { Config } from '../core/config.ts'
import { ConflictError, ValidationError } from '../core/errors.ts'
import { nativeTypeName } from '../core/field-types.ts'
import type { Column } from '../core/table-schema.ts'
import type { Table, TablePlan } from '../infrastructure/engines/engine.ts'
import type { CreateParams } from '../schemas/datastore-create.ts'
import type { Declaration } from './declaration.ts'
import { guessedColumns, readDeclaration } from './declaration.ts'
import { checkAliases, checkDistinctNames, checkIndexCount, checkNameLengths, checkResourceId } from './names.ts'
import type { FirstRecord } from './records/index.ts'

/** A plan without its records, and what the caller should know about it. */
export interface Planned {
  plan: Omit<TablePlan, 'records' | 'includeRecords'>
  declaration: Declaration
  warnings: string[]
}

/** What a table is to look like after a datastore_create, from what is asked and what is stored (contract §8.1). */
export function planTable(
  id: string,
  table: Table | undefined,
  params: CreateParams,
  first: FirstRecord | undefined,
  config: Config,
): Planned {
  const stored = new Map((table?.columns ?? []).map((column) => [column.name, column]))
  const declaration = readDeclaration(params, first, stored)
  const warnings = [...declaration.warnings]
  const columns = mergeColumns(declaration, stored, params, first, warnings)
  if (!table) {
    checkResourceId(id)
    checkNameLengths(columns.map(({ name }) => name))
  }
  checkDistinctNames(columns.map(({ name }) => name))
  if (params.aliases) checkAliases(params.aliases)
  const names = new Set(columns.map(({ name }) => name))
  const primaryKey = declaration.primaryKey ?? table?.primaryKey ?? []
  const indexes = params.indexes ?? table?.indexes ?? []
  checkKey(primaryKey, names, declaration.primaryKey === undefined)
  checkIndexCount(indexes.length)
  checkIndexes(indexes, names, params.indexes === undefined)
  return {
    plan: {
      id,
      basedOn: table?.schemaRevision,
      columns,
      primaryKey,
      indexes: indexes.filter((index) => index.every((name) => names.has(name))),
      ...(params.aliases && { aliases: newestFirst(params.aliases) }),
      schemaProperties: declaration.schemaProperties ?? table?.schemaProperties ?? {},
      hasUpdatedAt: config.includeUpdatedAt || (table?.hasUpdatedAt ?? false),
    },
    declaration,
    warnings,
  }
}

/** Of a request's aliases the last is the newest. */
function newestFirst(aliases: readonly string[]): string[] {
  return [...new Set(aliases)].reverse()
}

/** Stored columns first, as they are or as redeclared, then new ones, then what the first record adds. */
function mergeColumns(
  declaration: Declaration,
  stored: ReadonlyMap<string, Column>,
  params: CreateParams,
  first: FirstRecord | undefined,
  warnings: string[],
): Column[] {
  const declared = new Map(declaration.columns.map((column) => [column.name, column]))
  const dropping = params.delete_fields && (params.fields !== undefined || params.schema !== undefined)
  const inFirst = new Set(first?.keys)
  const kept = [...stored.values()].flatMap((column) => {
    const redeclared = declared.get(column.name)
    if (!redeclared) return dropping && !inFirst.has(column.name) ? [] : [column]
    return [
      params.schema === undefined
        ? redeclareField(column, redeclared, declaration, warnings)
        : redeclareSchemaField(column, redeclared),
    ]
  })
  const added = declaration.columns.filter(({ name }) => !stored.has(name))
  const known = new Set([...kept, ...added].map(({ name }) => name))
  return [...kept, ...added, ...guessedColumns(first, known)]
}

/** Through `fields` the stored type stays, as in CKAN, and the dictionary is replaced where one is given. */
function redeclareField(column: Column, redeclared: Column, { untyped }: Declaration, warnings: string[]): Column {
  const was = nativeTypeName(column.type)
  const asked = nativeTypeName(redeclared.type)
  if (!untyped.has(column.name) && was !== asked) {
    warnings.push(`fields: column "${column.name}" stays ${was}; it can't become ${asked} this way.`)
  }
  if (!redeclared.info) return column
  const { name, type, constraints, ...rest } = redeclared.field
  const kept = constraints ?? column.field.constraints
  const field = { name, type: column.field.type ?? type, ...rest, ...(kept !== undefined && { constraints: kept }) }
  return { ...column, info: redeclared.info, field }
}

/** Types that a `schema` may widen a stored one into without loss (contract §9.2). */
const WIDER: Readonly<Record<string, readonly string[]>> = { integer: ['number'], date: ['datetime'] }

/** Through `schema` a column may widen where nothing is lost; anything else is a conflict (contract §10.2 row 59). */
function redeclareSchemaField(column: Column, redeclared: Column): Column {
  const was = column.type.array ? 'array' : column.type.type.frictionless
  const asked = redeclared.field.type ?? 'string'
  const dictionary = { field: redeclared.field, ...(redeclared.info && { info: redeclared.info }) }
  if (asked === was || asked === column.field.type || redeclared.declaredType === column.declaredType) {
    const { info: _info, ...rest } = column
    return { ...rest, ...dictionary }
  }
  if (!column.type.array && WIDER[was]?.includes(asked)) return redeclared
  const from = column.field.type ?? was
  throw new ConflictError(`Column "${column.name}" is ${from} and can't become ${asked} without loss.`, {
    schema: [`column "${column.name}": ${from} can't become ${asked}`],
  })
}

function checkKey(key: readonly string[], names: ReadonlySet<string>, kept: boolean): void {
  const missing = key.filter((name) => !names.has(name))
  if (missing.length === 0) return
  const list = `[${missing.map((name) => `'${name}'`).join(', ')}]`
  throw new ValidationError(
    kept
      ? { primary_key: [`${list} can't be dropped: it is part of the primary key`] }
      : { index: [`The field "${list}" is not a valid column name.`] },
  )
}

function checkIndexes(indexes: readonly (readonly string[])[], names: ReadonlySet<string>, kept: boolean): void {
  const missing = indexes.flat().find((name) => !names.has(name))
  if (missing !== undefined && !kept)
    throw new ValidationError({ index: [`The field "${missing}" is not a valid column name.`] })
}

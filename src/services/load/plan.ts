import type { Config } from '../../core/config.ts'
import { ValidationError } from '../../core/errors.ts'
import type { Column } from '../../core/table-schema.ts'
import { columnFromField, ID_COLUMN, UPDATED_AT_COLUMN } from '../../core/table-schema.ts'
import type { LoadPlan, Table } from '../../infrastructure/engines/engine.ts'
import type { LoadParams } from '../../schemas/load.ts'
import { readDeclaration } from '../declaration.ts'
import { checkDistinctNames, checkFieldNames, checkNameLengths, checkResourceId } from '../names.ts'

/** A plan without what is known only of the file. */
export type LoadTarget = Omit<LoadPlan, 'source'>

/** A file's columns that a table of ours never takes from it. */
export const SYSTEM_COLUMNS: ReadonlySet<string> = new Set([ID_COLUMN, UPDATED_AT_COLUMN])

/**
 * What a table is to be after a load: the stored one, or the one that `schema` says, or the one that the file shows.
 *
 * @param found - The file's columns; those without a type get the one that all of the file shows.
 */
export function planLoad(
  id: string,
  table: Table | undefined,
  params: LoadParams,
  found: readonly (string | Column)[],
  config: Config,
): LoadTarget {
  const names = found.map((column) => (typeof column === 'string' ? column : column.name))
  if (table && params.schema !== undefined && params.method !== 'replace') {
    throw new ValidationError({
      schema: ['the table has a schema already: datastore_create changes it, method=replace takes a new one'],
    })
  }
  checkDistinctNames(names)
  const declared =
    params.schema === undefined ? undefined : readDeclaration(createParams(params.schema), undefined, new Map())
  const columns = declared?.columns ?? (table ? [...table.columns] : shown(found))
  const primaryKey = declared?.primaryKey ?? table?.primaryKey ?? []
  if (!table) {
    checkResourceId(id)
    checkNameLengths(columns.map(({ name }) => name))
  }
  checkColumns(names, columns)
  checkKey(primaryKey, columns, names, params.method)
  return {
    id,
    basedOn: table?.schemaRevision,
    method: params.method as LoadPlan['method'],
    columns,
    inferred: new Set(declared || table ? [] : found.filter((column) => typeof column === 'string')),
    primaryKey,
    indexes: (table?.indexes ?? []).filter((index) =>
      index.every((name) => columns.some((column) => column.name === name)),
    ),
    schemaProperties: declared?.schemaProperties ?? table?.schemaProperties ?? {},
    hasUpdatedAt: config.includeUpdatedAt || (table?.hasUpdatedAt ?? false),
    onError: params.on_error as LoadPlan['onError'],
  }
}

function createParams(schema: unknown): Parameters<typeof readDeclaration>[0] {
  return { schema } as Parameters<typeof readDeclaration>[0]
}

function shown(found: readonly (string | Column)[]): Column[] {
  const columns = found
    .filter((column) => !SYSTEM_COLUMNS.has(typeof column === 'string' ? column : column.name))
    .map((column) => (typeof column === 'string' ? columnFromField({ name: column, type: 'string' }) : column))
  checkFieldNames(columns.map(({ name }) => name))
  return columns
}

/** Columns that the table does not have, in the words of CKAN's extra keys. */
function checkColumns(names: readonly string[], columns: readonly Column[]): void {
  const known = new Set(columns.map(({ name }) => name))
  const extra = names.filter((name) => !known.has(name) && !SYSTEM_COLUMNS.has(name))
  if (extra.length === 0) return
  throw new ValidationError({ fields: [`fields "${extra.join(', ')}" do not exist`] })
}

function checkKey(key: readonly string[], columns: readonly Column[], names: readonly string[], method: string): void {
  const missing = key.filter((name) => !columns.some((column) => column.name === name))
  if (missing.length > 0) throw new ValidationError({ primary_key: [`no column is called "${missing.join('", "')}"`] })
  if (method !== 'upsert') return
  if (key.length === 0) throw new ValidationError({ table: ['unique key must be passed for update/upsert'] })
  const absent = key.filter((name) => !names.includes(name))
  if (absent.length > 0)
    throw new ValidationError({ key: [`fields "${absent.join(', ')}" are missing from the file but needed as key`] })
}

import { ValidationError } from '../core/errors.ts'

const MAX_COLUMN_NAME = 63
/** More than three times what PostgreSQL holds. */
const MAX_COLUMNS = 5000
const MAX_INDEXES = 1000
const MAX_RESOURCE_ID = 100
/** Control, format, surrogate, private-use and unassigned characters. */
const INVISIBLE = /\p{C}/u

/** CKAN's rules for a column's name (contract §4.2). */
export function isFieldName(name: string): boolean {
  return name !== '' && !name.startsWith('_') && name === name.trim() && !name.includes('"') && !INVISIBLE.test(name)
}

/**
 * Checks the names of declared columns.
 *
 * @throws ValidationError with a list aligned with the request: an empty object where nothing is wrong.
 */
export function checkFieldNames(names: readonly (string | undefined)[]): void {
  checkColumnCount(names.length)
  const mistakes = names.map((name) => {
    if (name === undefined || name === '') return { id: ['Missing value'] }
    return isFieldName(name) ? {} : { id: [`"${name}" is not a valid field name`] }
  })
  if (mistakes.some((mistake) => 'id' in mistake)) throw new ValidationError({ fields: mistakes })
}

function checkColumnCount(count: number): void {
  if (count > MAX_COLUMNS) throw new ValidationError({ fields: [`A table can have ${MAX_COLUMNS} columns at most`] })
}

/** Refuses more indexes than a table may have. */
export function checkIndexCount(count: number): void {
  if (count > MAX_INDEXES) throw new ValidationError({ index: [`A table can have ${MAX_INDEXES} indexes at most`] })
}

/** Refuses names that differ in nothing, or in upper and lower case alone: SQL could not tell them apart. */
export function checkDistinctNames(names: readonly string[]): void {
  checkColumnCount(names.length)
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(name.toLowerCase())
    if (other !== undefined) {
      const detail = { field: ['Duplicate column names are not supported'] }
      throw other === name
        ? new ValidationError(detail)
        : new ValidationError(detail, {
            message: `field: Duplicate column names are not supported: "${other}" and "${name}" differ in case alone`,
          })
    }
    seen.set(name.toLowerCase(), name)
  }
}

/** PostgreSQL's limit, which CKAN enforces when a table is made. */
export function checkNameLengths(names: readonly string[]): void {
  const long = names.find((name) => [...name].length > MAX_COLUMN_NAME)
  if (long !== undefined)
    throw new ValidationError({ fields: [`Column heading "${long}" exceeds limit of ${MAX_COLUMN_NAME} characters.`] })
}

/** An alias is named as a column is, without `%` (contract §4.2). */
export function checkAliases(aliases: readonly string[]): void {
  const bad = aliases.find((alias) => !isFieldName(alias) || alias.includes('%') || isReserved(alias))
  if (bad !== undefined) throw new ValidationError({ alias: [`"${bad}" is not a valid alias name`] })
}

/** Ids of new tables: what a URL, a file name and SQL can carry. */
export function checkResourceId(id: string): void {
  if (!isFieldName(id) || id.length > MAX_RESOURCE_ID || isReserved(id)) {
    throw new ValidationError({ resource_id: [`"${id}" can't name a table here`] })
  }
}

/** `.` and `..` go missing from a URL's path. */
const RESERVED = new Set(['query', 'information_schema', '.', '..'])

/** `/datastore/dump/query` is a path of its own; PostgreSQL's catalogue starts with `pg_`. */
function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase()) || /^pg_/i.test(name)
}

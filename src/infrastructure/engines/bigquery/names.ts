/**
 * How ids and column names are written in BigQuery, which takes letters, marks, digits, dashes, blanks and underscores in
 * both. Any other character is written as its code, `_x2E_`; so is an underscore that would look like the start of one.
 * The same name always gives the same, and no two names give one.
 */
const FOREIGN = /[^\p{L}\p{M}\p{N}\p{Pd}_ ]|_(?=x[0-9A-F]+_)/gu
const ESCAPED = /_x([0-9A-F]+)_/g

/** The table that holds a resource's rows. */
export function tableOf(resourceId: string): string {
  return encodeName(resourceId)
}

/** The one-row table with what moves with every write of a resource: next `_id`, count, revision. */
export function stateOf(resourceId: string): string {
  return `_state_${encodeName(resourceId)}`
}

/** A column by its name in BigQuery. */
export function storedColumn(name: string): string {
  return encodeName(name)
}

export function encodeName(name: string): string {
  return name.replace(FOREIGN, (character) => `_x${character.codePointAt(0)?.toString(16).toUpperCase()}_`)
}

/** What `encodeName` was given. */
export function decodeName(stored: string): string {
  return stored.replace(ESCAPED, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
}

/** `a-b` → `` `a-b` ``. Names with a backtick or a backslash don't come here: `encodeName` has written them as codes. */
export function quoteName(name: string): string {
  if (/[`\\\n\r]/.test(name)) throw new TypeError(`no name in BigQuery: ${JSON.stringify(name)}`)
  return `\`${name}\``
}

/** Tables of this engine's own, in the dataset. */
export const METADATA = '_datastore_metadata'
export const FORMAT = '_datastore_format'
export const ALIASES = '_datastore_aliases'

/** The label says whose table it is: one without it is never replaced. */
export const LABEL = 'ckan_datastore'

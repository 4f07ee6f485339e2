import { ValidationError } from './errors.ts'
import type { ColumnType } from './field-types.ts'

/** What PostgreSQL calls a type when it refuses a value; for the rest it is the long name. */
const shortNames: Readonly<Record<string, string>> = {
  time: 'time',
  timetz: 'time with time zone',
  timestamp: 'timestamp',
}

const SHOWN = 100

/** PostgreSQL's sentence about a text that a column's type can't read: `invalid input syntax for type integer: "x"`. */
export function invalidInput({ type, array }: ColumnType, text: string): string {
  if (array) return `malformed array literal: "${shorten(text)}"`
  return `invalid input syntax for type ${inputTypeName(type)}: "${shorten(text)}"`
}

/** `value "40000" is out of range for type smallint` */
export function outOfRange({ type }: ColumnType, text: string): string {
  return `value "${shorten(text)}" is out of range for type ${inputTypeName(type)}`
}

/**
 * 409 for a value that its column can't hold. `row` counts from 0. The sentence stands alone under `records`, as CKAN's
 * clients expect it; row and column stand beside it and in the message (contract §8.1).
 */
export function badValue(row: number, column: string, sentence: string): ValidationError {
  return new ValidationError(
    { records: [sentence], records_row: row, records_column: column },
    { message: `records: row ${row}, column "${column}": ${sentence}` },
  )
}

function inputTypeName(type: ColumnType['type']): string {
  return shortNames[type.name] ?? type.nativeName
}

function shorten(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}…`
}

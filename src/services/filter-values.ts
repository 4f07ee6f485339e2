import { invalidInput } from '../core/bad-value.ts'
import type { Family } from '../core/field-types.ts'
import { JsonNumber, stringifyJson } from '../core/json-number.ts'
import type { Column } from '../core/table-schema.ts'
import { matchesType } from '../core/values.ts'
import { spacedTime } from './records/times.ts'

/** JSON kinds of a filter's value that each family compares with; the text must then match the type's pattern. */
const kinds: Readonly<Record<Family, readonly string[]>> = {
  integer: ['number', 'string'],
  numeric: ['number', 'string'],
  float: ['number', 'string'],
  boolean: ['boolean', 'string'],
  text: ['string', 'number', 'boolean'],
  date: ['string'],
  time: ['string'],
  timestamp: ['string'],
  timestamptz: ['string'],
  json: ['string', 'number', 'boolean', 'object'],
  uuid: ['string'],
  opaque: ['string'],
}

const CLOCKS: ReadonlySet<Family> = new Set(['date', 'timestamp', 'timestamptz'])

/** No value but a text is longer, in characters; checking a number of millions of digits takes its time. */
const MAX_LENGTH = 10_000

/**
 * A filter's value as a text that its column's type can read; null stays null (IS NULL, contract §10.2 row 27).
 * What it can't read comes back as a sentence.
 */
export function filterValue(op: string, column: Column, value: unknown): string | null | { mistake: string } {
  if (value === null || value === undefined) return null
  const { type } = column
  if (type.array) return op === 'eq' ? arrayValue(column, value) : { mistake: `arrays can't be compared by ${op}` }
  const { family } = type.type
  if (family === 'json')
    return op === 'eq' ? stringifyJson(value) : { mistake: `${type.type.name} values can't be compared by ${op}` }
  const kind = value instanceof JsonNumber ? 'number' : typeof value
  if (!kinds[family].includes(kind)) return { mistake: invalidInput(type, show(value)) }
  // In a text column a number stands as it was written.
  const written = value instanceof JsonNumber && family === 'text' ? value.text : String(value)
  if (written.length > MAX_LENGTH && family !== 'text') return { mistake: invalidInput(type, written) }
  const text = CLOCKS.has(family) ? spacedTime(written) : written
  // A number with a fraction is comparable with whole numbers; a text of one is not an integer.
  if (family === 'integer' && kind === 'number') return text
  return matchesType(type, text) ? text : { mistake: invalidInput(type, text) }
}

/** A list as the JSON text of its elements' texts, as records are stored. */
function arrayValue(column: Column, value: unknown): string | { mistake: string } {
  if (!Array.isArray(value)) return { mistake: invalidInput(column.type, show(value)) }
  const element: Column = { ...column, type: { ...column.type, array: false } }
  const texts: (string | null)[] = []
  for (const item of value) {
    const text = filterValue('eq', element, item)
    if (typeof text === 'object' && text !== null) return text
    texts.push(text)
  }
  return JSON.stringify(texts)
}

function show(value: unknown): string {
  return typeof value === 'object' ? stringifyJson(value) : String(value)
}

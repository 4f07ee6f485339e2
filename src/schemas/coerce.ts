import { IntegrityError } from '../core/errors.ts'
import { JsonNumber, parseJsonNumbers, stringifyJson } from '../core/json-number.ts'
import { pythonText } from '../core/python-text.ts'
import { checkJson, parseJson } from './json.ts'

/** What is wrong with one parameter: CKAN's sentences. */
export class Mistake extends Error {
  readonly sentences: readonly string[]

  constructor(...sentences: string[]) {
    super(sentences.join('; '))
    this.sentences = sentences
  }
}

/** Parameters as a request carries them: strings, lists of strings, JSON values; `records` as bytes. */
export type RawParams = Record<string, unknown>

/** What a coercer may know of the property that it reads. */
export interface CoercedProperty {
  name: string
  /** All parameters of the call. */
  raw: RawParams
  /** The values of a one-of. */
  choices?: readonly string[]
}

type Coercer = (value: unknown, property: CoercedProperty) => unknown

/**
 * CKAN's coercions (contract §1.4), by the name that a property's schema gives in `coerce`. Each gets what was sent,
 * never null; answers the value, or undefined for "as if absent"; throws `Mistake`.
 */
export const coercers = {
  bool: readBool,
  int: readInteger,
  natural: readNatural,
  offset: readOffset,
  'bool-or-background': readBoolOrBackground,
  'one-of': readOneOf,
  json: (value) => readJson(value, JSON.parse),
  'json-numbers': (value) => readJson(value, parseJsonNumbers),
  'string-or-object': readStringOrObject,
  list: (value, property) => readList(value, property).map((item) => unquote(item)),
  clauses: readList,
  indexes: readIndexes,
  string: readString,
  moment: readMoment,
  object: readObject,
  'dict-or-null': (value) => requireObject(value, 'filters must be either a dict or null.'),
  dict: (value) => requireObject(value, 'Must be a dict'),
  'list-of-objects': readListOfObjects,
  records: readRecords,
} satisfies Record<string, Coercer>

export type CoercerName = keyof typeof coercers

const TRUE = new Set(['true', 'yes', 't', 'y', '1'])
const FALSE = new Set(['false', 'no', 'f', 'n', '0'])

function readBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isInteger(value) && value !== 0
  return typeof value === 'string' && TRUE.has(value.toLowerCase())
}

function readBoolOrBackground(value: unknown): boolean | 'background' {
  if (value === 'background') return value
  if (typeof value === 'boolean' || Number.isInteger(value)) return Boolean(value)
  const word = typeof value === 'string' ? value.toLowerCase() : undefined
  if (word !== undefined && TRUE.has(word)) return true
  if (word !== undefined && FALSE.has(word)) return false
  throw new Mistake('Value must be boolean or one of: background')
}

/** Whole numbers past 2^53 are cut to it: no table has as many rows. */
function readInteger(value: unknown): number | undefined {
  if (typeof value === 'string' && value.trim() === '') return undefined
  const number = toInteger(value)
  if (number === undefined) throw new Mistake('Invalid integer')
  return Math.min(Math.max(number, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

function toInteger(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined
  if (typeof value !== 'string' || !/^\s*[+-]?\d+(_\d+)*\s*$/.test(value)) return undefined
  return Number(value.replaceAll('_', ''))
}

function readNatural(value: unknown): number | undefined {
  if (typeof value === 'string' && value.trim() !== '' && toInteger(value) === undefined) {
    throw new Mistake('Invalid integer', 'Please enter an integer value')
  }
  const number = readInteger(value)
  if (number !== undefined && number < 0) throw new Mistake('Must be a natural number')
  return number
}

function readOffset(value: unknown): number | undefined {
  const number = readInteger(value)
  if (number !== undefined && number < 0) throw new Mistake(`invalid value "${number}"`)
  return number
}

function readOneOf(value: unknown, { choices = [] }: CoercedProperty): string {
  if (value === '') return value
  if (typeof value === 'string' && choices.includes(value)) return value
  throw new Mistake(`Value must be one of [${choices.map((choice) => `'${choice}'`).join(', ')}]`)
}

function readJson(value: unknown, parse: (text: string) => unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    checkJson(new TextEncoder().encode(value))
  } catch {
    throw new Mistake('Cannot parse JSON')
  }
  return parse(value) ?? undefined
}

function readStringOrObject(value: unknown): string | Record<string, unknown> {
  if (isObject(value)) return value
  if (typeof value !== 'string') return toText(value)
  if (!value.trimStart().startsWith('{')) return value
  try {
    const parsed = parseJson(value)
    return isObject(parsed) ? parsed : value
  } catch {
    return value
  }
}

/** The items of a list, or of a comma list. An empty string is an empty list. */
function readList(value: unknown, _property: CoercedProperty): string[] {
  if (typeof value === 'string') return value === '' ? [] : splitCommas(value)
  if (!Array.isArray(value)) throw new Mistake('Not a list')
  return value.map((item: unknown) => {
    if (typeof item === 'string') return item
    if (Array.isArray(item)) throw new Mistake(`invalid value ${JSON.stringify(toText(item))}`)
    throw new Mistake(`Neither a string nor a list: ${pythonText(item)}`)
  })
}

/** Each index as its column names: an item is a name, a comma list, or a list (contract §8.1). */
function readIndexes(value: unknown, property: CoercedProperty): string[][] {
  if (typeof value === 'string') return readList(value, property).map((name) => [unquote(name)])
  if (!Array.isArray(value)) throw new Mistake('Not a list')
  return value.map((item: unknown) => {
    if (typeof item !== 'string' && !Array.isArray(item))
      throw new Mistake(`Neither a string nor a list: ${pythonText(item)}`)
    return readList(item, property).map(unquote)
  })
}

/** Splits at commas outside double quotes (no column name holds one) and trims. */
function splitCommas(text: string): string[] {
  const balanced = text.split('"').length % 2 === 1
  const items: string[] = []
  let start = 0
  let quoted = false
  for (let index = 0; index <= text.length; index++) {
    if (text[index] === '"' && balanced) quoted = !quoted
    if (index === text.length || (text[index] === ',' && !quoted)) {
      items.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  return items
}

function unquote(item: string): string {
  return item.length > 0 && item[0] === item[item.length - 1] ? item.trim().replace(/^"+|"+$/g, '') : item
}

function readString(value: unknown): string {
  return typeof value === 'string' ? value : toText(value)
}

/** A day, or a day and a time, by UTC unless an offset says otherwise. In an address, where a plus is a blank, so it is here. */
const MOMENT = /^\s*(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+ -]\d\d(?::?\d\d)?)?)?\s*$/i

/** As ISO 8601 in UTC; what follows the milliseconds is cut off. */
function readMoment(value: unknown): string | undefined {
  if (value === '') return undefined
  const [, day, time = '00:00', given = 'Z'] = (typeof value === 'string' && MOMENT.exec(value)) || []
  const offset = given
    .replace(' ', '+')
    .replace(/^([+-]\d\d):?(\d\d)?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`)
  const moment = new Date(`${day}T${time}${offset.toUpperCase()}`)
  // A day that its month has not is taken for one of the next month.
  const isDay = day !== undefined && new Date(`${day}T00:00Z`).toJSON()?.startsWith(day)
  if (!isDay || Number.isNaN(moment.valueOf())) throw new Mistake('Must be a date, or a date and time, as in ISO 8601')
  return moment.toISOString()
}

function readObject(value: unknown): Record<string, unknown> {
  const parsed = readJson(value, JSON.parse)
  return requireObject(parsed, 'Must be a dict')
}

function requireObject(value: unknown, sentence: string): Record<string, unknown> {
  if (!isObject(value)) throw new Mistake(sentence)
  return value
}

/** A nested list of CKAN's: a wrong shape is 400, not 409 (contract §2.2). */
function readListOfObjects(value: unknown, { name, raw }: CoercedProperty): Record<string, unknown>[] {
  const data = { resource_id: raw.resource_id ?? raw.id, [name]: value }
  if (!Array.isArray(value) || (value.length > 0 && !isObject(value[0]))) {
    const sentence = `Only lists of dicts can be placed against subschema ('${name}',), not <class '${pythonType(value)}'>`
    throw new IntegrityError(sentence, data)
  }
  if (!value.every(isObject)) throw new IntegrityError('Values in lists need to be dicts', data)
  return value
}

/** Records stay bytes: the JSON body's own slice, or the text of a form field. */
function readRecords(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value !== 'string') throw new Mistake('Not a list')
  const bytes = new TextEncoder().encode(value)
  try {
    checkJson(bytes)
  } catch {
    throw new Mistake('Cannot parse JSON')
  }
  if (!value.trimStart().startsWith('[')) throw new Mistake('Not a list')
  return bytes
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !(value instanceof Uint8Array) && !(value instanceof JsonNumber)
}

function toText(value: unknown): string {
  return stringifyJson(value) ?? String(value)
}

const PYTHON_TYPES: Record<string, string> = { string: 'str', boolean: 'bool', object: 'dict' }

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return PYTHON_TYPES[typeof value] ?? 'NoneType'
}

import { ValidationError } from '../../core/errors.ts'
import { columnType } from '../../core/field-types.ts'
import { JsonScanner, Kind, sourceText } from '../../core/json-scanner.ts'
import { matchesType } from '../../core/values.ts'

export interface FirstRecord {
  /** In the order of the source. */
  keys: string[]
  /** As `JSON.parse` reads it: long numbers lose digits here. */
  record: Record<string, unknown>
  /** The source text of each value, from which its type is guessed. */
  tokens: ReadonlyMap<string, string>
}

/** The first of a request's `records` (the bytes of a JSON array, checked before). Undefined: there is none. */
export function firstRecord(bytes: Uint8Array): FirstRecord | 'not an object' | undefined {
  const scanner = new JsonScanner(bytes)
  if (scanner.next() !== Kind.array) return undefined
  scanner.enter(0)
  const kind = scanner.next()
  if (kind === Kind.none) return undefined
  if (kind !== Kind.object) return 'not an object'
  const start = scanner.pos
  const spans = membersOf(scanner)
  const tokens = new Map([...spans].map(([key, span]) => [key, sourceText(scanner.bytes, span.start, span.end)]))
  const record = JSON.parse(sourceText(scanner.bytes, start, scanner.pos)) as Record<string, unknown>
  return { keys: [...tokens.keys()], record, tokens }
}

/** More than a table has columns. */
const MAX_KEYS = 10_000

/** The text is known to be JSON: nothing but too many keys can be wrong with it. */
function membersOf(scanner: JsonScanner): ReturnType<JsonScanner['members']> {
  try {
    return scanner.members(1, MAX_KEYS)
  } catch (cause) {
    throw new ValidationError({ records: [`The first row has more than ${MAX_KEYS} keys`] }, { cause })
  }
}

const MAX_DIGITS = 38
const INT4 = 2n ** 31n
const INT8 = 2n ** 63n

const PYTHON_INT = /^\s*[+-]?\d+(?:_\d+)*\s*$/
const PYTHON_FLOAT =
  /^\s*[+-]?(?:(?:\d+(?:_\d+)*)(?:\.(?:\d+(?:_\d+)*)?)?(?:e[+-]?\d+(?:_\d+)*)?|\.\d+(?:_\d+)*(?:e[+-]?\d+(?:_\d+)*)?|nan|inf(?:inity)?)\s*$/i

const YEAR_FIRST = /^(?<y>\d{4})-(?<m>\d{1,2})-(?<d>\d{1,2})(?:(?:T|\s+)(?<H>\d{1,2}):(?<M>\d{1,2}):(?<S>\d{1,2}))?$/i
const YEAR_FIRST_UTC = /^(?<y>\d{4})-(?<m>\d{1,2})-(?<d>\d{1,2})T(?<H>\d{1,2}):(?<M>\d{1,2}):(?<S>\d{1,2})Z$/i
const DAY_FIRST = /^(?<d>\d{1,2})([/-])(?<m>\d{1,2})\2(?<y>\d{4})$/
const MONTH_FIRST = /^(?<m>\d{1,2})([/-])(?<d>\d{1,2})\2(?<y>\d{4})$/
/** A day that PostgreSQL, which reads the month first, has no month for. */
const DAY_FIRST_ONLY = /^(?:1[3-9]|[23]\d)[/-]/

const TIMESTAMP_FORMS = [YEAR_FIRST, YEAR_FIRST_UTC, DAY_FIRST, MONTH_FIRST]

/**
 * The column type that CKAN guesses from a value's source text (contract §4.4): `json`, `int`, `integer`, `float`,
 * `numeric`, `timestamp` or `text`.
 *
 * Where CKAN's guess could not hold the very value it was made from, ours can: whole numbers beyond int4 are `int8`,
 * beyond int8 `numeric`, booleans are `bool` (CKAN says `int` to all of them, and its insert fails), `nan` and `inf`
 * are `float8`, and what its column would refuse after all (`1_000`, `31/12/2020`) is `text`.
 */
export function guessType(rawToken: string): string {
  const first = rawToken[0] ?? ''
  if (first === '{' || first === '[') return 'json'
  if (first === 't' || first === 'f') return 'bool'
  if (first === 'n') return 'text'
  if (first !== '"') return /^-?\d+$/.test(rawToken) ? integerFor(rawToken, 'int') : 'float'
  return guessFromText(JSON.parse(rawToken) as string)
}

function guessFromText(text: string): string {
  const guessed = ckanGuess(text)
  if (guessed === 'numeric' && !fitsNumeric(text)) return /\d{39}/.test(text) ? 'text' : 'float8'
  return matchesType(columnType(guessed), text) && !(guessed === 'timestamp' && DAY_FIRST_ONLY.test(text))
    ? guessed
    : 'text'
}

/** False for `nan`, `inf` and what needs more than 38 digits. */
function fitsNumeric(text: string): boolean {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const digits = mantissa.replace(/\D/g, '').length
  return digits > 0 && digits + Math.abs(Number(exponent)) <= MAX_DIGITS
}

function ckanGuess(text: string): string {
  if (PYTHON_INT.test(text)) return integerFor(text, 'integer')
  if (PYTHON_FLOAT.test(text)) return 'numeric'
  return TIMESTAMP_FORMS.some((form) => isMoment(form.exec(text))) ? 'timestamp' : 'text'
}

/** The guessed name when int4 holds the number, else the type that does. */
function integerFor(text: string, guessed: string): string {
  const digits = text.replace(/[\s_+]/g, '')
  if (digits.length > 20) return 'numeric'
  const value = BigInt(digits.replace('-', '')) * (digits.startsWith('-') ? -1n : 1n)
  if (value >= -INT4 && value < INT4) return guessed
  return value >= -INT8 && value < INT8 ? 'int8' : 'numeric'
}

/** True for a day that the calendar has and a time of day as Python's `strptime` takes it. */
function isMoment(match: RegExpExecArray | null): boolean {
  if (!match?.groups) return false
  const { y, m, d, H = 0, M = 0, S = 0 } = match.groups
  const [year, month, day] = [Number(y), Number(m), Number(d)]
  const monthLength = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > monthLength) return false
  return Number(H) < 24 && Number(M) < 60 && Number(S) < 60
}

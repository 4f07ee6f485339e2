import { invalidInput, outOfRange } from '../../../core/bad-value.ts'
import type { ColumnType, FieldType } from '../../../core/field-types.ts'
import { MONTH_FIRST_DAY, matchesType, TRUE_WORDS } from '../../../core/values.ts'
import { formatDecimal, parseDecimal, shortened } from '../sql/decimal.ts'
import { intervalText } from './interval.ts'

/** A text that is no value of its column, or one that BigQuery can't hold exactly. */
export interface Refused {
  sentence: string
}

/** Digits that a BIGNUMERIC holds before the point, and behind it. */
export const BIGNUMERIC_DIGITS = 38

type Reading = string | Refused

/**
 * Reads the text of one value (contract §4.5) into the one text that stands for it: `1.50` and `15e-1` both become `1.5`.
 * Equal values have equal texts, so keys are compared by them; BigQuery reads each by a plain cast.
 */
export function readValue(column: ColumnType, text: string): Reading {
  return column.array ? readArray(column, text) : readElement(column, text)
}

export function isRefused(reading: Reading): reading is Refused {
  return typeof reading !== 'string'
}

function readElement(column: ColumnType, text: string): Reading {
  if (!matchesType(column, text)) return { sentence: invalidInput(column, text) }
  return readers[column.type.family](text, column)
}

type Reader = (text: string, column: ColumnType) => Reading

const readers: Readonly<Record<FieldType['family'], Reader>> = {
  integer: (text, column) => {
    const value = BigInt(text.trim().replace(/^\+/, ''))
    const [least, greatest] = column.type.range ?? [0n, 0n]
    return value >= least && value <= greatest ? String(value) : { sentence: outOfRange(column, text) }
  },
  numeric: readNumeric,
  float: readFloat,
  boolean: (text) => String(TRUE_WORDS.includes(text.trim().toLowerCase())),
  text: (text) => text,
  date: (text) => readDay(text) ?? outOfCalendar(text),
  time: (text) => readClock(text) ?? outOfCalendar(text),
  timestamp: (text) => readMoment(text)?.text ?? outOfCalendar(text),
  timestamptz: (text) => {
    const moment = readMoment(text)
    return moment === undefined ? outOfCalendar(text) : (utcMicroseconds(moment) ?? outOfCalendar(text))
  },
  json: readJson,
  uuid: (text) => {
    const digits = text.toLowerCase().replace(/[^0-9a-f]/g, '')
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  },
  opaque: (text, { type }) => {
    const trimmed = text.trim()
    if (type.name === 'interval') return intervalText(trimmed)
    return ['bytea', 'macaddr', 'inet', 'cidr'].includes(type.name) ? trimmed.toLowerCase() : trimmed
  },
}

function readNumeric(text: string, { modifier }: ColumnType): Reading {
  const value = parseDecimal(text)
  const overflow = { sentence: overflowSentence(text, modifier) }
  if (!value) return overflow
  const { digits, scale } = shortened(value)
  const [precision, places] = modifier
    ? [modifier[0] as number, modifier[1] as number]
    : [2 * BIGNUMERIC_DIGITS, BIGNUMERIC_DIGITS]
  const whole = (digits < 0n ? -digits : digits) / 10n ** BigInt(scale)
  if (scale > places || whole >= 10n ** BigInt(precision - places)) return overflow
  return formatDecimal(digits, scale)
}

function overflowSentence(text: string, modifier: readonly number[] | undefined): string {
  const held = modifier
    ? `${modifier[0]} digits of which ${modifier[1]} follow the point`
    : `${BIGNUMERIC_DIGITS} digits before the point and ${BIGNUMERIC_DIGITS} behind it`
  return `numeric field overflow: "${text}" does not fit ${held}`
}

function readFloat(text: string, column: ColumnType): Reading {
  const word = text.trim().toLowerCase()
  if (word.includes('nan')) return 'NaN'
  if (word.includes('inf')) return word.startsWith('-') ? '-Infinity' : 'Infinity'
  const value = column.type.name === 'float4' ? Math.fround(Number(word)) : Number(word)
  if (!Number.isFinite(value)) return { sentence: outOfRange(column, text) }
  return Object.is(value, -0) ? '0' : String(value)
}

function outOfCalendar(text: string): Refused {
  return { sentence: `date/time field value out of range: "${text}"` }
}

interface Moment {
  text: string
  year: number
  month: number
  day: number
  clock: readonly [hours: number, minutes: number, seconds: number, microseconds: number]
  /** Minutes east of Greenwich. */
  offset: number
}

const DAY = /^\s*(\d+)[-/](\d{1,2})[-/](\d{1,2})/
const MONTH_FIRST = new RegExp(MONTH_FIRST_DAY)
const CLOCK = /(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d*))?)?/
const ZONE = /([+-])(\d{1,2})(?::?(\d{2}))?\s*$/

function calendarDay(text: string): { year: number; month: number; day: number } | undefined {
  const american = MONTH_FIRST.exec(text)
  const [year, month, day] = american
    ? [Number(american[3]), Number(american[1]), Number(american[2])]
    : (DAY.exec(text) ?? []).slice(1, 4).map(Number)
  if (year === undefined || month === undefined || day === undefined) return undefined
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysOf(year, month)) return undefined
  return { year, month, day }
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

const padded = (value: number, length = 2) => String(value).padStart(length, '0')

function dayText({ year, month, day }: { year: number; month: number; day: number }): string {
  return `${padded(year, 4)}-${padded(month)}-${padded(day)}`
}

function readDay(text: string): string | undefined {
  const day = calendarDay(text)
  return day && dayText(day)
}

function clockOf(text: string): Moment['clock'] | undefined {
  const [, hours, minutes, seconds = '0', fraction = ''] = CLOCK.exec(text) ?? []
  if (hours === undefined || minutes === undefined) return [0, 0, 0, 0]
  const clock = [Number(hours), Number(minutes), Number(seconds), Number(fraction.slice(0, 6).padEnd(6, '0'))] as const
  return clock[0] > 23 || clock[1] > 59 || clock[2] > 59 ? undefined : clock
}

function clockText([hours, minutes, seconds, microseconds]: Moment['clock']): string {
  const fraction = microseconds === 0 ? '' : `.${padded(microseconds, 6).replace(/0+$/, '')}`
  return `${padded(hours)}:${padded(minutes)}:${padded(seconds)}${fraction}`
}

function readClock(text: string): string | undefined {
  const clock = clockOf(text)
  return clock && clockText(clock)
}

function readMoment(text: string): Moment | undefined {
  const day = calendarDay(text)
  const rest = text.trim().replace(/^\S*?(?=[ T]|$)/, '')
  const clock = clockOf(rest)
  if (!day || !clock) return undefined
  const [, sign, hours = '0', minutes = '0'] = (rest.includes(':') && ZONE.exec(rest)) || []
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  if (sign !== undefined && (Number(hours) > 15 || Number(minutes) > 59)) return undefined
  return { ...day, clock, offset, text: `${dayText(day)}T${clockText(clock)}` }
}

const MICROSECONDS_A_DAY = 86_400_000_000n

function utcMicroseconds({ year, month, day, clock, offset }: Moment): string | undefined {
  const [hours, minutes, seconds, microseconds] = clock
  const since = BigInt(hours * 3600 + (minutes - offset) * 60 + seconds) * 1_000_000n + BigInt(microseconds)
  const total = BigInt(daysSinceEpoch(year, month, day)) * MICROSECONDS_A_DAY + since
  return total < LEAST_TIMESTAMP || total > GREATEST_TIMESTAMP ? undefined : String(total)
}

function daysSinceEpoch(year: number, month: number, day: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return Math.round(date.getTime() / 86_400_000)
}

const LEAST_TIMESTAMP = BigInt(daysSinceEpoch(1, 1, 1)) * MICROSECONDS_A_DAY
const GREATEST_TIMESTAMP = BigInt(daysSinceEpoch(10_000, 1, 1)) * MICROSECONDS_A_DAY - 1n

/** Line ends inside a JSON text are white space; in a download they would end the record. */
function readJson(text: string, column: ColumnType): Reading {
  try {
    JSON.parse(text)
  } catch {
    return { sentence: invalidInput(column, text) }
  }
  const line = text.replace(/[\n\r]/g, ' ')
  if (column.type.name !== 'jsonb') return line
  const number = inexactNumber(line)
  return number === undefined
    ? line
    : {
        sentence: `the number ${number} can't be kept exactly inside a ${column.type.name} value by BigQuery: send it as a text`,
      }
}

const JSON_STRINGS_AND_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g

/** BigQuery's JSON type keeps numbers as 64-bit integers or as doubles. */
function inexactNumber(json: string): string | undefined {
  for (const [token] of json.matchAll(JSON_STRINGS_AND_NUMBERS)) {
    if (token.startsWith('"')) continue
    const exact = parseDecimal(token)
    const double = Number.isFinite(Number(token)) ? parseDecimal(String(Number(token))) : undefined
    if (!exact || !double) return token
    const scale = Math.max(exact.scale, double.scale)
    const scaled = ({ digits, scale: own }: { digits: bigint; scale: number }) => digits * 10n ** BigInt(scale - own)
    const isLong = exact.scale === 0 && exact.digits >= -(2n ** 63n) && exact.digits < 2n ** 64n
    if (!isLong && scaled(exact) !== scaled(double)) return token
  }
  return undefined
}

const ITEM = /\s*("(?:[^"\\]|\\.)*"|[^\s,[\]]+)\s*(,|\]\s*$)/y

/** A JSON list of scalars; digits are read from its text. The result is a JSON list of the elements' texts. */
function readArray(column: ColumnType, text: string): Reading {
  const refused = { sentence: invalidInput(column, text) }
  const list = text.trim()
  if (!list.startsWith('[') || !list.endsWith(']')) return refused
  if (/^\[\s*\]$/.test(list)) return '[]'
  const element: ColumnType = { type: column.type, array: false, ...(column.modifier && { modifier: column.modifier }) }
  const items: string[] = []
  ITEM.lastIndex = 1
  for (;;) {
    const match = ITEM.exec(list)
    if (!match) return refused
    const [, token = '', end] = match
    if (token === 'null') items.push('null')
    else {
      const reading = readElement(element, token.startsWith('"') ? (JSON.parse(token) as string) : token)
      if (isRefused(reading)) return reading
      items.push(JSON.stringify(reading))
    }
    if (end !== ',') return ITEM.lastIndex === 0 || ITEM.lastIndex === list.length ? `[${items.join(',')}]` : refused
  }
}

/** What the REST API sends of a stored value, as `readValue` writes it. */
export function canonicalText(raw: string, column: ColumnType): string {
  if (column.array || ['text', 'json', 'opaque', 'uuid', 'timestamptz'].includes(column.type.family)) return raw
  const reading = readElement(column, raw)
  if (isRefused(reading)) throw new TypeError(`a stored value that is none: ${reading.sentence}`)
  return reading
}

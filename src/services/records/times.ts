import { HAS_ESCAPE, textOf } from '../../core/json-scanner.ts'
import type { Cell } from './cell.ts'
import { emptyIsNull } from './scalars.ts'

const COMPACT_DAY = /^(\d{4})(\d{2})(\d{2})(?=$|[ T])/
const COMPACT_CLOCK = /^(\d{4}-\d{2}-\d{2}[ T])(\d{2})(\d{2})(\d{2})?(?=$|[.Z+-])/
const LONG_FRACTION = /(:\d\d\.)(\d{6})(\d+)/
/** More than any day and time of day with its zone needs. */
const LONGEST = 64
const DAY_DIGITS = 8
const DOT = 0x2e
const QUOTE = 0x22
const ZONE = /:\d\d(?:\.\d*)?\s*(?:Z|UTC|[+-]\d{1,2}(?::?\d\d)?)$/i
/** More than any time of day with its zone needs. */
const TIME_LENGTH = 48
/** A zone is no longer than this: `+02:00`, and a blank or two. */
const ZONE_BYTES = 8

/** `20200131` and `20200131T102030` as PostgreSQL reads them: with the signs between. */
export function spacedTime(text: string): string {
  const day = text.replace(COMPACT_DAY, '$1-$2-$3')
  if (day === text) return text
  return day.replace(COMPACT_CLOCK, (_, date, hour, minute, second = '00') => `${date}${hour}:${minute}:${second}`)
}

/** A text of a day, a time of day or both: in the form that engines read, to the microsecond (contract §4.5). */
export function clockText(cell: Cell): void {
  emptyIsNull(cell)
  if (!hasCompactDay(cell) && !hasLongFraction(cell)) return
  const text = textIn(cell)
  const spaced = spacedTime(text.trim())
  const rounded = spaced.replace(LONG_FRACTION, (_, clock, kept, rest) => `${clock}${roundedFraction(kept, rest)}`)
  if (rounded !== spaced && !/\.\d{6}0+(?!\d)/.test(spaced))
    cell.warn('rounded', (place) => `"${text}" ${place} was rounded to ${rounded}: the column keeps microseconds`)
  if (rounded !== text) cell.replace((out) => out.putString(rounded))
}

/** A column without time zone drops an offset and keeps the clock (contract §4.5). */
export function localTime(cell: Cell): void {
  clockText(cell)
  if (!mayHaveZone(cell) || !ZONE.test(textIn(cell).trimEnd().slice(-TIME_LENGTH))) return
  cell.warn('offset dropped', (place) => {
    return `the UTC offset of "${textIn(cell)}" ${place} was dropped: the column is a timestamp without time zone`
  })
}

/** Six digits, rounded by those behind them; never up into the next second. */
function roundedFraction(kept: string, rest: string): string {
  const up = rest >= '5' && kept !== '999999' ? 1 : 0
  return String(Number(kept) + up).padStart(kept.length, '0')
}

/** Looks at bytes only: most values need nothing. */
function hasCompactDay({ bytes, start, end }: Cell): boolean {
  if (end - start - 2 < DAY_DIGITS) return false
  for (let p = start + 1; p <= start + DAY_DIGITS; p++) {
    if (!isDigit(bytes[p])) return false
  }
  return true
}

function hasLongFraction({ bytes, start, end }: Cell): boolean {
  if (end - start > LONGEST) return false
  let dot = start + 1
  while (dot < end && bytes[dot] !== DOT) dot++
  return dot < end - 7 && [1, 2, 3, 4, 5, 6, 7].every((offset) => isDigit(bytes[dot + offset]))
}

function isDigit(byte = 0): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** Cheap and never wrongly false: looks at the last few bytes only. */
function mayHaveZone({ bytes, start, end, flags }: Cell): boolean {
  const last = bytes[end - 2] as number
  if (last < 0x30 || last > 0x39) return last !== QUOTE
  if (flags & HAS_ESCAPE) return true
  for (let p = end - 3; p > start + 6 && p > end - ZONE_BYTES; p--) {
    if (bytes[p] === 0x2b || bytes[p] === 0x2d) return true
  }
  return false
}

function textIn(cell: Cell): string {
  return textOf(cell.bytes, cell.start, cell.end)
}

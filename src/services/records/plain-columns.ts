import type { Family } from '../../core/field-types.ts'
import { Kind } from '../../core/json-scanner.ts'
import type { RecordColumn } from './cell.ts'

/** The one form of a family's values that any engine reads by a mere cast. */
const Form = { none: 0, integer: 1, decimal: 2, boolean: 3, day: 4, moment: 5 } as const

const forms: Readonly<Partial<Record<Family, number>>> = {
  integer: Form.integer,
  numeric: Form.decimal,
  float: Form.decimal,
  boolean: Form.boolean,
  date: Form.day,
  timestamp: Form.moment,
  timestamptz: Form.moment,
}

/** What 64 bits hold, sign and point counted. */
const MAX_NUMBER_LENGTH = 18
const NOT_PLAIN = -1

const ZERO = 0x30
const MINUS = 0x2d
const DOT = 0x2e
const COLON = 0x3a
const BLANK = 0x20
const LETTER_T = 0x54
const DAY_LENGTH = 10
const CLOCK_END = 19
const MAX_MOMENT_LENGTH = 26

/** Watches values pass by and tells in the end which columns hold plain ones only (`Records.plain`). */
export class PlainColumns {
  readonly #bytes: Uint8Array
  readonly #names: readonly string[]
  /** The form of each column; none from the first value on that is written otherwise. */
  readonly #forms: Uint8Array
  readonly #scales: Uint8Array

  constructor(bytes: Uint8Array, columns: readonly RecordColumn[]) {
    this.#bytes = bytes
    this.#names = columns.map(({ name }) => name)
    this.#forms = Uint8Array.from(columns, ({ type }) =>
      type.array ? Form.none : (forms[type.type.family] ?? Form.none),
    )
    this.#scales = new Uint8Array(columns.length)
  }

  /** Looks at the token from `start` to `end`, a value of a column. */
  see(column: number, kind: number, start: number, end: number): void {
    const form = this.#forms[column]
    if (form === Form.none || kind === Kind.null) return
    const scale =
      kind === Kind.string ? this.#scaleOf(form, start + 1, end - 1) : this.#scaleOfToken(form, kind, start, end)
    if (scale === NOT_PLAIN) this.#forms[column] = Form.none
    else if (scale > (this.#scales[column] as number)) this.#scales[column] = scale
  }

  /** By name, the most digits after the point that a value of the column has. */
  finish(): Map<string, number> {
    const plain = this.#names.flatMap((name, column): [string, number][] =>
      this.#forms[column] === Form.none ? [] : [[name, this.#scales[column] as number]],
    )
    return new Map(plain)
  }

  #scaleOfToken(form: number | undefined, kind: number, start: number, end: number): number {
    if (form === Form.boolean) return kind === Kind.boolean ? 0 : NOT_PLAIN
    return kind === Kind.number ? this.#scaleOf(form, start, end) : NOT_PLAIN
  }

  /** Digits after the point of a plain text; an empty one is null. */
  #scaleOf(form: number | undefined, start: number, end: number): number {
    if (start === end) return 0
    if (form === Form.day) return end - start === DAY_LENGTH && this.#isDay(start) ? 0 : NOT_PLAIN
    if (form === Form.moment) return this.#isMoment(start, end) ? 0 : NOT_PLAIN
    if (form === Form.boolean) return NOT_PLAIN
    return this.#scaleOfNumber(form, start, end)
  }

  /** Zeros at the end don't count. */
  #scaleOfNumber(form: number | undefined, start: number, end: number): number {
    if (end - start > MAX_NUMBER_LENGTH) return NOT_PLAIN
    const first = this.#bytes[start] === MINUS ? start + 1 : start
    const point = this.#digitsEnd(first, end)
    if (point === first) return NOT_PLAIN
    if (point === end) return 0
    if (form === Form.integer || this.#bytes[point] !== DOT || point + 1 === end) return NOT_PLAIN
    if (this.#digitsEnd(point + 1, end) !== end) return NOT_PLAIN
    let last = end
    while (this.#bytes[last - 1] === ZERO) last--
    return last - point - 1
  }

  #digitsEnd(start: number, end: number): number {
    let p = start
    while (p < end && isDigit(this.#bytes[p] as number)) p++
    return p
  }

  /** `2020-01-31`; there is no year 0. */
  #isDay(start: number): boolean {
    const { [start + 4]: first, [start + 7]: second } = this.#bytes
    return (
      first === MINUS &&
      second === MINUS &&
      !this.#areZeros(start, 4) &&
      this.#areDigits(start, 4) &&
      this.#areDigits(start + 5, 2) &&
      this.#areDigits(start + 8, 2)
    )
  }

  /** `2020-01-31T10:20:30`, with up to six more digits behind a point; a blank may stand for the `T`. */
  #isMoment(start: number, end: number): boolean {
    const bytes = this.#bytes
    const length = end - start
    if (length < CLOCK_END || length > MAX_MOMENT_LENGTH || !this.#isDay(start)) return false
    const between = bytes[start + DAY_LENGTH]
    if (between !== LETTER_T && between !== BLANK) return false
    const clock = start + DAY_LENGTH + 1
    const isClock =
      bytes[clock + 2] === COLON &&
      bytes[clock + 5] === COLON &&
      this.#areDigits(clock, 2) &&
      this.#areDigits(clock + 3, 2) &&
      this.#areDigits(clock + 6, 2)
    if (!isClock || length === CLOCK_END) return isClock
    return bytes[start + CLOCK_END] === DOT && this.#areDigits(start + CLOCK_END + 1, length - CLOCK_END - 1)
  }

  #areZeros(start: number, count: number): boolean {
    for (let p = start; p < start + count; p++) if (this.#bytes[p] !== ZERO) return false
    return true
  }

  #areDigits(start: number, count: number): boolean {
    return this.#digitsEnd(start, start + count) === start + count
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

import { HAS_EXPONENT, HAS_FRACTION } from '../../core/json-scanner.ts'

const ZERO = 0x30
const MINUS = 0x2d
/** A double keeps so many decimal digits. */
const SAFE_DIGITS = 15
/** Longer than any integer column can hold. */
const MAX_WHOLE_DIGITS = 40

/**
 * True when a number token comes back as the same text after a trip through a double: at most 15 digits, no exponent,
 * no trailing zero in a fraction, no `-0`, not so small that it would be printed with an exponent.
 */
export function survivesDouble(bytes: Uint8Array, start: number, end: number, flags: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start
  const length = end - first
  if ((flags & (HAS_FRACTION | HAS_EXPONENT)) === 0) {
    return length <= SAFE_DIGITS && (first === start || bytes[first] !== ZERO)
  }
  if ((flags & HAS_EXPONENT) !== 0 || length > SAFE_DIGITS + 1 || bytes[end - 1] === ZERO) return false
  return bytes[first] !== ZERO || bytes[first + 2] !== ZERO || bytes[first + 3] !== ZERO || bytes[first + 4] !== ZERO
}

/**
 * A JSON number as the nearest integer, halves away from zero, computed on the digits. `exact` is false when that
 * changed the value. Undefined: more digits than any integer column holds.
 */
export function roundToInteger(token: string): { text: string; exact: boolean } | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(token) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return { text: '0', exact: true }
  // Places before the point; leading zeros that were cut off count.
  const point = digits.length - fraction.length + Number(exponent)
  if (point > MAX_WHOLE_DIGITS) return undefined
  const kept = point <= 0 ? '' : digits.slice(0, point).padEnd(point, '0')
  const rest = point < 0 ? '0' : digits.slice(point)
  const rounded = BigInt(kept || '0') + (rest >= '5' ? 1n : 0n)
  return { text: `${rounded === 0n ? '' : sign}${rounded}`, exact: point >= 0 && /^0*$/.test(rest) }
}

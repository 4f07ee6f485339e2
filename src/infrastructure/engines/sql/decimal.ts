/** A decimal number as `digits × 10^-scale`, exactly. */
export interface Decimal {
  digits: bigint
  scale: number
}

const DECIMAL = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?\s*$/
const MAX_EXPONENT = 400

/** Reads `-12.50`, `1e3`, `.5`. Undefined when it is no number, or one no column could hold. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL.exec(text)
  if (!match) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  if (whole === '' && fraction === '') return undefined
  const shift = Number(exponent)
  if (Math.abs(shift) > MAX_EXPONENT) return undefined
  const digits = BigInt(`${whole}${fraction}` || '0') * (sign === '-' ? -1n : 1n)
  const scale = fraction.length - shift
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale }
}

/** The greatest multiple of 10^-scale that is not above `value`, as digits, and whether it equals the value. */
export function floorToScale(value: Decimal, scale: number): { digits: bigint; exact: boolean } {
  if (value.scale <= scale) return { digits: value.digits * 10n ** BigInt(scale - value.scale), exact: true }
  const divisor = 10n ** BigInt(value.scale - scale)
  const quotient = value.digits / divisor
  const remainder = value.digits % divisor
  return { digits: remainder < 0n ? quotient - 1n : quotient, exact: remainder === 0n }
}

/** `{ digits: -1250n, scale: 2 }` → `-12.50` */
export function formatDecimal(digits: bigint, scale: number): string {
  if (scale === 0) return digits.toString()
  const negative = digits < 0n
  const text = (negative ? -digits : digits).toString().padStart(scale + 1, '0')
  return `${negative ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
}

/** The same number without zeros behind its last digit. */
export function shortened({ digits, scale }: Decimal): Decimal {
  let [left, places] = [digits, scale]
  for (; places > 0 && left % 10n === 0n; places -= 1) left /= 10n
  return { digits: left, scale: places }
}

/** As `formatDecimal`, without zeros behind the last digit: `-12.5` */
export function formatShortDecimal(digits: bigint, scale: number): string {
  const short = shortened({ digits, scale })
  return formatDecimal(short.digits, short.scale)
}

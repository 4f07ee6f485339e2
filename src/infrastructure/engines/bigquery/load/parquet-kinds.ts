import type { SchemaElement } from 'hyparquet'
import { formatDecimal } from '../../sql/decimal.ts'

/** How the values of a Parquet column are kept: the column type that holds them without loss, and their text. */
export interface ParquetKind {
  type: string
  /** Of a value as the file stores it. */
  text(value: unknown): string
}

/** The type of a column of lists or structures. */
export const NESTED = 'jsonb'

const DAY_NANOSECONDS = 86_400_000_000_000n

const nanoseconds: Readonly<Record<string, bigint>> = { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n }

/** The kind of a column that is neither list nor structure, by what its schema says. */
export function parquetKind(element: SchemaElement): ParquetKind {
  const { type, converted_type: converted, logical_type: logical } = element
  const scale = logical?.type === 'DECIMAL' ? logical.scale : (element.scale ?? 0)
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL')
    return { type: 'numeric', text: (value) => formatDecimal(wholeOf(value), scale) }
  if (logical?.type === 'DATE' || converted === 'DATE')
    return { type: 'date', text: (value) => nanosecondsText(BigInt(value as number) * DAY_NANOSECONDS).slice(0, 10) }
  const moment = momentOf(element)
  if (moment) return moment
  if (logical?.type === 'UUID') return { type: 'uuid', text: (value) => hexOf(value) }
  if (logical?.type === 'JSON' || converted === 'JSON') return { type: 'jsonb', text: textOf }
  if (logical?.type === 'FLOAT16') return { type: 'float4', text: (value) => String(halfOf(value as Uint8Array)) }
  const isText = ['STRING', 'ENUM'].includes(logical?.type ?? '') || converted === 'UTF8' || converted === 'ENUM'
  switch (type) {
    case 'BOOLEAN':
      return { type: 'bool', text: String }
    case 'INT32':
    case 'INT64':
      return integerKind(element)
    case 'INT96':
      return { type: 'timestamp', text: String }
    case 'FLOAT':
      return { type: 'float4', text: String }
    case 'DOUBLE':
      return { type: 'float8', text: String }
    default:
      return { type: 'text', text: isText ? textOf : (value) => `\\x${hexOf(value)}` }
  }
}

function momentOf({ converted_type: converted, logical_type: logical }: SchemaElement): ParquetKind | undefined {
  const [what, unit] =
    logical?.type === 'TIMESTAMP' || logical?.type === 'TIME'
      ? [logical.type, logical.unit]
      : (/^(TIME|TIMESTAMP)_(MILLIS|MICROS)$/.exec(converted ?? '')?.slice(1) ?? [])
  if (what === undefined || unit === undefined) return undefined
  const factor = nanoseconds[unit] ?? 1n
  const text = (value: unknown) => nanosecondsText(BigInt(value as number | bigint) * factor)
  if (what === 'TIME') return { type: unit === 'NANOS' ? 'text' : 'time', text: (value) => text(value).slice(11) }
  if (unit === 'NANOS') return { type: 'text', text: (value) => text(value).replace('T', ' ') }
  const isZoned = logical?.type === 'TIMESTAMP' && logical.isAdjustedToUTC
  return isZoned ? { type: 'timestamptz', text: (value) => `${text(value)}Z` } : { type: 'timestamp', text }
}

function integerKind({ type, converted_type: converted, logical_type: logical }: SchemaElement): ParquetKind {
  const isUnsigned = (logical?.type === 'INTEGER' && !logical.isSigned) || /^UINT_/.test(converted ?? '')
  if (!isUnsigned) return { type: 'int8', text: String }
  if (type === 'INT32') return { type: 'int8', text: (value) => String((value as number) >>> 0) }
  return { type: 'numeric', text: (value) => String(BigInt.asUintN(64, BigInt(value as bigint))) }
}

/** `2020-01-31T10:20:30.123456`, of nanoseconds since 1970; a number where no calendar reaches. */
export function nanosecondsText(value: bigint): string {
  let seconds = value / 1_000_000_000n
  let fraction = value % 1_000_000_000n
  if (fraction < 0n) {
    fraction += 1_000_000_000n
    seconds -= 1n
  }
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return String(value)
  const digits = fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${date.toISOString().slice(0, -5)}${digits}`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('utf8')
}

function hexOf(value: unknown): string {
  return Buffer.from(value as Uint8Array).toString('hex')
}

/** The unscaled value of a decimal: a number, or the bytes of one with the highest first. */
function wholeOf(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value as number | bigint)
  return value.length === 0 ? 0n : BigInt.asIntN(value.length * 8, BigInt(`0x${hexOf(value)}`))
}

function halfOf(bytes: Uint8Array): number {
  const [low = 0, high = 0] = bytes
  const [sign, exponent, fraction] = [high >> 7 ? -1 : 1, (high >> 2) & 0x1f, ((high & 3) << 8) | low]
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024)
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024)
}

import type { Column } from '../../../../core/table-schema.ts'
import type { InferredType } from '../../files/inferred-column.ts'
import { inferredForms, inferredTypes } from '../../files/inferred-column.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Dialect } from '../dialect.ts'

const MAX_DIGITS = 38

/** A reading of a text: when SQL `when` holds, `value` is exactly what the text says. */
export interface Reading {
  when: string
  value: string
}

type Reader = (raw: string, scale: number) => Reading

/** Writing a value back and comparing costs a fraction of a regular expression. */
const roundTrip =
  (storage: string): Reader =>
  (raw) => ({ when: `TRY_CAST(${raw} AS ${storage})::VARCHAR = ${raw}`, value: `TRY_CAST(${raw} AS ${storage})` })

const matches = (raw: string, pattern: string) => `regexp_full_match(${raw}, ${quoteLiteral(pattern)})`

const zoneless = (raw: string) =>
  `CASE WHEN ends_with(${raw}, 'Z') THEN left(${raw}, length(${raw}) - 1) ELSE ${raw} END`

/** The plain forms of values, by column type: what is read without asking the rules of contract §4.5. */
const readers: Readonly<Record<string, Reader>> = {
  int8: roundTrip('BIGINT'),
  int4: roundTrip('INTEGER'),
  int2: roundTrip('SMALLINT'),
  float8: roundTrip('DOUBLE'),
  bool: (raw) => ({ when: `lower(${raw}) IN ('true', 'false')`, value: `lower(${raw}) = 'true'` }),
  // Not `infinity`, which is a date to DuckDB.
  date: (raw) => ({
    when: `length(${raw}) = 10 AND TRY_CAST(${raw} AS DATE)::VARCHAR = ${raw}`,
    value: `TRY_CAST(${raw} AS DATE)`,
  }),
  timestamp: (raw) => ({
    when: `length(${raw}) >= 16 AND NOT contains(${raw}, '(') AND CASE WHEN contains(${raw}, 'T') THEN TRY_CAST(${raw} AS TIMESTAMP)::VARCHAR = replace(${raw}, 'T', ' ') ELSE TRY_CAST(${raw} AS TIMESTAMP)::VARCHAR = ${raw} END`,
    value: `TRY_CAST(${raw} AS TIMESTAMP)`,
  }),
  timestamptz: (raw) => ({
    when:
      `length(${raw}) >= 16 AND NOT contains(${raw}, '(') AND TRY_CAST(${raw} AS TIMESTAMPTZ) IS NOT NULL ` +
      `AND TRY_CAST(${zoneless(raw)} AS TIMESTAMP)::VARCHAR = replace(${zoneless(raw)}, 'T', ' ')`,
    value: `TRY_CAST(${raw} AS TIMESTAMPTZ)`,
  }),
  numeric: (raw, scale) => ({ when: matches(raw, exactDecimal(MAX_DIGITS, scale)), value: decimalValue(raw, scale) }),
}

/** Decimals that so many digits, so many of them after the point, hold exactly; zeros may follow. */
function exactDecimal(digits: number, scale: number): string {
  const whole = Math.max(0, digits - 1 - scale)
  const fraction = scale === 0 ? '0+' : `\\d{1,${scale}}0*`
  return `-?(0|[1-9]\\d{0,${whole}})(\\.${fraction})?`
}

/** Digits after the point up to which most amounts fit 64 bits. */
const NARROW_SCALE = 6
/** DECIMAL(19,0) × DECIMAL(19,s) is the widest product that there is. */
const FACTOR_DIGITS = 19

/**
 * A plain decimal's value. DuckDB reads a text into a DECIMAL(38,s) a hundred times slower than its digits into a
 * BIGINT, which a power of ten then brings to scale.
 */
function decimalValue(raw: string, scale: number): string {
  const direct = `TRY_CAST(${raw} AS DECIMAL(${MAX_DIGITS},${scale}))`
  const narrow = scale <= NARROW_SCALE ? [`TRY_CAST(${raw} AS DECIMAL(18,${scale}))`] : []
  if (scale >= FACTOR_DIGITS) return direct
  const powers = Array.from(
    { length: scale + 1 },
    (_, digits) => `CAST('1e-${digits}' AS DECIMAL(${FACTOR_DIGITS},${scale}))`,
  )
  const digits = `CASE WHEN contains(${raw}, '.') THEN length(${raw}) - strpos(${raw}, '.') ELSE 0 END`
  const product = `CAST(TRY_CAST(replace(${raw}, '.', '') AS BIGINT) AS DECIMAL(${FACTOR_DIGITS},0)) * [${powers.join(', ')}][${digits} + 1]`
  return `coalesce(${[...narrow, product, direct].join(', ')})`
}

/** The plain reading of a column's text, where its type has one. */
export function plainReading(raw: string, column: Column, dialect: Dialect): Reading | undefined {
  if (column.type.array || column.type.modifier) return undefined
  const { scale } = dialect.stored(column)
  return readers[column.type.type.name]?.(raw, scale)
}

const cast = (raw: string, storage: string) => `TRY_CAST(${raw} AS ${storage}) IS NOT NULL`

/** SQL that holds for each text that is a value of the type without loss. */
export const candidates: Readonly<Record<InferredType, (raw: string) => string>> = {
  bool: (raw) => `lower(${raw}) IN ('true', 'false')`,
  int8: (raw) => roundTrip('BIGINT')(raw, 0).when,
  numeric: (raw) => matches(raw, inferredForms.numeric),
  date: (raw) => readers.date?.(raw, 0).when ?? 'FALSE',
  timestamp: (raw) => `${matches(raw, inferredForms.timestamp)} AND ${cast(raw, 'TIMESTAMP')}`,
  timestamptz: (raw) => `${matches(raw, inferredForms.timestamptz)} AND ${cast(raw, 'TIMESTAMPTZ')}`,
}

/** The reading of a text whose column's type was inferred: nothing but what `candidates` says fits. */
export function inferredReading(raw: string, column: Column, dialect: Dialect): Reading | undefined {
  const type = inferredTypes.find((name) => name === column.type.type.name)
  // Its plain reading is all that there is of a decimal.
  if (!type || type === 'numeric') return undefined
  return { when: candidates[type](raw), value: `TRY_CAST(${raw} AS ${dialect.storage(dialect.stored(column))})` }
}

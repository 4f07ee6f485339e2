import type { Column } from '../../../../core/table-schema.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Dialect } from '../dialect.ts'
import { textScale } from '../dialect.ts'

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

const DAY = '\\d{4}-\\d{2}-\\d{2}'
const CLOCK = '([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,6})?)?'
const matches = (raw: string, pattern: string) => `regexp_full_match(${raw}, ${quoteLiteral(pattern)})`

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
    when: `TRY_CAST(${raw} AS TIMESTAMP)::VARCHAR = translate(${raw}, 'T', ' ') AND length(${raw}) >= 16`,
    value: `TRY_CAST(${raw} AS TIMESTAMP)`,
  }),
  timestamptz: (raw) => ({
    when: `TRY_CAST(translate(${raw}, 'TZ', ' ') AS TIMESTAMP)::VARCHAR = translate(${raw}, 'TZ', ' ') AND length(${raw}) >= 16`,
    value: `TRY_CAST(${raw} AS TIMESTAMPTZ)`,
  }),
  numeric: (raw, scale) => {
    const fraction = scale > 0 ? `(\\.\\d{1,${scale}})?` : ''
    const whole = Math.max(0, 17 - scale)
    return {
      when: matches(raw, `-?(0|[1-9]\\d{0,${whole}})${fraction}`),
      value: `TRY_CAST(${raw} AS DECIMAL(${Math.max(18, scale + 1)},${scale}))`,
    }
  },
}

/** The plain reading of a column's text, where its type has one. */
export function plainReading(raw: string, column: Column, dialect: Dialect): Reading | undefined {
  if (column.type.array || column.type.modifier) return undefined
  const { scale } = dialect.stored(column)
  return readers[column.type.type.name]?.(raw, scale)
}

/** A type that a column of texts may turn out to have: `fits` holds for each text that is a value of it without loss. */
interface Candidate {
  type: string
  fits(raw: string): string
}

const TIMESTAMP = `${DAY}[T ]${CLOCK}`
const cast = (raw: string, storage: string) => `TRY_CAST(${raw} AS ${storage}) IS NOT NULL`

/** In this order: the first that fits all texts of a column is its type. None: text. */
export const candidates: readonly Candidate[] = [
  { type: 'bool', fits: (raw) => `lower(${raw}) IN ('true', 'false')` },
  { type: 'int8', fits: (raw) => roundTrip('BIGINT')(raw, 0).when },
  { type: 'numeric', fits: (raw) => matches(raw, '-?(0|[1-9]\\d*)(\\.\\d+)?') },
  { type: 'date', fits: (raw) => readers.date?.(raw, 0).when ?? 'FALSE' },
  { type: 'timestamp', fits: (raw) => `${matches(raw, TIMESTAMP)} AND ${cast(raw, 'TIMESTAMP')}` },
  { type: 'timestamptz', fits: (raw) => `${matches(raw, `${TIMESTAMP}(Z|\\+00(:?00)?)`)} AND ${cast(raw, 'TIMESTAMPTZ')}` },
]

/** The reading of a text whose column's type was inferred: nothing but what `candidates` says fits. */
export function inferredReading(raw: string, column: Column, dialect: Dialect): Reading | undefined {
  const candidate = candidates.find(({ type }) => type === column.type.type.name)
  if (!candidate) return undefined
  const stored = dialect.stored(column)
  const exact = column.type.type.family === 'numeric' ? ` AND ${textScale(raw)} <= ${stored.scale}` : ''
  return { when: candidate.fits(raw) + exact, value: `TRY_CAST(${raw} AS ${dialect.storage(stored)})` }
}

import type { Column } from '../../../core/table-schema.ts'
import type { Filter } from '../engine.ts'
import type { Decimal } from './decimal.ts'
import { floorToScale, formatShortDecimal, parseDecimal } from './decimal.ts'
import type { Values } from './quote.ts'

/** What a filter needs to know of the engine that runs it. */
export interface FilterDialect {
  /** The SQL name of a column. */
  reference(column: Column): string
  /** A bound text as a value of the column's type. */
  value(placeholder: string, column: Column): string
  /** Whether a value is among these texts, of which there is at least one; where it is not said, each is bound by itself. */
  among?(column: Column, texts: readonly string[], values: Values): string
  /** Digits after the point that an exact number column stores, and its smallest and largest value in those units. */
  exactRange(column: Column): { scale: number; least: bigint; greatest: bigint } | undefined
}

type Comparison = Extract<Filter, { value: string | null }>
type Operator = Comparison['op']

const OPERATORS: Readonly<Record<Operator, string>> = { eq: '=', lt: '<', lte: '<=', gt: '>', gte: '>=' }

/** A filter as an SQL condition; its values are bound (contract §5). */
export function filterCondition(filter: Filter, dialect: FilterDialect, values: Values): string {
  switch (filter.op) {
    case 'and':
    case 'or':
      return join(filter.filters, filter.op, dialect, values)
    case 'in':
      return membership(filter.column, filter.values, dialect, values)
    default:
      return comparison(filter, dialect, values)
  }
}

function join(filters: readonly Filter[], op: 'and' | 'or', dialect: FilterDialect, values: Values): string {
  if (filters.length === 0) return op === 'and' ? 'TRUE' : 'FALSE'
  const conditions = filters.map((filter) => filterCondition(filter, dialect, values))
  return `(${conditions.join(op === 'and' ? ' AND ' : ' OR ')})`
}

function membership(column: Column, items: readonly (string | null)[], dialect: FilterDialect, values: Values): string {
  const reference = dialect.reference(column)
  const texts = items.flatMap((value) => (value === null ? [] : (equalDigits(column, value, dialect) ?? [])))
  const bound = () => texts.map((text) => dialect.value(values.add(text), column))
  const among = () => dialect.among?.(column, texts, values) ?? `${reference} IN (${bound().join(', ')})`
  const conditions = texts.length > 0 ? [among()] : []
  if (items.includes(null)) conditions.push(`${reference} IS NULL`)
  return conditions.length > 0 ? `(${conditions.join(' OR ')})` : 'FALSE'
}

function comparison({ op, column, value }: Comparison, dialect: FilterDialect, values: Values): string {
  const reference = dialect.reference(column)
  if (value === null) return op === 'eq' ? `${reference} IS NULL` : 'FALSE'
  const range = dialect.exactRange(column)
  const decimal = range && parseDecimal(value)
  if (!range || !decimal) return `${reference} ${OPERATORS[op]} ${dialect.value(values.add(value), column)}`
  return (
    exactComparison(
      op,
      decimal,
      range,
      (digits, operator) =>
        `${reference} ${operator} ${dialect.value(values.add(formatShortDecimal(digits, range.scale)), column)}`,
    ) ?? `${reference} IS NOT NULL`
  )
}

/**
 * Compares with a number that may have more digits than the column, or lie outside its range, without rounding it
 * into a match. Undefined: true for every value.
 */
function exactComparison(
  op: Operator,
  value: Decimal,
  { scale, least, greatest }: { scale: number; least: bigint; greatest: bigint },
  compare: (digits: bigint, operator: string) => string,
): string | undefined {
  const { digits, exact } = floorToScale(value, scale)
  if (op === 'eq') return exact && digits >= least && digits <= greatest ? compare(digits, '=') : 'FALSE'
  const below = op === 'lt' || op === 'lte'
  if (digits > greatest) return below ? undefined : 'FALSE'
  if (digits < least) return below ? 'FALSE' : undefined
  if (exact) return compare(digits, OPERATORS[op])
  return compare(digits, below ? '<=' : '>')
}

/** The value in the column's own digits, undefined when nothing in the column can equal it. */
function equalDigits(column: Column, value: string, dialect: FilterDialect): string | undefined {
  const range = dialect.exactRange(column)
  const decimal = range && parseDecimal(value)
  if (!range || !decimal) return value
  const { digits, exact } = floorToScale(decimal, range.scale)
  return exact && digits >= range.least && digits <= range.greatest
    ? formatShortDecimal(digits, range.scale)
    : undefined
}

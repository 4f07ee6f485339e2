import type { Column } from '../../../core/table-schema.ts'
import type { Filter } from '../engine.ts'
import type { Decimal } from './decimal.ts'
import { floorToScale, formatDecimal, parseDecimal } from './decimal.ts'
import type { Values } from './quote.ts'

/** What a filter needs to know of the engine that runs it. */
export interface FilterDialect {
  /** The SQL name of a column. */
  reference(column: Column): string
  /** A bound text as a value of the column's type. */
  value(placeholder: string, column: Column): string
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
  const bound = items.flatMap((value) => {
    if (value === null) return []
    const digits = equalDigits(column, value, dialect)
    return digits === undefined ? [] : [dialect.value(values.add(digits), column)]
  })
  const conditions = bound.length > 0 ? [`${reference} IN (${bound.join(', ')})`] : []
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
        `${reference} ${operator} ${dialect.value(values.add(formatDecimal(digits, range.scale)), column)}`,
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
  return exact && digits >= range.least && digits <= range.greatest ? formatDecimal(digits, range.scale) : undefined
}

import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import type { Filter } from '../engine.ts'
import type { FilterDialect } from '../sql/filter.ts'
import type { Values } from '../sql/quote.ts'
import { quoteName, storedColumn } from './names.ts'
import { castType, comparable, valueSql } from './types.ts'
import { BIGNUMERIC_DIGITS, isRefused, readValue } from './values.ts'

/** The values of one statement: each becomes a named parameter. */
export class Parameters implements Values {
  readonly all: Record<string, string> = {}

  add(value: string): string {
    const name = `p${Object.keys(this.all).length}`
    this.all[name] = value
    return `@${name}`
  }
}

/** Values beyond these go as one list: a statement may have 10,000 parameters. */
const SINGLE_VALUES = 20

/** How filters are written in GoogleSQL; rows are called `t`. */
export const filterDialect: FilterDialect = {
  among: (column, texts, values) => {
    const reference = filterDialect.reference(column)
    const each = texts.length <= SINGLE_VALUES
    const list = each
      ? texts.map((text) => filterDialect.value(values.add(text), column)).join(', ')
      : `SELECT ${filterDialect.value('v', column)} FROM UNNEST(JSON_VALUE_ARRAY(${values.add(JSON.stringify(texts))})) AS v`
    return `${reference} IN (${list})`
  },
  reference: (column) => comparable(`t.${quoteName(storedColumn(column.name))}`, column.type),
  value: (placeholder, { type }) =>
    castType(type) === 'JSON'
      ? `TO_JSON_STRING(PARSE_JSON(${placeholder}, wide_number_mode => 'round'))`
      : comparable(valueSql(placeholder, type), type),
  exactRange: ({ type }) => {
    if (type.array) return undefined
    if (type.type.range) return { scale: 0, least: type.type.range[0], greatest: type.type.range[1] }
    if (type.type.family !== 'numeric') return undefined
    const [precision, scale] = type.modifier ?? [2 * BIGNUMERIC_DIGITS, BIGNUMERIC_DIGITS]
    const greatest = 10n ** BigInt(precision as number) - 1n
    return { scale: scale as number, least: -greatest, greatest }
  },
}

/**
 * The filter with its values as `readValue` writes them. Numbers stay as they are: they may have more digits than the
 * column, or lie outside its range.
 *
 * @throws ValidationError for a value that is none of its column's type (contract §5.3).
 */
export function readableFilter(filter: Filter): Filter {
  if ('filters' in filter) return { ...filter, filters: filter.filters.map(readableFilter) }
  if ('values' in filter) return { ...filter, values: filter.values.map((value) => readable(value, filter.column)) }
  return { ...filter, value: readable(filter.value, filter.column) }
}

function readable(value: string | null, column: Column): string | null {
  if (value === null || filterDialect.exactRange(column)) return value
  const reading = readValue(column.type, value)
  if (isRefused(reading))
    throw new ValidationError({ query: ['Invalid query'] }, { cause: new TypeError(reading.sentence) })
  return reading
}

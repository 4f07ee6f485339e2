import { ValidationError } from '../core/errors.ts'
import { JsonNumber } from '../core/json-number.ts'
import { pythonRepr, pythonText } from '../core/python-text.ts'
import type { Column } from '../core/table-schema.ts'
import type { Filter } from '../infrastructure/engines/engine.ts'
import { filterValue } from './filter-values.ts'

const MAX_DEPTH = 10
const MAX_OPERATIONS = 100
/** Ours: CKAN bounds operations, and not what a list of values may hold. */
const MAX_VALUES = 10_000

const RANGES = new Set(['eq', 'lt', 'lte', 'gt', 'gte'])

type Dict = Record<string, unknown>

/**
 * Reads `filters` as CKAN defines them: an object, a list of objects (any of them), ranges, `$or` and `$and`
 * (contract §5). Undefined: nothing is filtered.
 *
 * @param refuseValue - Makes the error for a value that its column's type can't read: searches and deletes name it
 * under different keys (contract §5.3).
 * @throws ValidationError under `filters`.
 */
export function parseFilters(
  filters: unknown,
  columns: ReadonlyMap<string, Column>,
  refuseValue: (sentence: string) => ValidationError,
): Filter | undefined {
  if (filters === undefined || filters === null) return undefined
  const parser = new FilterParser(columns, refuseValue)
  if (isDict(filters)) return Object.keys(filters).length === 0 ? undefined : parser.conjunction(filters, 1)
  if (!Array.isArray(filters) || !filters.every(isDict)) refuse('Filters must be defined as a dict or a list of dicts')
  return filters.length === 0 ? undefined : parser.group('or', filters, 1)
}

class FilterParser {
  readonly #columns: ReadonlyMap<string, Column>
  readonly #refuseValue: (sentence: string) => ValidationError
  #operations = 0
  #values = 0

  constructor(columns: ReadonlyMap<string, Column>, refuseValue: (sentence: string) => ValidationError) {
    this.#columns = columns
    this.#refuseValue = refuseValue
  }

  /** Every member of an object must hold. */
  conjunction(dict: Dict, depth: number): Filter {
    if (depth > MAX_DEPTH) refuse('Maximum nesting depth for filter operations reached')
    const filters = Object.entries(dict).flatMap(([key, value]) => this.#member(key, value, depth))
    if (filters.length === 0) this.#count()
    return filters.length === 1 ? (filters[0] as Filter) : { op: 'and', filters }
  }

  group(op: 'and' | 'or', dicts: readonly Dict[], depth: number): Filter {
    return { op, filters: dicts.map((dict) => this.conjunction(dict, depth)) }
  }

  #member(key: string, value: unknown, depth: number): Filter[] {
    if (key === '$or' || key === '$and') {
      if (!Array.isArray(value) || !value.every(isDict)) {
        refuse(`Filter operations must be defined as a list of dicts: ${pythonText(value)}`)
      }
      return value.length === 0 ? [] : [this.group(key === '$or' ? 'or' : 'and', value, depth + 1)]
    }
    if (key.startsWith('$') && !key.startsWith('$$')) refuse(`Unknown operators (must be one of $or, $and): ${key}`)
    return [this.#column(key.startsWith('$$') ? key.slice(1) : key, value)]
  }

  #column(name: string, value: unknown): Filter {
    const column = this.#columns.get(name)
    if (!column) refuse(Array.isArray(value) ? `invalid value "${name}"` : `Unknown field: ${name}`)
    if (Array.isArray(value)) return this.#list(column, value)
    if (isDict(value)) return this.#operators(column, value)
    return this.#comparison('eq', column, value)
  }

  /** Scalars are pooled into one IN; objects are ranges of which any may hold. */
  #list(column: Column, items: readonly unknown[]): Filter {
    if (column.type.array && !items.some((item) => isDict(item) || Array.isArray(item))) {
      return this.#comparison('eq', column, items)
    }
    const values = items.filter((item) => !isDict(item))
    const membership: Filter[] = values.length > 0 || items.length === 0 ? [this.#membership(column, values)] : []
    const ranges = items.filter(isDict).map((item) => this.#operators(column, item))
    const filters = [...membership, ...ranges]
    return filters.length === 1 ? (filters[0] as Filter) : { op: 'or', filters }
  }

  #operators(column: Column, dict: Dict): Filter {
    const filters = Object.entries(dict).map(([op, value]): Filter => {
      if (op === 'in' && Array.isArray(value)) return this.#membership(column, value)
      if (!RANGES.has(op))
        refuse(`Unknown filter operation: FilterOp(field='${column.name}', op='${op}', value=${pythonRepr(value)})`)
      return this.#comparison(op as 'eq', column, value)
    })
    if (filters.length === 0) refuse(`No filter operation is given for field: ${column.name}`)
    return filters.length === 1 ? (filters[0] as Filter) : { op: 'and', filters }
  }

  #membership(column: Column, values: readonly unknown[]): Filter {
    this.#count()
    return { op: 'in', column, values: values.map((value) => this.#value('eq', column, value)) }
  }

  #comparison(op: 'eq' | 'lt' | 'lte' | 'gt' | 'gte', column: Column, value: unknown): Filter {
    this.#count()
    return { op, column, value: this.#value(op, column, value) }
  }

  #value(op: string, column: Column, value: unknown): string | null {
    this.#values += Array.isArray(value) ? value.length : 1
    if (this.#values > MAX_VALUES) refuse(`Maximum number of filter values exceeded (${MAX_VALUES})`)
    const read = filterValue(op, column, value)
    if (typeof read === 'object' && read !== null) throw this.#refuseValue(read.mistake)
    return read
  }

  #count(): void {
    this.#operations += 1
    if (this.#operations > MAX_OPERATIONS) refuse('Maximum number of filter operations exceeded')
  }
}

function isDict(value: unknown): value is Dict {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}

function refuse(sentence: string): never {
  throw new ValidationError({ filters: [sentence] })
}

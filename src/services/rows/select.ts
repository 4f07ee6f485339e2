import type { Filter, SortKey } from '../../infrastructure/engines/engine.ts'

export type Value = string | number | null

/** A row in memory, by column name. */
export type Row = Readonly<Record<string, Value>>

/** The rows that a filter matches, as an engine would find them. */
export function filterRows(rows: readonly Row[], filter: Filter | undefined): Row[] {
  return filter ? rows.filter((row) => matches(row, filter)) : [...rows]
}

function matches(row: Row, filter: Filter): boolean {
  switch (filter.op) {
    case 'and':
      return filter.filters.every((part) => matches(row, part))
    case 'or':
      return filter.filters.some((part) => matches(row, part))
    case 'in':
      return filter.values.some((value) => holds(row[filter.column.name] ?? null, 'eq', value))
    default:
      return holds(row[filter.column.name] ?? null, filter.op, filter.value)
  }
}

type Comparison = Exclude<Filter['op'], 'and' | 'or' | 'in'>

const comparisons: Readonly<Record<Comparison, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
}

function holds(value: Value, op: Comparison, text: string | null): boolean {
  if (text === null || value === null) return op === 'eq' && text === null && value === null
  return comparisons[op](compare(value, typeof value === 'number' ? Number(text) : text))
}

/** Rows in the order asked for; null placement when unsaid is PostgreSQL's (contract §7). */
export function sortRows(rows: readonly Row[], sort: readonly SortKey[]): Row[] {
  return [...rows].sort((a, b) => {
    for (const { by, descending, nulls } of sort) {
      const name = 'rank' in by ? by.rank : by.name
      const [x, y] = [a[name] ?? null, b[name] ?? null]
      const order =
        x === null || y === null
          ? nullOrder(x, y, nulls ?? (descending ? 'first' : 'last'))
          : compare(x, y) * (descending ? -1 : 1)
      if (order !== 0) return order
    }
    return 0
  })
}

function nullOrder(x: Value, y: Value, nulls: 'first' | 'last'): number {
  return (Number(x === null) - Number(y === null)) * (nulls === 'first' ? -1 : 1)
}

function compare(x: string | number, y: string | number): number {
  return x < y ? -1 : x > y ? 1 : 0
}

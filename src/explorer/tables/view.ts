import type { SearchParams } from '../api/tables.ts'
import type { Sort } from '../grid/grid.tsx'
import { type Condition, conditionParams, readConditions } from './conditions.ts'

/** How a table is looked at: all of it stands in the address. */
export interface View {
  words: string
  conditions: readonly Condition[]
  sort?: Sort
  /** From 1. */
  page: number
  size: number
  /** Columns that are not shown. */
  hidden: readonly string[]
}

export const SIZES = [50, 100, 500, 1000]

export function readView(query: URLSearchParams): View {
  const sort = /^(.*) (asc|desc)$/s.exec(query.get('sort') ?? '')
  const size = Number(query.get('size'))
  return {
    words: query.get('q') ?? '',
    conditions: readConditions(query.get('f')),
    ...(sort && { sort: { column: sort[1] ?? '', descending: sort[2] === 'desc' } }),
    page: Math.max(1, Math.floor(Number(query.get('page'))) || 1),
    size: SIZES.includes(size) ? size : 100,
    hidden: (query.get('hide') ?? '').split('\n').filter(Boolean),
  }
}

/** The rows of a view, all of them: what a download or a program asks for. */
export function selectionOf(id: string, { words, conditions, sort }: View): SearchParams {
  return {
    resource_id: id,
    ...conditionParams(conditions),
    ...(words !== '' && { full_text: words }),
    ...(sort && { sort: `"${sort.column}" ${sort.descending ? 'desc' : 'asc'} nulls last` }),
  }
}

/** One page of a view. */
export function pageParams(id: string, view: View, columns?: readonly string[]): SearchParams {
  return {
    ...selectionOf(id, view),
    ...(columns && { fields: columns }),
    limit: view.size,
    offset: (view.page - 1) * view.size,
  }
}

/** What a click on a column's head makes of the order: up, down, none. */
export function nextSort(sort: Sort | undefined, column: string): string {
  if (sort?.column !== column) return `${column} asc`
  return sort.descending ? '' : `${column} desc`
}

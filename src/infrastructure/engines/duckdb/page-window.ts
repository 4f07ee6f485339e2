import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { Filter, SearchPlan } from '../engine.ts'
import type { StoredTable } from './metadata.ts'
import { isIdOrder } from './selection.ts'

/** `_id`s between which a page by `_id` lies, so that not all rows must be looked at. */
export interface PageWindow {
  condition: string
  /** Rows of the window to skip. */
  offset: number
  /** Whether the page that was read is the one asked for; if not, it must be read without a window. */
  holds(stand: { rows: number; count: number; nextId: number }): boolean
}

/** `_id`s looked at for a page where some may be missing. */
const SPREAD = 4
const LEAST = 2048

/**
 * Where a page in ascending `_id` order should lie. With no `_id` missing its place is known; otherwise a window from
 * the first possible `_id` on is tried, which holds when it is full.
 */
export function pageWindow(plan: SearchPlan): PageWindow | undefined {
  if (!isIdOrder(plan) || plan.textQueries.length > 0 || plan.limit === 0) return undefined
  const bound = idBound(plan.filter)
  if (bound === undefined) return undefined
  const table = plan.table as StoredTable
  const { limit, offset } = plan
  if (table.nextId - 1 === table.count) {
    const after = bound + offset
    return {
      condition: `t._id > ${after} AND t._id <= ${after + limit}`,
      offset: 0,
      holds: ({ count, nextId }) => nextId - 1 === count,
    }
  }
  const width = Math.max(LEAST, SPREAD * (offset + limit))
  return {
    condition: `t._id > ${bound} AND t._id <= ${bound + width}`,
    offset,
    holds: ({ rows }) => rows === limit,
  }
}

/** The `_id` above which all rows are wanted; undefined when anything else is filtered. */
function idBound(filter: Filter | undefined): number | undefined {
  if (!filter) return 0
  if (filter.op !== 'gt' && filter.op !== 'gte') return undefined
  if (filter.column.name !== ID_COLUMN || filter.value === null) return undefined
  const value = Number(filter.value)
  if (!Number.isSafeInteger(value) || value < 0) return undefined
  return filter.op === 'gt' ? value : Math.max(0, value - 1)
}

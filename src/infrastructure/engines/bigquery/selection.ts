import { columnType } from '../../../core/field-types.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { SearchPlan } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import { filterDialect, Parameters, readableFilter } from './filter.ts'
import { textMatch } from './full-text.ts'
import { quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import type { ResultCell } from './render.ts'
import { AHEAD_SINCE } from './schema-lock.ts'
import type { Store } from './store.ts'
import { orderable } from './types.ts'

type Plan = Pick<SearchPlan, 'table' | 'projection' | 'filter' | 'textQueries' | 'sort' | 'distinct'> & {
  limit?: number | undefined
  offset: number
}

/** SQL of rows, and what their cells are. */
export interface Statement {
  sql: string
  params: Record<string, string>
  cells: ResultCell[]
}

/** Columns of a statement's rows before the cells. */
export const HEADER = {
  nextId: 0,
  count: 1,
  revision: 2,
  schemaRevision: 3,
  updatedAt: 4,
  aheadSince: 5,
  total: 6,
  there: 7,
  lastId: 8,
  length: 9,
} as const

const rankType = columnType('float8')

interface Selected {
  cells: ResultCell[]
  values: Parameters
  ordered: OrderedRows
  /** SQL of how many rows there are in all. */
  counted: string
  paging: string
}

async function selected(store: Store, plan: Plan, lastId: boolean, signal?: AbortSignal): Promise<Selected> {
  const { table, limit, offset } = plan
  const values = new Parameters()
  const condition = plan.filter ? filterCondition(readableFilter(plan.filter), filterDialect, values) : 'TRUE'
  const match = plan.textQueries.length > 0 ? await textMatch(store, plan, condition, values, signal) : undefined
  const rows = match ? `(${match.rows})` : quoteName(tableOf(table.id))
  const value = (item: Column | { rank: string }) =>
    'rank' in item ? (match?.ranks.get(item.rank) as string) : `t.${quoteName(storedColumn(item.name))}`
  const cells = plan.projection.map((item): ResultCell & { sql: string } =>
    'rank' in item
      ? { name: item.rank, type: rankType, sql: value(item) }
      : { name: item.name, type: item.type, sql: value(item) },
  )
  const names = cells.map(({ sql, type }, index) => `${plan.distinct ? orderable(sql, type) : sql} AS c${index}`)
  const keys = orderKeys(plan, value)
  const from = `FROM ${rows} AS t WHERE ${match ? 'TRUE' : condition}`
  const isWhole = !plan.filter && !match && !plan.distinct
  const distinct = `(SELECT COUNT(*) FROM (SELECT DISTINCT ${names.join(', ')} ${from}))`
  const most = limit ?? (offset > 0 ? ALL_ROWS : undefined)
  return {
    cells,
    values,
    ordered: plan.distinct ? distinctRows(names, keys, cells, from) : plainRows(names, keys, from, lastId),
    counted: isWhole ? 's.row_count' : plan.distinct ? distinct : `(SELECT COUNT(*) ${from})`,
    paging: `${most === undefined ? '' : ` LIMIT ${most}`}${offset > 0 ? ` OFFSET ${offset}` : ''}`,
  }
}

/**
 * The rows that are asked for, their cells as `p.c0`, `p.c1` … for the `SELECT` that stands before it. The order is said
 * outside: that of a subquery does not count.
 */
export async function rowsFrom(store: Store, plan: Plan, condition: string, signal?: AbortSignal): Promise<Statement> {
  const { cells, values, ordered, paging } = await selected(store, plan, false, signal)
  const sql = `FROM (${pageOf(ordered, paging)}) AS p WHERE ${condition} ORDER BY ${ordered.order('p.')}`
  return { sql, params: values.all, cells }
}

/**
 * The rows that are asked for and the state of the table, in one statement: what is found and what is counted are of one
 * moment. The state row stands beside every row; alone where there is none.
 */
export async function selectStatement(
  store: Store,
  plan: Plan,
  { total, lastId }: { total: boolean; lastId: boolean },
  signal?: AbortSignal,
): Promise<Statement> {
  const { cells, values, ordered, counted, paging } = await selected(store, plan, lastId, signal)
  const head = [
    ...['s.next_id', 's.row_count', 's.revision', 's.schema_revision', 's.updated_at', AHEAD_SINCE],
    total ? counted : 'NULL',
  ]
  const row = quoteName(stateOf(plan.table.id))
  if (plan.limit === 0)
    return { sql: `SELECT ${[...head, 'NULL', 'NULL'].join(', ')} FROM ${row} AS s`, params: values.all, cells }
  const shown = [
    ...head.map((sql, index) => `${sql} AS h${index}`),
    'p.there AS there',
    `${lastId && !plan.distinct ? 'p.last_id' : 'NULL'} AS last_id`,
    ...cells.map((_, index) => `p.c${index} AS c${index}`),
  ]
  return {
    sql:
      // An outer join needs an equality of columns.
      `SELECT ${shown.join(', ')} FROM (SELECT *, TRUE AS there FROM ${row}) AS s ` +
      `LEFT JOIN (${pageOf(ordered, paging)}) AS p ON s.there = p.there ORDER BY ${ordered.order('p.')}`,
    params: values.all,
    cells,
  }
}

/** OFFSET goes with LIMIT alone. */
const ALL_ROWS = '9223372036854775807'

interface OrderKey {
  value: string
  direction: string
}

interface OrderedRows {
  rows: string
  order(prefix: string): string
}

function pageOf(ordered: OrderedRows, paging: string): string {
  return paging === '' ? ordered.rows : `${ordered.rows} ORDER BY ${ordered.order('')}${paging}`
}

function plainRows(names: readonly string[], keys: readonly OrderKey[], from: string, lastId: boolean): OrderedRows {
  const own = keys.map(({ value }, index) => `${value} AS _k${index}`)
  return {
    rows: `SELECT ${['TRUE AS there', ...(lastId ? ['t._id AS last_id'] : []), ...names, ...own].join(', ')} ${from}`,
    order: (prefix) => keys.map(({ direction }, index) => `${prefix}_k${index} ${direction}`).join(', '),
  }
}

/** By the keys asked for, then by every column, so that there is only one order. */
function distinctRows(
  names: readonly string[],
  keys: readonly OrderKey[],
  cells: readonly { sql: string }[],
  from: string,
): OrderedRows {
  const position = new Map(cells.map(({ sql }, index) => [sql, index]))
  return {
    rows: `SELECT TRUE AS there, d.* FROM (SELECT DISTINCT ${names.join(', ')} ${from}) AS d`,
    order: (prefix) =>
      [
        ...keys.flatMap(({ value, direction }) =>
          position.has(value) ? `${prefix}c${position.get(value)} ${direction}` : [],
        ),
        ...cells.map((_, index) => `${prefix}c${index} ASC NULLS LAST`),
      ].join(', '),
  }
}

/** Null placement when unsaid is PostgreSQL's; ties are broken by `_id`, so that pages never overlap (contract §7). */
function orderKeys({ sort, distinct }: Plan, value: (item: Column | { rank: string }) => string): OrderKey[] {
  const keys = sort.flatMap(({ by, descending, nulls }): OrderKey[] => {
    const direction = `${descending ? 'DESC' : 'ASC'} NULLS ${(nulls ?? (descending ? 'first' : 'last')).toUpperCase()}`
    const sql = value(by)
    if ('rank' in by || distinct) return [{ value: sql, direction }]
    // PostgreSQL puts what is no number above all numbers.
    const last = by.type.type.family === 'float' && !by.type.array ? [{ value: `IS_NAN(${sql})`, direction }] : []
    return [...last, { value: orderable(sql, by.type), direction }]
  })
  const isTotal = distinct || sort.some(({ by }) => 'name' in by && by.name === ID_COLUMN)
  return isTotal ? keys : [...keys, { value: 't._id', direction: 'ASC' }]
}

import { columnType } from '../../../core/field-types.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { SearchPlan, SortKey } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import { literals, quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { Dialect, StoredType } from './dialect.ts'
import { textMatch } from './full-text/match.ts'
import type { StoredTable } from './metadata.ts'
import type { Cell } from './render.ts'
import type { Store } from './store.ts'
import { dialectOf, rowsOf } from './store.ts'
import { textSource } from './text-source.ts'

/** What selects and orders rows, as SQL; shared by pages and dumps. */
export interface Selection {
  /** Common table expressions that the rest leans on, without WITH. */
  ctes: string[]
  /** The table as `t`, and `text_match` as `m` where there is a text query. */
  from: string
  condition: string
  /** Whether every row, only the rows that a text query finds, or those that a condition filters are selected. */
  rows: 'all' | 'found' | 'filtered'
  /** What a result row shows. `value` speaks of the table as `t`. */
  cells: Cell[]
  order: OrderKey[]
}

export interface OrderKey {
  value: string
  direction: string
}

type Plan = Pick<SearchPlan, 'table' | 'projection' | 'filter' | 'textQueries' | 'sort' | 'distinct'>

/**
 * What a plan selects, in SQL. With text queries it must be asked for in the transaction that runs it: which words
 * there are is read from the same snapshot.
 */
export async function select(store: Store, session: Session, plan: Plan): Promise<Selection> {
  const table = plan.table as StoredTable
  const dialect = dialectOf(store, table)
  const match = plan.textQueries.length > 0 ? await findTexts(store, session, plan) : undefined
  const value = (item: Column | { rank: string }) =>
    'rank' in item ? (match?.ranks.get(item.rank) as string) : `t.${quoteIdentifier(item.name)}`
  return {
    ctes: match?.ctes ?? [],
    from: `${rowsOf(table)} t${match ? ' JOIN text_match m ON m._id = t._id' : ''}`,
    condition: plan.filter ? filterCondition(plan.filter, dialect, literals) : 'TRUE',
    rows: plan.filter ? 'filtered' : match ? 'found' : 'all',
    cells: plan.projection.map((item) => cell(item, value(item), dialect)),
    order: orderKeys(plan, value),
  }
}

async function findTexts(store: Store, session: Session, { table, textQueries }: Plan) {
  const source = textSource(store, table as StoredTable)
  const coverage = await store.fullText.coverage(session.connection, table.id, source)
  return textMatch(session.connection, source, textQueries, coverage)
}

const rankType: StoredType = { type: columnType('float8'), scale: 0 }

function cell(item: Column | { rank: string }, value: string, dialect: Dialect): Cell {
  return 'rank' in item
    ? { name: item.rank, value, type: rankType }
    : { name: item.name, value, type: dialect.stored(item) }
}

/** Null placement when unsaid is PostgreSQL's; ties are broken by `_id`, so that pages never overlap (contract §7). */
function orderKeys({ sort, distinct }: Plan, value: (item: SortKey['by']) => string): OrderKey[] {
  const keys = sort.map(({ by, descending, nulls }) => ({
    value: value(by),
    direction: `${descending ? 'DESC' : 'ASC'} NULLS ${(nulls ?? (descending ? 'first' : 'last')).toUpperCase()}`,
  }))
  const total = distinct || sort.some(({ by }) => 'name' in by && by.name === ID_COLUMN)
  return total ? keys : [...keys, { value: 't._id', direction: 'ASC' }]
}

/** `WITH …`, or nothing. */
export function withCtes(ctes: readonly string[]): string {
  return ctes.length > 0 ? `WITH ${ctes.join(', ')}` : ''
}

/** The cells' values by the names `c0`, `c1` …, so that the next level can speak of them. */
export function namedCells(cells: readonly Cell[]): string {
  return cells.map(({ value }, index) => `${value} AS c${index}`).join(', ')
}

/** Distinct rows as `c0`, `c1` … */
export function distinctRows({ cells, from, condition }: Selection): string {
  return `SELECT DISTINCT ${namedCells(cells)} FROM ${from} WHERE ${condition}`
}

/** The order of distinct rows: by the keys asked for, then by every column, so that there is only one. */
export function distinctOrder({ cells, order }: Selection): string {
  const position = new Map(cells.map(({ value }, index) => [value, index]))
  const keys = order.map(({ value, direction }) => `c${position.get(value)} ${direction}`)
  return [...keys, ...cells.map((_, index) => `c${index} ASC NULLS LAST`)].join(', ')
}

/** Whether rows come by ascending `_id` and nothing else. */
export function isIdOrder({ sort, distinct }: Pick<Plan, 'sort' | 'distinct'>): boolean {
  const [key] = sort
  return (
    !distinct &&
    sort.length === 1 &&
    key !== undefined &&
    'name' in key.by &&
    key.by.name === ID_COLUMN &&
    !key.descending
  )
}

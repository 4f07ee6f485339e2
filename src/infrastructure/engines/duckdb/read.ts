import { columnType } from '../../../core/field-types.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { Found, SearchPlan, SortKey } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import { Parameters, quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { Dialect, StoredType } from './dialect.ts'
import { invalidQuery, isBinderFailure } from './failures.ts'
import { blobBytes } from './insert.ts'
import type { StoredTable } from './metadata.ts'
import type { Cell } from './render.ts'
import { rowFormats } from './render.ts'
import type { Store } from './store.ts'
import { dialectOf, tableName } from './store.ts'
import { textConditions } from './text-conditions.ts'

/** What selects and orders rows, as SQL; shared by pages and dumps. */
export interface Selection {
  /** Common table expressions that the rest leans on, without WITH. */
  ctes: string[]
  from: string
  condition: string
  /** Whether a filter or a text query is set: else every row is selected. */
  filtered: boolean
  /** What a result row shows. `value` speaks of the table as `t`. */
  cells: Cell[]
  order: OrderKey[]
  parameters: Parameters
}

export interface OrderKey {
  value: string
  direction: string
}

type Plan = Pick<SearchPlan, 'table' | 'projection' | 'filter' | 'textQueries' | 'sort' | 'distinct'>

/** Reads one page of a table, already written in the asked format, with its total from the same snapshot. */
export async function searchTable(store: Store, plan: SearchPlan, signal?: AbortSignal): Promise<Found> {
  return store.client.session(async (session) => {
    const table = plan.table as StoredTable
    try {
      const range = pageByNumber(plan, table)
      const found = range === undefined ? undefined : await readPage(store, session, plan, range)
      return found ?? (await readPage(store, session, plan))
    } catch (error) {
      if (isBinderFailure(error)) throw new StaleSchema(`table ${table.id} has changed`, { cause: error })
      throw invalidQuery(error)
    }
  }, signal)
}

/** `_id`s of an unfiltered page where none is missing from 1 on: no row has to be skipped over to find them. */
function pageByNumber({ filter, textQueries, sort, distinct, offset, limit }: SearchPlan, table: StoredTable): string | undefined {
  const [key] = sort
  const byId = sort.length === 0 || (sort.length === 1 && key && 'name' in key.by && key.by.name === ID_COLUMN && !key.descending)
  if (filter || textQueries.length > 0 || distinct || !byId || table.nextId - 1 !== table.count) return undefined
  return `t._id > ${offset} AND t._id <= ${offset + limit}`
}

/** @param range - Where the page lies, if no `_id` is missing. Undefined is answered when one is, after all. */
async function readPage(store: Store, session: Session, plan: SearchPlan, range: string): Promise<Found | undefined>
async function readPage(store: Store, session: Session, plan: SearchPlan): Promise<Found>
async function readPage(store: Store, session: Session, plan: SearchPlan, range?: string): Promise<Found | undefined> {
  const table = plan.table as StoredTable
  const selection = await select(store, session, plan)
  const { order, parameters } = selection
  const format = rowFormats[plan.format]
  const pageCells = selection.cells.map((cell, index) => ({ ...cell, value: `c${index}` }))
  const keys = plan.distinct ? 'n' : order.map(({ direction }, index) => `k${index} ${direction}`).join(', ')
  const lastId = plan.includeLastId && !plan.distinct ? `(SELECT last(k0 ORDER BY ${keys}) FROM page)` : 'NULL'
  const sql =
    `WITH ${[...selection.ctes, `page AS (${pageSql(selection, plan, range)})`].join(', ')} SELECT ` +
    `(SELECT encode(string_agg(${format.text(pageCells, dialectOf(store, table))}, ${quoteLiteral(format.separator)} ORDER BY ${keys})) FROM page), ` +
    `(SELECT count(*) FROM page), ${lastId}, ${totalSql(selection, plan)}, row_count, next_id, revision, schema_revision ` +
    `FROM datastore.main._table_metadata WHERE resource_id = ${parameters.add(table.id)}`
  const row = await session.row(sql, parameters.values)
  if (!row || Number(row[7]) !== table.schemaRevision) throw new StaleSchema(`table ${table.id} has changed`)
  const [records, rows, last, total, count, nextId, revision] = row
  if (range !== undefined && Number(nextId) - 1 !== Number(count)) return undefined
  return {
    records: blobBytes(records),
    rows: Number(rows),
    ...(plan.includeTotal && { total: Number(total ?? count) }),
    ...(last !== null && { lastId: String(last) }),
    revision: Number(revision),
  }
}

/** What a plan selects, in SQL. */
export async function select(store: Store, session: Session, plan: Plan): Promise<Selection> {
  const table = plan.table as StoredTable
  const dialect = dialectOf(store, table)
  const parameters = new Parameters()
  const texts = await textConditions(store, session, table, plan.textQueries, parameters)
  const conditions = [...(plan.filter ? [filterCondition(plan.filter, dialect, parameters)] : []), ...texts.conditions]
  const value = (item: Column | { rank: string }) => ('rank' in item ? (texts.ranks.get(item.rank) as string) : `t.${quoteIdentifier(item.name)}`)
  return {
    ctes: texts.ctes,
    from: `${tableName(table.id)} t${texts.joins}`,
    condition: conditions.length > 0 ? conditions.join(' AND ') : 'TRUE',
    filtered: conditions.length > 0,
    cells: plan.projection.map((item) => cell(item, value(item), dialect)),
    order: orderKeys(plan, value),
    parameters,
  }
}

const rankType: StoredType = { type: columnType('float8'), scale: 0 }

function cell(item: Column | { rank: string }, value: string, dialect: Dialect): Cell {
  if (!('rank' in item)) return { name: item.name, value, type: dialect.stored(item) }
  return { name: item.rank, value, type: rankType }
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

function pageSql(selection: Selection, plan: SearchPlan, range?: string): string {
  if (plan.distinct) return distinctPageSql(selection, plan)
  const { cells, order, from, condition } = selection
  const { limit, offset } = plan
  const keys = order.map(({ value }, index) => `${value} AS k${index}`)
  const where = range ?? condition
  const cut = range === undefined ? `LIMIT ${limit} OFFSET ${offset}` : `LIMIT ${limit}`
  const by = order.map(({ direction }, index) => `k${index} ${direction}`)
  return `SELECT ${[shownColumns(cells), ...keys].join(', ')} FROM ${from} WHERE ${where} ORDER BY ${by.join(', ')} ${cut}`
}

/** Distinct rows, then the page: sorted by the keys asked for, then by every column, so that the order is one. */
function distinctPageSql({ cells, order, from, condition }: Omit<Selection, 'ctes'>, { limit, offset }: SearchPlan): string {
  const position = new Map(cells.map(({ value }, index) => [value, index]))
  const by = [
    ...order.map(({ value, direction }) => `c${position.get(value)} ${direction}`),
    ...cells.map((_, index) => `c${index} ASC NULLS LAST`),
  ]
  const distinct = `SELECT DISTINCT ${shownColumns(cells)} FROM ${from} WHERE ${condition}`
  return `SELECT *, row_number() OVER (ORDER BY ${by.join(', ')}) AS n FROM (${distinct}) ORDER BY n LIMIT ${limit} OFFSET ${offset}`
}

function shownColumns(cells: readonly Cell[]): string {
  return cells.map(({ value }, index) => `${value} AS c${index}`).join(', ')
}

function totalSql({ cells, from, condition, filtered }: Selection, { distinct, includeTotal }: SearchPlan): string {
  if (!includeTotal || (!filtered && !distinct)) return 'NULL'
  if (!distinct) return `(SELECT count(*) FROM ${from} WHERE ${condition})`
  return `(SELECT count(*) FROM (SELECT DISTINCT ${shownColumns(cells)} FROM ${from} WHERE ${condition}))`
}

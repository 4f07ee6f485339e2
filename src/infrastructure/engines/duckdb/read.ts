import type { Found, SearchPlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { invalidQuery, isBinderFailure } from './failures.ts'
import { blobBytes } from './insert.ts'
import type { StoredTable } from './metadata.ts'
import { inSnapshot } from './metadata.ts'
import type { PageWindow } from './page-window.ts'
import { pageWindow } from './page-window.ts'
import { rowFormats } from './render.ts'
import type { Selection } from './selection.ts'
import { distinctOrder, distinctRows, namedCells, select, withCtes } from './selection.ts'
import type { Store } from './store.ts'
import { dialectOf } from './store.ts'

/** Reads one page of a table, already written in the asked format, with its total from the same snapshot. */
export async function searchTable(store: Store, plan: SearchPlan, signal?: AbortSignal): Promise<Found> {
  const search = async (session: Session) => {
    const selection = await select(store, session, plan)
    const window = pageWindow(plan)
    const found = window && (await readPage(store, session, plan, selection, window))
    return found ?? ((await readPage(store, session, plan, selection)) as Found)
  }
  return store.client.session(async (session) => {
    try {
      // One statement has one snapshot; a text query takes several.
      return await (plan.textQueries.length > 0
        ? session.transaction(() => search(session), { readOnly: true })
        : search(session))
    } catch (error) {
      if (isBinderFailure(error)) throw new StaleSchema(`table ${plan.table.id} has changed`, { cause: error })
      throw invalidQuery(error)
    }
  }, signal)
}

/** The page, or undefined when it does not lie in the window. */
async function readPage(
  store: Store,
  session: Session,
  plan: SearchPlan,
  selection: Selection,
  window?: PageWindow,
): Promise<Found | undefined> {
  const table = plan.table as StoredTable
  const { text, separator } = rowFormats[plan.format]
  const cells = selection.cells.map((cell, index) => ({ ...cell, value: `c${index}` }))
  const keys = plan.distinct ? 'n' : selection.order.map(({ direction }, index) => `k${index} ${direction}`).join(', ')
  const lastId = plan.includeLastId && !plan.distinct ? `last(k0 ORDER BY ${keys})` : 'NULL'
  const records = `encode(string_agg(${text(cells, dialectOf(store, table))}, ${quoteLiteral(separator)} ORDER BY ${keys}))`
  const row = await session.row(
    `${withCtes(selection.ctes)} SELECT page.*, ${totalSql(selection, plan)}, row_count, next_id, revision, schema_revision ` +
      `FROM (SELECT ${records}, count(*), ${lastId} FROM (${pageSql(selection, plan, window)})) page, ` +
      `${inSnapshot('datastore.main._table_metadata', table)} WHERE resource_id = ${quoteLiteral(table.id)}`,
  )
  if (!row || Number(row[7]) !== table.schemaRevision) throw new StaleSchema(`table ${table.id} has changed`)
  const [bytes, rows, last, total, count, nextId, revision] = row
  const stand = { rows: Number(rows), count: Number(count), nextId: Number(nextId) }
  if (window && !window.holds(stand)) return undefined
  return {
    records: blobBytes(bytes),
    rows: stand.rows,
    ...(plan.includeTotal && { total: Number(total ?? count) }),
    ...(last !== null && { lastId: String(last) }),
    revision: Number(revision),
  }
}

function pageSql(selection: Selection, plan: SearchPlan, window?: PageWindow): string {
  const { limit, offset, distinct, sort } = plan
  const { cells, order, condition } = selection
  if (distinct) {
    return (
      `SELECT *, row_number() OVER (ORDER BY ${distinctOrder(selection)}) AS n FROM (${distinctRows(selection)}) ` +
      `ORDER BY n LIMIT ${limit} OFFSET ${offset}`
    )
  }
  const keys = order.map(({ value }, index) => `${value} AS k${index}`)
  const by = order.map(({ direction }, index) => `k${index} ${direction}`)
  const conditions = window ? `${window.condition} AND (${condition})` : condition
  const byRank = selection.rows === 'found' && sort.every(({ by }) => 'rank' in by)
  const from = byRank ? bestMatches(selection, plan) : selection.from
  const skipped = byRank ? 0 : (window?.offset ?? offset)
  return `SELECT ${[namedCells(cells), ...keys].join(', ')} FROM ${from} WHERE ${conditions} ORDER BY ${by.join(', ')} LIMIT ${limit} OFFSET ${skipped}`
}

/** The page of the best matches, cut before the table's rows are looked at. */
function bestMatches({ from, order }: Selection, { limit, offset }: SearchPlan): string {
  const by = order.map(({ value, direction }) => `${value.replace(/^t\./, 'm.')} ${direction}`).join(', ')
  return from.replace('text_match m', `(SELECT * FROM text_match m ORDER BY ${by} LIMIT ${limit} OFFSET ${offset}) m`)
}

/** Rows that a plan selects in all; NULL where the table's own count says it. */
function totalSql(selection: Selection, { distinct, includeTotal }: SearchPlan): string {
  if (!includeTotal) return 'NULL'
  if (distinct) return `(SELECT count(*) FROM (${distinctRows(selection)}))`
  if (selection.rows === 'all') return 'NULL'
  if (selection.rows === 'found') return '(SELECT count(*) FROM text_match)'
  return `(SELECT count(*) FROM ${selection.from} WHERE ${selection.condition})`
}

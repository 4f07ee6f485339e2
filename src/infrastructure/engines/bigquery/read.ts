import type { Found, SearchPlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import { BigqueryFailure, invalidQuery, isNotFound } from './failures.ts'
import { isKeptAs } from './fields.ts'
import type { State, StoredTable } from './metadata.ts'
import type { ResultCell, RowWriter } from './render.ts'
import { rawText, rowFormats } from './render.ts'
import type { RestField } from './rest.ts'
import type { ResultPage } from './result-page.ts'
import { isAhead } from './schema-lock.ts'
import { HEADER, selectStatement } from './selection.ts'
import type { Store } from './store.ts'

/** One page of a table in the asked format, from one statement (contract §7). */
export async function searchTable(store: Store, plan: SearchPlan, signal?: AbortSignal): Promise<Found> {
  const table = plan.table as StoredTable
  const { first, writer } = await openRows(store, plan, rowFormats[plan.format], signal)
  const head = readHead(first)
  checkSchema(store, table, head)
  const records: string[] = []
  let lastId: string | undefined
  for (let page: ResultPage | undefined = first; page; page = await store.client.nextPage(page, { signal })) {
    for (const { f } of page.rows) {
      if (f[HEADER.there]?.v === null) continue
      records.push(writer(f.slice(HEADER.length).map(rawText)))
      lastId = String(f[HEADER.lastId]?.v)
    }
  }
  return {
    records: new TextEncoder().encode(records.join(rowFormats[plan.format].separator)),
    rows: records.length,
    ...(plan.includeTotal && head.total !== undefined && { total: head.total }),
    ...(plan.includeLastId && records.length > 0 && lastId !== undefined && { lastId }),
    revision: head.revision,
  }
}

interface Head extends State {
  total: number | undefined
}

async function openRows(
  store: Store,
  plan: SearchPlan,
  format: {
    writer: (
      columns: readonly { name: string; type: StoredTable['columns'][number]['type'] }[],
      options: { msInTimestamp: boolean },
    ) => RowWriter
  },
  signal?: AbortSignal,
) {
  try {
    const { sql, params, cells } = await selectStatement(
      store,
      plan,
      { total: plan.includeTotal, lastId: plan.includeLastId },
      signal,
    )
    const first = await store.client.query(sql, { params, signal })
    checkTypes(store, plan, first, cells)
    return { first, writer: format.writer(cells, { msInTimestamp: store.config.msInTimestamp }) }
  } catch (error) {
    throw readFailureOf(store, plan.table.id, error)
  }
}

/** A table or a column that is not there any more: the plan was made from an older schema. */
export function readFailureOf(store: Store, id: string, error: unknown): unknown {
  const isGone =
    isNotFound(error) ||
    (error instanceof BigqueryFailure &&
      /Unrecognized name|Name \S+ not found|does not have a column named|Referenced (?:column|table)/i.test(
        error.message,
      ))
  if (!isGone) return invalidQuery(error)
  store.tables.delete(id)
  return new StaleSchema(`table ${id} has changed`, { cause: error })
}

export function readHead({ rows }: ResultPage): Head {
  const cell = (index: number) => rows[0]?.f[index]?.v ?? undefined
  const total = cell(HEADER.total)
  return {
    nextId: Number(cell(HEADER.nextId)),
    count: Number(cell(HEADER.count)),
    revision: Number(cell(HEADER.revision)),
    schemaRevision: isAhead(cell(HEADER.aheadSince)) ? Number.NaN : Number(cell(HEADER.schemaRevision)),
    updatedAt: String(cell(HEADER.updatedAt)),
    total: total === undefined ? undefined : Number(total),
  }
}

/**
 * Trusts values only where the table has the types of its definition. They differ for a moment while another process changes
 * them, and when somebody else did.
 */
export function checkTypes(
  store: Store,
  { table, distinct, limit }: Pick<SearchPlan, 'table' | 'distinct'> & { limit?: number | undefined },
  { fields }: ResultPage,
  cells: readonly ResultCell[],
): void {
  if (distinct || limit === 0) return
  const other = cells.find(({ type }, index) => !isKeptAs(fields[HEADER.length + index] as RestField, type))
  if (!other) return
  store.tables.delete(table.id)
  throw new StaleSchema(`column ${other.name} of table ${table.id} has another type`)
}

/** Trusts the schema that the plan was made from only if its revision still stands; what moved is remembered. */
export function checkSchema(store: Store, table: StoredTable, head: Head): void {
  if (head.schemaRevision !== table.schemaRevision) {
    store.tables.delete(table.id)
    throw new StaleSchema(`table ${table.id} has changed`)
  }
  const { total: _total, ...state } = head
  store.tables.refresh(table.id, state)
}

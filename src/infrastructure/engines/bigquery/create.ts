import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import type { TablePlan, Written } from '../engine.ts'
import { alterTable } from './alter.ts'
import { changeItem, rowStatements } from './apply.ts'
import { checkNames } from './check-names.ts'
import { checkRules, checkStoredRows, firstDuplicate } from './constraints.ts'
import { remember } from './external-writes.ts'
import { makeTable } from './make.ts'
import type { StoredTable } from './metadata.ts'
import { declaresAnew, plannedTable, sameList } from './planned-table.ts'
import { stagedColumns, stageRecords } from './records.ts'
import { withSource } from './stage.ts'
import type { Store } from './store.ts'
import { CATALOG, currentTable, write } from './store.ts'
import { resolve, storedRecords } from './upsert.ts'

/** Makes a table or alters the stored one, and appends the plan's records: all of it or nothing. */
export async function createTable(store: Store, plan: TablePlan, signal?: AbortSignal): Promise<Written> {
  return write(store, [CATALOG, plan.id], () => create(store, plan, signal), signal)
}

async function create(store: Store, plan: TablePlan, signal?: AbortSignal): Promise<Written> {
  const { client } = store
  // Whether there is one by now is seen when the names are checked.
  const current = plan.basedOn === undefined ? undefined : await currentTable(store, plan.id, plan.basedOn, signal)
  const planned = plannedTable(plan, current)
  const staged = plan.records ? stagedColumns(plan.columns, plan.records) : []
  const records = plan.records ? stageRecords(plan.records, staged) : []
  if (declaresAnew(plan.columns, current)) await checkRules(client, plan.columns, signal)
  await checkNames(store, plan, signal)
  const resolved = await resolve(store, planned, staged, records, 'insert', signal, current)
  if (current) {
    await checkStoredRows(client, current, planned.columns, signal)
    if (!sameList(current.primaryKey, planned.primaryKey)) await checkStoredKeys(store, current, planned, signal)
  }
  const after: StoredTable = { ...planned, nextId: resolved.nextId, count: planned.count + resolved.fresh }
  await withSource(store, resolved.changes.map(changeItem), async (source) => {
    const rows = rowStatements(after, staged, source, { fresh: resolved.fresh, matched: 0 })
    await (current
      ? alterTable(store, current, after, rows, source.params, signal)
      : makeTable(store, after, rows, source, signal))
  })
  await remember(store, after)
  const shown =
    plan.includeRecords && (await storedRecords(store, after, staged, resolved, plan.includeRecords, signal))
  return { table: after, affected: resolved.fresh, ...(shown && { records: shown }), warnings: [] }
}

async function checkStoredKeys(
  store: Store,
  current: StoredTable,
  { primaryKey, columns }: StoredTable,
  signal?: AbortSignal,
): Promise<void> {
  const key = primaryKey.map((name) => columns.find((column) => column.name === name) as Column)
  if (key.length === 0 || current.count === 0) return
  if ((await firstDuplicate(store.client, current, key, signal)) !== undefined)
    throw new ValidationError({
      constraints: ['Cannot insert records or create indexbecause of uniqueness constraint'],
    })
}

import { TableNotFound } from '../../../core/errors.ts'
import type { DeletePlan, Written } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import { literals } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { invalidQuery } from './failures.ts'
import { storedRecords } from './insert.ts'
import type { StoredTable } from './metadata.ts'
import { deleteTable, readById, updateCounters, updateTable } from './metadata.ts'
import type { Store } from './store.ts'
import { CATALOG, commit, currentTable, dialectOf, nextRevision, nextTime, tableName, write } from './store.ts'

/** Deletes rows, columns or the whole table, in one transaction. */
export async function deleteFrom(store: Store, plan: DeletePlan, signal?: AbortSignal): Promise<Written> {
  if (plan.what === 'rows') return write(store, [plan.id], (session) => deleteRows(store, session, plan), signal)
  const written = await write(
    store,
    [CATALOG, plan.id],
    (session) => (plan.what === 'table' ? dropTable(store, session, plan.id) : dropColumns(store, session, plan)),
    signal,
  )
  store.definitionChanged()
  return written
}

async function dropTable(store: Store, session: Session, id: string): Promise<Written> {
  const { affected } = await commit(store, session, id, async () => {
    const table = await readById(session, id)
    if (!table) throw new TableNotFound(id)
    await store.fullText.noteReset(session.connection, id, table.count)
    await session.run(`DROP TABLE ${tableName(id)}`)
    await deleteTable(session, table)
    return { table: undefined, affected: table.count }
  })
  await store.rejectedFiles?.drop(id)
  return { table: undefined, affected, warnings: [] }
}

async function dropColumns(
  store: Store,
  session: Session,
  plan: Extract<DeletePlan, { what: 'columns' }>,
): Promise<Written> {
  const dropped = new Set(plan.columns)
  const { table } = await commit(store, session, plan.id, async () => {
    const current = (await currentTable(store, session, plan.id, plan.basedOn)) as StoredTable
    const revision = nextRevision(current)
    const table: StoredTable = {
      ...current,
      columns: current.columns.filter(({ name }) => !dropped.has(name)),
      indexes: current.indexes.filter((index) => !index.some((name) => dropped.has(name))),
      scales: Object.fromEntries(Object.entries(current.scales).filter(([name]) => !dropped.has(name))),
      revision,
      schemaRevision: revision,
      updatedAt: nextTime(current),
    }
    await store.storage.changeColumns(session, plan.id, { dropped: plan.columns })
    await store.fullText.noteReset(session.connection, table.id, table.count)
    await updateTable(session, table)
    return { table }
  })
  return { table, affected: 0, warnings: [] }
}

async function deleteRows(
  store: Store,
  session: Session,
  plan: Extract<DeletePlan, { what: 'rows' }>,
): Promise<Written> {
  const { table, affected, records } = await commit(store, session, plan.id, async () => {
    const current = (await currentTable(store, session, plan.id, plan.basedOn)) as StoredTable
    const dialect = dialectOf(store, current)
    const condition = plan.filter ? filterCondition(plan.filter, dialect, literals) : 'TRUE'
    const { includeDeleted } = plan
    const records =
      includeDeleted &&
      (await storedRecords(session, current, dialect, includeDeleted.columns, condition, includeDeleted.limit))
    await store.fullText.noteChanged(
      session.connection,
      current.id,
      current.count,
      `SELECT _id FROM ${tableName(plan.id)} t WHERE ${condition}`,
    )
    const affected = await session.run(`DELETE FROM ${tableName(plan.id)} AS t WHERE ${condition}`)
    const table = {
      ...current,
      count: current.count - affected,
      revision: nextRevision(current),
      updatedAt: nextTime(current),
    }
    await updateCounters(session, table)
    return { table, affected, records }
  }).catch((error) => {
    throw invalidQuery(error)
  })
  return { table, affected, ...(records && { records }), warnings: [] }
}

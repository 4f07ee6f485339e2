import { TableNotFound } from '../../../core/errors.ts'
import type { DeletePlan, Written } from '../engine.ts'
import { filterCondition } from '../sql/filter.ts'
import { droppedColumnChanges, writeWithChanges } from './alter.ts'
import { definitionStatements, forgetScript, tableParams, transaction } from './apply.ts'
import { remember } from './external-writes.ts'
import { invalidQuery } from './failures.ts'
import { filterDialect, Parameters, readableFilter } from './filter.ts'
import { rowsOf } from './look.ts'
import type { StoredTable } from './metadata.ts'
import { readTable } from './metadata.ts'
import { quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import { removedColumns } from './planned-table.ts'
import { rawText, rowFormats } from './render.ts'
import { lockStatements, runLocked } from './schema-lock.ts'
import type { Store } from './store.ts'
import { CATALOG, currentTable, now, write } from './store.ts'

type PlanOf<W extends DeletePlan['what']> = Extract<DeletePlan, { what: W }>

/** Deletes rows, columns or the whole table. */
export async function deleteFrom(store: Store, plan: DeletePlan, signal?: AbortSignal): Promise<Written> {
  if (plan.what === 'rows') return write(store, [plan.id], () => deleteRows(store, plan, signal), signal)
  const work =
    plan.what === 'table' ? () => dropTable(store, plan.id, signal) : () => deleteColumns(store, plan, signal)
  return write(store, [CATALOG, plan.id], work, signal)
}

/** Without its metadata nobody finds the table: that goes first. */
async function dropTable(store: Store, id: string, signal?: AbortSignal): Promise<Written> {
  const table = await readTable(store.client, id, signal)
  if (table?.id !== id) throw new TableNotFound(id)
  const script = [
    ...lockStatements(id, 'TRUE', 'stale').map((statement) => `${statement};`),
    forgetScript(),
    `DROP TABLE IF EXISTS ${quoteName(tableOf(id))};`,
    `DROP TABLE IF EXISTS ${quoteName(stateOf(id))};`,
  ].join('\n')
  signal?.throwIfAborted()
  await runLocked(store, table, script, { resource_id: id })
  store.tables.delete(id)
  await store.files.drop(id)
  return { table: undefined, affected: table.count, warnings: [] }
}

async function deleteColumns(store: Store, plan: PlanOf<'columns'>, signal?: AbortSignal): Promise<Written> {
  const current = (await currentTable(store, plan.id, plan.basedOn, signal)) as StoredTable
  const names = new Set(plan.columns)
  const revision = current.revision + 1
  const columns = current.columns.filter(({ name }) => !names.has(name))
  const table: StoredTable = {
    ...current,
    columns,
    removed: removedColumns(current, columns),
    indexes: current.indexes.filter((index) => !index.some((name) => names.has(name))),
    revision,
    schemaRevision: revision,
    updatedAt: now(),
  }
  const dropped = current.columns.filter(({ name }) => names.has(name))
  const changes = { before: [], ...droppedColumnChanges(plan.id, dropped) }
  await writeWithChanges(store, current, table, changes, definitionStatements(table, false), {}, signal)
  await remember(store, table)
  return { table, affected: 0, warnings: [] }
}

async function deleteRows(store: Store, plan: PlanOf<'rows'>, signal?: AbortSignal): Promise<Written> {
  const { client, config } = store
  const { includeDeleted } = plan
  const current = (await currentTable(store, plan.id, plan.basedOn, signal)) as StoredTable
  const values = new Parameters()
  const condition = plan.filter ? filterCondition(readableFilter(plan.filter), filterDialect, values) : 'TRUE'
  const from = `FROM ${quoteName(tableOf(plan.id))} AS t WHERE ${condition}`
  const asked = { params: values.all, role: 'write', signal } as const
  try {
    const counted = await client.query(`SELECT COUNT(*) ${from}`, asked)
    const affected = Number(counted.rows[0]?.f[0]?.v)
    const table = { ...current, count: current.count - affected, revision: current.revision + 1, updatedAt: now() }
    const lines: string[] = []
    if (includeDeleted) {
      const writer = rowFormats.objects.writer(includeDeleted.columns, { msInTimestamp: config.msInTimestamp })
      // Named anew, as a column called t would hide the table from ORDER BY.
      const cells = includeDeleted.columns
        .map(({ name }, index) => `t.${quoteName(storedColumn(name))} AS c${index}`)
        .join(', ')
      const page = await client.query(`SELECT ${cells} ${from} ORDER BY t._id LIMIT ${includeDeleted.limit}`, asked)
      for await (const { f } of rowsOf(client, page, signal)) lines.push(writer(f.map(rawText)))
    }
    const statements = [`DELETE ${from}`, `ASSERT @@row_count = ${affected} AS 'datastore:stale'`]
    await client.script(transaction(current, table, statements), {
      params: { ...tableParams(table), ...values.all },
      signal,
    })
    await remember(store, table)
    const records = includeDeleted && new TextEncoder().encode(lines.join(rowFormats.objects.separator))
    return { table, affected, ...(records && { records }), warnings: [] }
  } catch (error) {
    throw /datastore:/.test(String(error)) ? error : invalidQuery(error)
  }
}

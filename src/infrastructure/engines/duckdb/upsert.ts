import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { UpsertPlan, Written } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { checkConstraints, checkRequired, checkUnique, duplicateAmong } from './constraints.ts'
import type { Dialect } from './dialect.ts'
import { appendTyped, carriedKey, duplicateKey, insertRows, storedRecords, timestamp } from './insert.ts'
import { partsInOrder } from './merge-order.ts'
import { countTargets, mergeDuplicates, refuseMissing, resolveTargets } from './merge-targets.ts'
import type { Scales, StoredTable } from './metadata.ts'
import { scaleOf, updateCounters, updateTable } from './metadata.ts'
import { storageTypes } from './retype.ts'
import { stagedColumns, stageRecords } from './stage.ts'
import type { Store } from './store.ts'
import { commit, currentTable, dialectOf, nextRevision, nextTime, tableName, writeInTurn } from './store.ts'

/** Leaves a transaction without a trace, with its answer. */
class DryRun {
  readonly written: Written

  constructor(written: Written) {
    this.written = written
  }
}

/** Stores records by one of the three methods: all of them or none (contract §8.2). */
export async function upsertRecords(store: Store, plan: UpsertPlan, signal?: AbortSignal): Promise<Written> {
  return store.queue.run([plan.id], () => upsertInTurn(store, plan, signal), signal)
}

/** The same for who has the table's turn already. */
export async function upsertInTurn(store: Store, plan: UpsertPlan, signal?: AbortSignal): Promise<Written> {
  try {
    return await writeInTurn(store, [plan.id], (session) => upsert(store, session, plan), signal)
  } catch (error) {
    if (error instanceof DryRun) return error.written
    throw error
  }
}

async function upsert(store: Store, session: Session, plan: UpsertPlan): Promise<Written> {
  const stage = await stageUpsert(store, session, plan)
  const { written } = await commit(store, session, plan.id, async () => {
    const { current, affected, after, ids } = await applyUpsert(store, session, plan, stage)
    await (stage.isWidened ? updateTable : updateCounters)(session, after)
    const records =
      plan.includeRecords && (await storedRecords(session, after, stage.dialect, plan.includeRecords, ids))
    const written: Written = { table: after, affected, ...(records && { records }), warnings: [] }
    if (plan.dryRun) throw new DryRun({ ...written, table: current })
    return { table: after, written }
  })
  return written
}

/** Records that were read and checked, as far as that can be done without the rows that are stored. */
export interface StagedUpsert {
  columns: readonly Column[]
  scales: Scales
  /** A column needs more digits than it has. */
  isWidened: boolean
  dialect: Dialect
}

/** Reads the records of a plan into `_typed`, and checks them. */
export async function stageUpsert(store: Store, session: Session, plan: UpsertPlan): Promise<StagedUpsert> {
  const known = (await currentTable(store, session, plan.id, plan.basedOn)) as StoredTable
  const columns = stagedColumns(known.columns, plan.records)
  const widened = await stageRecords(store.writer, session, {
    columns,
    records: plan.records,
    scales: known.scales,
    stored: known,
    dialectFor: (scales) => dialectOf(store, { scales }),
  })
  const scales = { ...known.scales, ...widened }
  const dialect = dialectOf(store, { scales })
  await checkConstraints(session, columns, dialect)
  await store.storage.checkValues(session, columns)
  return { columns, scales, isWidened: Object.keys(widened).length > 0, dialect }
}

/** Writes what was staged, in the transaction of its commit; what is known of the table is still to be written. */
export async function applyUpsert(
  store: Store,
  session: Session,
  plan: UpsertPlan,
  { columns, scales, isWidened, dialect }: StagedUpsert,
): Promise<Outcome & { current: StoredTable }> {
  const current = (await currentTable(store, session, plan.id, plan.basedOn)) as StoredTable
  const revision = nextRevision(current)
  const table: StoredTable = {
    ...current,
    scales,
    revision,
    // Whoever read the table before the digits grew would round them.
    schemaRevision: isWidened ? revision : current.schemaRevision,
    updatedAt: nextTime(current),
  }
  if (isWidened) await store.fullText.noteReset(session.connection, table.id, current.count)
  const grown = columns.filter(({ name }) => scaleOf(scales, name) !== scaleOf(current.scales, name))
  await store.storage.changeColumns(session, table.id, { retyped: storageTypes(grown, dialect) })
  const outcome =
    plan.method === 'insert' ? await insert(session, table, columns) : await merge(store, session, table, columns, plan)
  return { ...outcome, current }
}

/** What a merge needs to know of the staged records. */
export interface MergePlan {
  method: UpsertPlan['method']
  records: Pick<UpsertPlan['records'], 'count' | 'columns' | 'shapeOf'>
}

interface Outcome {
  affected: number
  after: StoredTable
  /** An SQL condition that finds the rows which were written. */
  ids: string
}

async function insert(session: Session, table: StoredTable, staged: readonly Column[]): Promise<Outcome> {
  const affected = await appendTyped(session, table, staged)
  const after = { ...table, nextId: table.nextId + affected, count: table.count + affected }
  return { affected, after, ids: `t._id >= ${table.nextId}` }
}

/**
 * Updates the rows that the records name by key or `_id`, and inserts the others where the method allows it. The outcome
 * is as if they were applied one after the other.
 */
export async function merge(
  store: Store,
  session: Session,
  table: StoredTable,
  staged: readonly Column[],
  plan: MergePlan,
): Promise<Outcome> {
  const parts = await partsInOrder(session, table, staged, plan.records)
  if (parts.length === 0) return mergePart(store, session, table, staged, plan, 'TRUE')
  await session.run('CREATE OR REPLACE TEMP TABLE _written (_final BIGINT)')
  let after = table
  for (const part of parts) {
    const outcome = await mergePart(store, session, after, staged, plan, part)
    await session.run(`INSERT INTO temp._written ${outcome.finals}`)
    after = outcome.after
  }
  const finals = 'SELECT DISTINCT _final FROM temp._written'
  const [affected] = (await session.row(`SELECT count(*) FROM (${finals})`)) ?? []
  return { affected: Number(affected), after, ids: `t._id IN (${finals})` }
}

async function mergePart(
  store: Store,
  session: Session,
  table: StoredTable,
  staged: readonly Column[],
  plan: MergePlan,
  part: string,
): Promise<Outcome & { finals: string }> {
  const byId = plan.records.columns.includes(ID_COLUMN)
  const flags = plan.records.shapeOf.length > 0
  const keys = carriedKey(table, staged)
  await resolveTargets(session, table, keys, byId, part)
  if (plan.records.count > 1) await mergeDuplicates(session, keys, staged, flags)
  const { matched, fresh, numbered, highest } = await countTargets(session)
  if (plan.method === 'update' && fresh > 0) await refuseMissing(session, keys, byId)
  await checkRequired(session, table, staged, { name: 'temp._resolved', isNew: 's._target IS NULL', flags })
  // Above all that were ever given, in the records' order; an `_id` that a record brings along keeps its own.
  const base = Math.max(table.nextId, highest + 1)
  const id = `coalesce(s._target, s._given, ${base} - 1 + count(*) FILTER (s._target IS NULL AND s._given IS NULL) OVER (ORDER BY s._row))`
  const written = `SELECT s._row, ${id} AS _final FROM temp._resolved s`
  await store.fullText.noteChanged(
    session.connection,
    table.id,
    table.count,
    `SELECT coalesce(_target, _given) FROM temp._resolved WHERE coalesce(_target, _given) IS NOT NULL`,
  )
  if (matched > 0) await updateMatched(session, table, staged, byId, flags)
  if (fresh > 0)
    await insertRows(session, table, staged, id, 'FROM temp._resolved s WHERE s._target IS NULL ORDER BY s._row')
  await checkUnique(session, table, written)
  // An `_id` lets a record change a key into one that is taken.
  const taken =
    byId && table.primaryKey.length > 0 ? await duplicateAmong(session, table, table.primaryKey, written) : undefined
  if (taken !== undefined) throw duplicateKey(table.id, taken)
  return {
    affected: matched + fresh,
    after: { ...table, nextId: base + fresh - numbered, count: table.count + fresh },
    ids: `t._id IN (SELECT _final FROM (${written}))`,
    finals: `SELECT _final FROM (${written})`,
  }
}

async function updateMatched(
  session: Session,
  table: StoredTable,
  staged: readonly Column[],
  byId: boolean,
  flags: boolean,
): Promise<void> {
  const key = new Set(byId ? [] : table.primaryKey)
  const changed = staged.flatMap((column, index) => {
    if (key.has(column.name)) return []
    const name = quoteIdentifier(column.name)
    return [{ name, value: flags ? `CASE WHEN r._has_${index} THEN r.${name} ELSE t.${name} END` : `r.${name}` }]
  })
  if (changed.length === 0) return
  const touched = table.hasUpdatedAt
    ? [
        `${UPDATED_AT_COLUMN} = CASE WHEN ${changed.map(({ name, value }) => `t.${name} IS DISTINCT FROM ${value}`).join(' OR ')} ` +
          `THEN ${timestamp(table.updatedAt)} ELSE t.${UPDATED_AT_COLUMN} END`,
      ]
    : []
  const assignments = [...changed.map(({ name, value }) => `${name} = ${value}`), ...touched]
  await session.run(
    `UPDATE ${tableName(table.id)} AS t SET ${assignments.join(', ')} FROM temp._resolved r WHERE t._id = r._target`,
  )
}

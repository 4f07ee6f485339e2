import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { UpsertPlan, Written } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { checkConstraints, checkRequired, checkUnique, duplicateAmong } from './constraints.ts'
import { appendTyped, carriedKey, duplicateKey, insertRows, storedRecords, timestamp } from './insert.ts'
import type { StoredTable } from './metadata.ts'
import { updateCounters, updateTable } from './metadata.ts'
import { stagedColumns, stageRecords } from './stage.ts'
import type { Store } from './store.ts'
import { currentTable, dialectOf, now, tableName, write } from './store.ts'

/** Leaves a transaction without a trace, with its answer. */
class DryRun {
  readonly written: Written

  constructor(written: Written) {
    this.written = written
  }
}

/** Stores records by one of the three methods: all of them or none (contract §8.2). */
export async function upsertRecords(store: Store, plan: UpsertPlan, signal?: AbortSignal): Promise<Written> {
  try {
    return await write(store, [plan.id], (session) => upsert(store, session, plan), signal)
  } catch (error) {
    if (error instanceof DryRun) return error.written
    throw error
  }
}

async function upsert(store: Store, session: Session, plan: UpsertPlan): Promise<Written> {
  const current = (await currentTable(store, session, plan.id, plan.basedOn)) as StoredTable
  const staged = stagedColumns(current.columns, plan.records)
  const widened = await stageRecords(store.client, session, {
    columns: staged,
    records: plan.records,
    scales: current.scales,
    stored: current,
    dialectFor: (scales) => dialectOf(store, { scales }),
  })
  const revision = current.revision + 1
  const table: StoredTable = {
    ...current,
    scales: { ...current.scales, ...widened },
    revision,
    // Whoever read the table before the digits grew would round them.
    schemaRevision: Object.keys(widened).length > 0 ? revision : current.schemaRevision,
    updatedAt: now(),
  }
  const dialect = dialectOf(store, table)
  await checkConstraints(session, staged, dialect)

  const written = await session.transaction(async () => {
    if (Object.keys(widened).length > 0) await store.fullText.noteReset(session.connection, table.id, current.count)
    for (const column of Object.keys(widened)) {
      const stored = dialect.stored(table.columns.find(({ name }) => name === column) as Column)
      await session.run(
        `ALTER TABLE ${tableName(table.id)} ALTER COLUMN ${quoteIdentifier(column)} TYPE ${dialect.storage(stored)}`,
      )
    }
    const { affected, after, ids } =
      plan.method === 'insert' ? await insert(session, table, staged) : await merge(store, session, table, staged, plan)
    await (Object.keys(widened).length > 0 ? updateTable : updateCounters)(session, after)
    const records = plan.includeRecords ? await storedRecords(session, after, dialect, ids) : undefined
    const written: Written = { table: after, affected, ...(records && { records }), warnings: [] }
    if (plan.dryRun) throw new DryRun({ ...written, table: current })
    return written
  })
  store.tables.set(table.id, written.table as StoredTable)
  store.fullText.schedule(table.id)
  return written
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

/** Updates the rows that the records name by key or `_id`, and inserts the others where the method allows it. */
export async function merge(
  store: Store,
  session: Session,
  table: StoredTable,
  staged: readonly Column[],
  plan: MergePlan,
): Promise<Outcome> {
  const byId = plan.records.columns.includes(ID_COLUMN)
  const flags = plan.records.shapeOf.length > 0
  const keys = carriedKey(table, staged)
  await resolveTargets(session, table, keys, byId)
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
  }
}

interface Targets {
  /** Records whose row exists. */
  matched: number
  /** Records that become new rows; among them those that bring their `_id`, and the highest of these. */
  fresh: number
  numbered: number
  highest: number
}

async function countTargets(session: Session): Promise<Targets> {
  const [matched, fresh, numbered, highest] =
    (await session.row(
      'SELECT count(_target), count(*) FILTER (_target IS NULL), count(_given) FILTER (_target IS NULL), ' +
        'max(_given) FILTER (_target IS NULL) FROM temp._resolved',
    )) ?? []
  return { matched: Number(matched), fresh: Number(fresh), numbered: Number(numbered), highest: Number(highest ?? 0) }
}

/** Finds each record's row: by the `_id` it carries, else by the key. The temporary table `_resolved`. */
async function resolveTargets(
  session: Session,
  table: StoredTable,
  key: readonly string[],
  byId: boolean,
): Promise<void> {
  const name = tableName(table.id)
  const keys = key.map((column) => `k.${quoteIdentifier(column)} = r.${quoteIdentifier(column)}`)
  const joins = [
    ...(byId ? [`LEFT JOIN ${name} i ON i._id = r._given`] : []),
    ...(keys.length > 0
      ? [`LEFT JOIN ${name} k ON ${[...(byId ? ['r._given IS NULL'] : []), ...keys].join(' AND ')}`]
      : []),
  ]
  const targets = [...(byId ? ['i._id'] : []), ...(keys.length > 0 ? ['k._id'] : [])]
  const target = `coalesce(${[...targets, 'NULL::BIGINT'].join(', ')})`
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _resolved AS SELECT r.*, ${target} AS _target FROM temp._typed r ${joins.join(' ')}`,
  )
}

/** Several records of one row become one: the last word on each column wins. */
async function mergeDuplicates(
  session: Session,
  key: readonly string[],
  staged: readonly Column[],
  flags: boolean,
): Promise<void> {
  const id = 'coalesce(_target, _given)'
  const keys = key.map((column) => `CASE WHEN ${id} IS NULL THEN ${quoteIdentifier(column)} END`)
  // A null in the key never equals another: such records stay apart.
  const unkeyed = key.length > 0 ? key.map((column) => `${quoteIdentifier(column)} IS NULL`).join(' OR ') : 'TRUE'
  const grouping = [id, ...keys, `CASE WHEN ${id} IS NULL AND (${unkeyed}) THEN _row END`].join(', ')
  const [duplicate] =
    (await session.row(`SELECT 1 FROM temp._resolved GROUP BY ${grouping} HAVING count(*) > 1 LIMIT 1`)) ?? []
  if (duplicate === undefined) return
  const last = (column: string, flag: string | undefined) =>
    `last(${column} ORDER BY _row)${flag ? ` FILTER (${flag})` : ''} AS ${column}`
  const columns = staged.map(({ name }, index) => last(quoteIdentifier(name), flags ? `_has_${index}` : undefined))
  const merged = flags ? staged.map((_, index) => `bool_or(_has_${index}) AS _has_${index}`) : []
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _resolved AS SELECT min(_row) AS _row, any_value(_given) AS _given, any_value(_target) AS _target, ` +
      `${[...columns, ...merged].join(', ')} FROM temp._resolved GROUP BY ${grouping}`,
  )
}

async function refuseMissing(session: Session, key: readonly string[], byId: boolean): Promise<void> {
  const shown = ['_given', ...key.map(quoteIdentifier)].map((column) => `CAST(${column} AS VARCHAR)`)
  const missing = await session.row(
    `SELECT ${shown.join(', ')} FROM temp._resolved WHERE _target IS NULL ORDER BY _row LIMIT 1`,
  )
  if (!missing) return
  const [given, ...keys] = missing
  const names = byId && given !== null ? [ID_COLUMN] : key
  const values = byId && given !== null ? [given] : keys
  const shownKey = names.map((name, index) => `'${name}': ${values[index] === null ? 'None' : `'${values[index]}'`}`)
  throw new ValidationError({ key: [`key "{${shownKey.join(', ')}}" not found`] })
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

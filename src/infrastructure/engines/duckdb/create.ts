import { ConflictError, ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { TablePlan, Written } from '../engine.ts'
import { quoteIdentifier } from '../sql/quote.ts'
import type { Session } from './client.ts'
import { checkConstraints, checkRules, checkStoredRows } from './constraints.ts'
import { appendTyped, storedRecords } from './insert.ts'
import type { Scales, StoredTable } from './metadata.ts'
import { insertTable, nameHolder, updateTable } from './metadata.ts'
import { storageTypes } from './retype.ts'
import { stagedColumns, stageRecords } from './stage.ts'
import type { Store } from './store.ts'
import { CATALOG, commit, currentTable, dialectOf, nextRevision, nextTime, tableName, write } from './store.ts'

/** Makes a table or alters the stored one, and appends the plan's records: all of it or nothing. */
export async function createTable(store: Store, plan: TablePlan, signal?: AbortSignal): Promise<Written> {
  const written = await write(store, [CATALOG, plan.id], (session) => create(store, session, plan), signal)
  store.definitionChanged()
  return written
}

async function create(store: Store, session: Session, plan: TablePlan): Promise<Written> {
  const { records } = plan
  store.storage.checkNames(plan)
  // Whether a new table is new is asked once, where it is made.
  const known = plan.basedOn === undefined ? undefined : await currentTable(store, session, plan.id, plan.basedOn)
  const staged = records ? stagedColumns(plan.columns, records) : []
  const kept = keptScales(plan, known)
  const dialectFor = (scales: Scales) => dialectOf(store, { scales })
  const widened = records
    ? await stageRecords(store.writer, session, { columns: staged, records, scales: kept, stored: known, dialectFor })
    : {}
  const scales = { ...kept, ...widened }
  const dialect = dialectFor(scales)
  await checkRules(session, plan.columns, dialect)
  if (records) {
    await checkConstraints(session, staged, dialect)
    await store.storage.checkValues(session, staged)
  }

  const { table, affected, answered } = await commit(store, session, plan.id, async () => {
    const current = await currentTable(store, session, plan.id, plan.basedOn)
    const altered = plannedTable(plan, current, scales)
    await checkNames(session, plan)
    if (current) await alter(store, session, current, altered)
    if (!current) await session.run(`CREATE TABLE ${tableName(plan.id)} (${columnDefinitions(store, altered)})`)
    if (current && !sameList(current.primaryKey, altered.primaryKey)) await checkStoredKeys(session, altered)
    if (current) await checkStoredRows(session, current, altered, dialect)
    const table = records ? await append(session, altered, staged) : altered
    await (current ? updateTable(session, table) : insertTable(session, table))
    const answered =
      plan.includeRecords &&
      (await storedRecords(session, table, dialect, plan.includeRecords, `t._id >= ${altered.nextId}`))
    return { table, affected: table.count - altered.count, answered }
  })
  return { table, affected, ...(answered && { records: answered }), warnings: [] }
}

async function append(session: Session, table: StoredTable, staged: readonly Column[]): Promise<StoredTable> {
  const count = await appendTyped(session, table, staged)
  return { ...table, nextId: table.nextId + count, count: table.count + count }
}

export function plannedTable(
  plan: Omit<TablePlan, 'records'>,
  current: StoredTable | undefined,
  scales: Record<string, number>,
): StoredTable {
  const time = nextTime(current)
  const revision = nextRevision(current)
  return {
    id: plan.id,
    columns: plan.columns,
    primaryKey: plan.primaryKey,
    indexes: plan.indexes,
    schemaProperties: plan.schemaProperties,
    aliases: plan.aliases ?? current?.aliases ?? [],
    hasUpdatedAt: plan.hasUpdatedAt,
    scales,
    nextId: current?.nextId ?? 1,
    count: current?.count ?? 0,
    revision,
    schemaRevision: revision,
    createdAt: current?.createdAt ?? time,
    updatedAt: time,
  }
}

function keptScales(plan: TablePlan, current: StoredTable | undefined): Scales {
  const names = new Set(plan.columns.map(({ name }) => name))
  return Object.fromEntries(Object.entries(current?.scales ?? {}).filter(([name]) => names.has(name)))
}

export function columnDefinitions(store: Store, table: StoredTable): string {
  const dialect = dialectOf(store, table)
  const columns = table.columns.map(
    (column) => `${quoteIdentifier(column.name)} ${dialect.storage(dialect.stored(column))}`,
  )
  const updatedAt = table.hasUpdatedAt ? [`${UPDATED_AT_COLUMN} TIMESTAMPTZ`] : []
  return ['_id BIGINT NOT NULL', ...columns, ...updatedAt].join(', ')
}

/**
 * Brings the stored columns to the planned ones. Types change only where nothing is lost: the service has checked.
 */
async function alter(store: Store, session: Session, current: StoredTable, planned: StoredTable): Promise<void> {
  const before = storageTypes(current.columns, dialectOf(store, current))
  const after = storageTypes(planned.columns, dialectOf(store, planned))
  const dropped = [...before.keys()].filter((name) => !after.has(name))
  const added = [...after].filter(([name]) => !before.has(name))
  const retyped = [...after].filter(([name, type]) => before.has(name) && before.get(name) !== type)
  if (dropped.length + added.length + retyped.length === 0) return
  await store.fullText.noteReset(session.connection, planned.id, current.count)
  await store.storage.changeColumns(session, planned.id, { dropped, added: new Map(added), retyped: new Map(retyped) })
}

export async function checkNames(
  session: Session,
  { id, aliases, basedOn }: Pick<TablePlan, 'id' | 'aliases' | 'basedOn'>,
): Promise<void> {
  if (basedOn === undefined) {
    const holder = await nameHolder(session, id)
    // Whose it is would tell a caller of a table that it may not read.
    if (holder.table !== undefined || holder.alias !== undefined) {
      const what = holder.table !== undefined ? 'a table' : 'an alias of another table'
      throw new ConflictError(`The name "${id}" is taken by ${what}; upper and lower case don't tell names apart.`)
    }
  }
  for (const alias of aliases ?? []) {
    const holder = await nameHolder(session, alias)
    if (holder.table !== undefined || alias.toLowerCase() === id.toLowerCase()) {
      throw new ValidationError({ alias: [`"${alias}" already exists`] })
    }
    if (holder.alias !== undefined && holder.alias !== id) {
      throw new ValidationError({ alias: [`The alias "${alias}" already exists.`] })
    }
  }
}

async function checkStoredKeys(session: Session, { id, primaryKey }: StoredTable): Promise<void> {
  if (primaryKey.length === 0) return
  const keys = primaryKey.map(quoteIdentifier)
  const [duplicate] =
    (await session.row(
      `SELECT 1 FROM ${tableName(id)} WHERE ${keys.map((key) => `${key} IS NOT NULL`).join(' AND ')} ` +
        `GROUP BY ${keys.join(', ')} HAVING count(*) > 1 LIMIT 1`,
    )) ?? []
  if (duplicate !== undefined) {
    throw new ValidationError({
      constraints: ['Cannot insert records or create indexbecause of uniqueness constraint'],
    })
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

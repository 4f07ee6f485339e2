import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { UpsertPlan, Written } from '../engine.ts'
import { changeItem, rowStatements, tableParams, transaction } from './apply.ts'
import { checkConstraints, checkUnique } from './constraints.ts'
import { remember } from './external-writes.ts'
import type { LookedAt } from './look.ts'
import { findOwners, findRows, keyText } from './look.ts'
import type { StoredTable } from './metadata.ts'
import type { StagedRecord } from './records.ts'
import { stagedColumns, stageRecords } from './records.ts'
import { rowFormats } from './render.ts'
import type { Known, Resolved, RowChange } from './resolve.ts'
import { checkRequired, keyPositions, resolveRecords, withKeyColumns } from './resolve.ts'
import { withSource } from './stage.ts'
import type { Store } from './store.ts'
import { currentTable, now, write } from './store.ts'

/** Stores records by one of the three methods: all of them or none (contract §8.2). */
export async function upsertRecords(store: Store, plan: UpsertPlan, signal?: AbortSignal): Promise<Written> {
  return write(store, [plan.id], () => upsert(store, plan, signal), signal)
}

async function upsert(store: Store, plan: UpsertPlan, signal?: AbortSignal): Promise<Written> {
  const current = (await currentTable(store, plan.id, plan.basedOn, signal)) as StoredTable
  const staged = stagedColumns(current.columns, plan.records)
  const records = stageRecords(plan.records, staged)
  const resolved = await resolve(store, current, staged, records, plan.method, signal)
  const { changes, fresh, nextId } = resolved
  const after: StoredTable = {
    ...current,
    nextId,
    count: current.count + fresh,
    revision: current.revision + 1,
    updatedAt: now(),
  }
  const shown =
    plan.includeRecords && (await storedRecords(store, after, staged, resolved, plan.includeRecords, signal))
  const written: Written = { table: after, affected: changes.length, ...(shown && { records: shown }), warnings: [] }
  if (plan.dryRun) return { ...written, table: current }
  await apply(store, current, after, staged, resolved, signal)
  await remember(store, after)
  return written
}

/**
 * Checks records against the table and each other, and finds the row of each.
 *
 * @param stored - The table as it is now, where its columns are about to change.
 */
export async function resolve(
  store: Store,
  table: StoredTable,
  staged: readonly Column[],
  records: readonly StagedRecord[],
  method: UpsertPlan['method'],
  signal?: AbortSignal,
  stored: LookedAt = table,
): Promise<Resolved> {
  const { client } = store
  await checkConstraints(store, staged, records, signal)
  const resolved = resolveRecords(
    table,
    staged,
    records,
    method,
    await look(store, table, stored, staged, records, signal),
  )
  checkRequired(table, staged, resolved.changes)
  await checkUnique(client, { ...stored, count: table.count }, staged, resolved.changes, signal)
  return resolved
}

/** What the table has of the keys and `_id`s of records: at most two statements, none where records carry neither. */
async function look(
  { client }: Store,
  table: StoredTable,
  stored: LookedAt,
  staged: readonly Column[],
  records: readonly StagedRecord[],
  signal?: AbortSignal,
): Promise<Known> {
  const columns = withKeyColumns(table, staged)
  const positions = keyPositions(table, staged)
  const ids = table.count > 0 ? [...new Set(records.flatMap(({ id }) => id ?? []))] : []
  const rows = await findRows(client, stored, columns, ids, signal)
  const keysOfRows = new Map(
    [...rows].map(([id, cells]) => [id, keyText(positions.map((position) => cells[position]))] as const),
  )
  const wanted = table.count > 0 && positions.length > 0 ? wantedKeys(positions, records, rows) : []
  const key = positions.map((position) => columns[position] as Column)
  return { keys: await findOwners(client, stored, key, wanted, signal), rows, keysOfRows }
}

/** Every key that a row may have in the course of the records. */
function wantedKeys(
  positions: readonly number[],
  records: readonly StagedRecord[],
  rows: ReadonlyMap<string, readonly (string | null)[]>,
): string[] {
  const last = new Map<string, (string | null | undefined)[]>()
  const keys = new Set<string>()
  for (const { id, cells } of records) {
    const stored = id === undefined ? undefined : rows.get(id)
    const before = id === undefined ? undefined : (last.get(id) ?? positions.map((position) => stored?.[position]))
    const values = positions.map((position, index) =>
      cells[position] === undefined ? before?.[index] : cells[position],
    )
    const key = keyText(values)
    if (key !== undefined) keys.add(key)
    if (id !== undefined) last.set(id, values)
  }
  return [...keys]
}

/** Writes what was resolved. */
async function apply(
  store: Store,
  before: StoredTable,
  after: StoredTable,
  staged: readonly Column[],
  { changes, fresh }: Resolved,
  signal?: AbortSignal,
): Promise<void> {
  await withSource(store, changes.map(changeItem), async (source) => {
    const statements = rowStatements(after, staged, source, { fresh, matched: changes.length - fresh })
    await store.client.script(transaction(before, after, statements), {
      params: { ...tableParams(after), ...source.params },
      signal,
    })
  })
}

/** The written rows as they then stand, in `_id` order: JSON objects, separated by commas. */
export async function storedRecords(
  store: Store,
  table: StoredTable,
  staged: readonly Column[],
  { changes }: Pick<Resolved, 'changes'>,
  shown: readonly Column[],
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const others = shown.filter(({ name }) => name !== ID_COLUMN)
  const matched = changes.filter(({ exists }) => exists).map(({ id }) => id)
  const stored = await findRows(store.client, table, others, matched, signal)
  const writer = rowFormats.objects.writer(shown, { msInTimestamp: store.config.msInTimestamp })
  const cellOf = (column: Column, change: RowChange) => {
    if (column.name === ID_COLUMN) return change.id
    if (column.name === UPDATED_AT_COLUMN) return String(BigInt(Date.parse(table.updatedAt)) * 1000n)
    const cell = change.cells[staged.findIndex(({ name }) => name === column.name)]
    return cell === undefined ? (stored.get(change.id)?.[others.indexOf(column)] ?? null) : cell
  }
  const ordered = [...changes].sort((a, b) => Number(a.id) - Number(b.id))
  const lines = ordered.map((change) => writer(shown.map((column) => cellOf(column, change))))
  return new TextEncoder().encode(lines.join(rowFormats.objects.separator))
}

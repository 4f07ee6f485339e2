import type { Loaded, LoadPlan } from '../../engine.ts'
import { tableParams, transaction } from '../apply.ts'
import { checkNames } from '../check-names.ts'
import { checkRules } from '../constraints.ts'
import { translateFailure } from '../failures.ts'
import { makeTable } from '../make.ts'
import type { StoredTable } from '../metadata.ts'
import { definitionText } from '../metadata.ts'
import { declaresAnew, plannedTable } from '../planned-table.ts'
import { dropping } from '../stage-table.ts'
import type { Store } from '../store.ts'
import { CATALOG, currentTable, now, write } from '../store.ts'
import { checkRows } from './check-rows.ts'
import type { LoadedRows } from './loaded-rows.ts'
import { appended, merged, writeStatements } from './loaded-rows.ts'
import { replaceRows } from './replace.ts'
import type { StagedFile } from './stage-file.ts'
import { stageFile } from './stage-file.ts'

/**
 * Loads a received file. It is read, checked and staged before the table's turn to be written comes, so that other
 * writes wait for the transaction alone.
 */
export async function loadFile(store: Store, plan: LoadPlan, signal?: AbortSignal): Promise<Loaded> {
  const { id, basedOn } = plan
  try {
    const known = await currentOf(store, plan, signal)
    if (declaresAnew(plan.columns, known)) await checkRules(store.client, plan.columns, signal)
    const staged = await stageFile(store, plan, signal)
    return await dropping(staged, async () => {
      const names = basedOn === undefined ? [CATALOG, id] : [id]
      const loaded = await write(store, names, () => commit(store, plan, staged, signal), signal)
      return { ...loaded, ...(await keepRejected(store, plan, staged)) }
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw translateFailure(error)
  }
}

async function currentOf(store: Store, plan: LoadPlan, signal?: AbortSignal): Promise<StoredTable | undefined> {
  return plan.basedOn === undefined ? undefined : currentTable(store, plan.id, plan.basedOn, signal)
}

async function commit(store: Store, plan: LoadPlan, staged: StagedFile, signal?: AbortSignal): Promise<Loaded> {
  const current = await currentOf(store, plan, signal)
  const planned = tableAfter(plan, staged, current)
  await checkNames(store, plan, signal)
  const before = plan.method === 'replace' ? 0 : (current?.count ?? 0)
  const rows =
    plan.method === 'upsert' ? await merged(store, planned, staged, before > 0, signal) : appended(planned, staged)
  return dropping(rows, async () => {
    await checkRows(store.client, planned, rows, before > 0, signal)
    const after = { ...planned, nextId: planned.nextId + rows.fresh, count: before + rows.fresh }
    await writeRows(store, current, after, rows, plan, signal)
    store.tables.set(after)
    const { rejected, badCells } = staged
    return { table: after, affected: rows.fresh + rows.matched, rejected, badCells, warnings: [] }
  })
}

/** The table as it is to be, without the rows. */
function tableAfter(plan: LoadPlan, staged: StagedFile, current: StoredTable | undefined): StoredTable {
  if (current && plan.method !== 'replace') return { ...current, revision: current.revision + 1, updatedAt: now() }
  const found = new Map(staged.columns.map((column) => [column.name, column]))
  const columns = plan.columns.map((column) => found.get(column.name) ?? column)
  const planned = plannedTable({ ...plan, columns }, current)
  const isSame = current && definitionText(current) === definitionText(planned)
  return isSame ? { ...planned, schemaRevision: current.schemaRevision } : planned
}

async function writeRows(
  store: Store,
  current: StoredTable | undefined,
  after: StoredTable,
  rows: LoadedRows,
  { method }: LoadPlan,
  signal?: AbortSignal,
): Promise<void> {
  if (current && method === 'replace') return replaceRows(store, current, after, rows, signal)
  const statements = writeStatements(after, rows, current?.nextId ?? 1)
  if (!current) return makeTable(store, after, statements, { from: rows.from, params: {} }, signal)
  await store.client.script(transaction(current, after, statements), { params: tableParams(after), signal })
}

const NOT_KEPT = 'The rows that were left out are not kept as a file: there is no room for all of them.'

/** After the commit, which stands whatever becomes of the file. */
async function keepRejected(store: Store, { id }: LoadPlan, { left }: StagedFile): Promise<Partial<Loaded>> {
  if (!left) return {}
  const { path, bytes } = left
  const files = await store.files.rejectedFiles()
  const rejectedFile = bytes === undefined ? undefined : await files.keep(id, { path, bytes })
  return rejectedFile === undefined ? { warnings: [NOT_KEPT] } : { rejectedFile }
}

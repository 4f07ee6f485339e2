import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Loaded, LoadPlan } from '../../engine.ts'
import { StaleSchema } from '../../engine.ts'
import type { Session } from '../client.ts'
import { checkConstraints, checkRules } from '../constraints.ts'
import { checkNames, columnDefinitions, plannedTable } from '../create.ts'
import { translateFailure } from '../failures.ts'
import { appendTyped } from '../insert.ts'
import type { Scales, StoredTable } from '../metadata.ts'
import { insertTable, scaleOf, updateTable } from '../metadata.ts'
import { storageTypes } from '../retype.ts'
import { dropStage } from '../stage.ts'
import type { Store } from '../store.ts'
import { CATALOG, commit, currentTable, dialectOf, tableName } from '../store.ts'
import { merge } from '../upsert.ts'
import { dropRejects } from './bad-records.ts'
import { withTypes } from './source.ts'
import type { Staged } from './stage.ts'
import { dropFile, stageFile } from './stage.ts'

/**
 * Loads a received file. It is read and checked before the table's turn to be written comes, so that other writes
 * wait for the transaction alone.
 */
export async function loadFile(
  store: Store,
  plan: LoadPlan,
  checkHeadroom: (bytes: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<Loaded> {
  const { writer, queue, rejectedFiles } = store
  store.storage.checkNames(plan)
  const rejectedFile = {
    path: join(writer.folders.export, `${randomUUID()}.csv`),
    hasRoom: async (bytes: number) => {
      if (!rejectedFiles?.hasRoom(bytes)) return false
      await checkHeadroom(bytes)
      return true
    },
  }
  const { session, release } = await writer.patientSession(signal)
  const turn = <T>(work: () => Promise<T>) => writer.turn(work, signal)
  try {
    const current = await turn(() => currentTable(store, session, plan.id, plan.basedOn))
    const keepsRows = plan.method === 'replace' ? undefined : current
    const scales = keepsRows?.scales ?? {}
    const dialectFor = (scales: Scales) => dialectOf(store, { scales })
    const staged = await turn(async () => {
      await checkRules(session, plan.columns, dialectFor(scales))
      const staged = await stageFile(session, {
        plan,
        source: await withTypes(session, plan.source),
        stored: keepsRows,
        scales,
        dialectFor,
        rejectedFile,
      })
      await checkConstraints(session, staged.columns, dialectFor(staged.scales))
      await store.storage.checkValues(session, staged.columns)
      return staged
    })
    const names = current ? [plan.id] : [CATALOG, plan.id]
    const write = async () => {
      const loaded = await turn(() => commitLoad(store, session, plan, staged, scales))
      return { ...loaded, ...(await keepRejected(store, plan, staged, rejectedFile.path, signal)) }
    }
    const loaded = await queue.run(names, write, signal)
    if (!current || plan.method === 'replace') store.definitionChanged()
    return loaded
  } catch (error) {
    signal?.throwIfAborted()
    throw translateFailure(error)
  } finally {
    if (!signal?.aborted) await forget(session)
    release()
    await rm(rejectedFile.path, { force: true })
  }
}

const NOT_KEPT = 'The rows that were left out are not kept as a file: there is no room for all of them.'

/** After the commit, which stands whatever becomes of the file, and before anybody else's turn to drop the table. */
async function keepRejected(
  { rejectedFiles }: Store,
  { id, rejects }: LoadPlan,
  { rejected, rejectedBytes: bytes }: Staged,
  path: string,
  signal?: AbortSignal,
): Promise<Partial<Loaded>> {
  if ((rejected === 0 && !rejects) || signal?.aborted) return {}
  const file = bytes === undefined ? undefined : await rejectedFiles?.keep(id, { path, bytes })
  return file === undefined ? { warnings: [NOT_KEPT] } : { rejectedFile: file }
}

async function forget(session: Session): Promise<void> {
  await dropFile(session)
  await dropStage(session)
  await dropRejects(session)
}

async function commitLoad(
  store: Store,
  session: Session,
  plan: LoadPlan,
  staged: Staged,
  stagedFor: Scales,
): Promise<Loaded> {
  const types = new Map(staged.columns.map((column) => [column.name, column]))
  const columns = plan.columns.map((column) => types.get(column.name) ?? column)
  const { table, affected } = await commit(store, session, plan.id, async () => {
    const current = await currentTable(store, session, plan.id, plan.basedOn)
    if (current && plan.method !== 'replace' && JSON.stringify(current.scales) !== JSON.stringify(stagedFor)) {
      throw new StaleSchema(`the numbers of table ${plan.id} have got more digits`)
    }
    const asked: StoredTable = plannedTable({ ...plan, columns }, current, staged.scales)
    await checkNames(session, plan)
    const written =
      current && plan.method !== 'replace'
        ? await addRows(store, session, { ...asked, schemaRevision: current.schemaRevision }, current, plan, staged)
        : await fill(store, session, asked, current, staged)
    await (current ? updateTable : insertTable)(session, written.table)
    return written
  })
  return { table, affected, rejected: staged.rejected, badCells: staged.badCells, warnings: [] }
}

interface Rows {
  table: StoredTable
  affected: number
}

/** A new table, or all rows of a stored one anew. */
async function fill(
  store: Store,
  session: Session,
  asked: StoredTable,
  current: StoredTable | undefined,
  staged: Staged,
): Promise<Rows> {
  if (current) {
    await store.fullText.noteReset(session.connection, asked.id, current.count)
    await session.run(`DROP TABLE ${tableName(asked.id)}`)
  }
  await session.run(`CREATE TABLE ${tableName(asked.id)} (${columnDefinitions(store, asked)})`)
  const affected = await appendTyped(session, asked, staged.columns)
  return { affected, table: { ...asked, nextId: asked.nextId + affected, count: affected } }
}

async function addRows(
  store: Store,
  session: Session,
  table: StoredTable,
  current: StoredTable,
  { method }: LoadPlan,
  staged: Staged,
): Promise<Rows> {
  const widened = table.columns.filter(({ name }) => scaleOf(table.scales, name) !== scaleOf(current.scales, name))
  if (widened.length > 0) await store.fullText.noteReset(session.connection, table.id, current.count)
  await store.storage.changeColumns(session, table.id, {
    retyped: storageTypes(widened, dialectOf(store, table)),
  })
  if (method === 'insert') {
    const affected = await appendTyped(session, table, staged.columns)
    return { affected, table: { ...table, nextId: table.nextId + affected, count: table.count + affected } }
  }
  const [count] = (await session.row('SELECT count(*) FROM temp._loaded')) ?? []
  const records = { count: Number(count), columns: staged.columns.map(({ name }) => name), shapeOf: [] }
  const { affected, after } = await merge(store, session, table, staged.columns, { method: 'upsert', records })
  return { affected, table: after }
}

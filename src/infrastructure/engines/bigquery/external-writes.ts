import { ConflictError } from '../../../core/errors.ts'
import { definitionStatements, forgetScript, tableParams, transaction } from './apply.ts'
import type { FieldChanges } from './fields.ts'
import { fieldChanges, idProblem } from './fields.ts'
import type { StoredTable } from './metadata.ts'
import { readState, readTable } from './metadata.ts'
import { quoteName, stateOf, tableOf } from './names.ts'
import { lockStatements, runLocked } from './schema-lock.ts'
import type { Store } from './store.ts'
import { now, write } from './store.ts'
import type { SeenTable } from './table-cache.ts'
import type { TableInfo } from './table-info.ts'

/** How long a table is taken for unchanged after it was last looked at. */
const TRUSTED_MS = 10_000
/** How much later than the state row says a write of ours may have ended: its statements take their time, clocks differ. */
const SLACK_MS = 30_000
/** Columns that came or changed so short a while ago may be a write of another process, whose definition follows. */
const SETTLED_MS = 10_000

/**
 * The table as it is: asks Google, at no cost, when it was last changed; at most every ten seconds.
 *
 * @param justRead - `seen` has come from the dataset this moment: it need not be read again.
 */
export async function checked(store: Store, seen: SeenTable, justRead = false): Promise<StoredTable | undefined> {
  const isTrusted = !store.config.bigqueryExternalWrites || Date.now() - seen.checkedAt < TRUSTED_MS
  if (!isTrusted) {
    seen.looking ??= look(store, seen, justRead).finally(() => {
      seen.looking = undefined
    })
    return seen.looking
  }
  if (seen.problem !== undefined) throw new ConflictError(seen.problem)
  return seen.table
}

/** Keeps a table as this process has just written it, and Google's time of that write. It is read at once, at no cost. */
export async function remember(store: Store, table: StoredTable): Promise<void> {
  const { client, tables, config, logger } = store
  const seen = tables.set(table)
  if (!config.bigqueryExternalWrites) return
  try {
    const info = await client.tableInfo(tableOf(table.id), { role: 'write' })
    // With other rows than ours somebody else was here since: the next look counts them.
    if (!info || seen.table.revision !== table.revision || info.rows !== table.count) return
    const there = new Set(info.fields.map(({ name }) => name.toLowerCase()))
    seen.table = { ...seen.table, removed: table.removed.filter((name) => there.has(name.toLowerCase())) }
    seen.lastModifiedTime = info.lastModifiedTime
  } catch (error) {
    logger.debug('the time of a write is not known; the next look counts rows', {
      resource: table.id,
      error: String(error),
    })
  } finally {
    seen.checkedAt = Date.now()
  }
}

async function look(store: Store, seen: SeenTable, justRead: boolean): Promise<StoredTable | undefined> {
  const { client, tables } = store
  const startedAt = Date.now()
  const { id } = seen.table
  const info = await client.tableInfo(tableOf(id))
  if (!info) {
    tables.delete(id)
    return undefined
  }
  const known = tables.get(id) ?? seen
  if (known.lastModifiedTime === info.lastModifiedTime) return found(known, info.lastModifiedTime)
  const read = justRead ? seen.table : await readTable(client, id)
  if (!read) {
    tables.delete(id)
    return undefined
  }
  const isNew = known.table.revision !== read.revision
  const current = tables.set(read)
  const problem = idProblem(info.fields)
  if (problem !== undefined) {
    Object.assign(current, { checkedAt: Date.now(), problem: `The table "${id}" can't be used: ${problem}.` })
    store.logger.warning('a table that somebody else has written can not be used', { resource: id, problem })
    throw new ConflictError(current.problem as string)
  }
  current.problem = undefined
  const changes = fieldChanges(read, info.fields)
  if (changes && !isSettled(changes, info)) return found(current, undefined)
  if (!changes && isOwnWrite(known, read, info, isNew)) return found(current, info.lastModifiedTime)
  return takeUp(store, read, info, startedAt)
}

function found(seen: SeenTable, lastModifiedTime: number | undefined): StoredTable {
  seen.checkedAt = Date.now()
  seen.lastModifiedTime = lastModifiedTime
  return seen.table
}

/** A column that is gone is gone; what came may be half of a write that another process is about to end. */
function isSettled({ dropped, unshown }: FieldChanges, { lastModifiedTime }: TableInfo): boolean {
  return dropped.length + unshown.length > 0 || Date.now() - lastModifiedTime >= SETTLED_MS
}

/** Whether the table's last change was made by this service, in this process or another. */
function isOwnWrite(known: SeenTable, read: StoredTable, info: TableInfo, isNew: boolean): boolean {
  if (!isNew && known.lastModifiedTime !== undefined) return false
  return info.rows === read.count && info.lastModifiedTime <= Date.parse(read.updatedAt) + SLACK_MS
}

/** Counts again what somebody else has written, takes its columns up, and moves the revision on. */
async function takeUp(
  store: Store,
  read: StoredTable,
  info: TableInfo,
  startedAt: number,
): Promise<StoredTable | undefined> {
  const { client, tables, logger } = store
  const { id } = read
  return write(store, [id], async () => {
    const seen = tables.get(id)
    // A write of this process came first, and has looked since.
    if (seen && seen.checkedAt > startedAt) return seen.table
    const before = await readTable(client, id)
    if (before?.id !== id) {
      tables.delete(id)
      return undefined
    }
    const changes = fieldChanges(before, info.fields)
    const rows = await countRows(store, id)
    const revision = before.revision + 1
    const after: StoredTable = {
      ...(changes?.table ?? before),
      count: rows.count,
      nextId: Math.max(before.nextId, rows.highestId + 1),
      revision,
      schemaRevision: changes ? revision : before.schemaRevision,
      updatedAt: now(),
    }
    const statements = changes ? definitionStatements(after, false) : []
    await client.script(transaction(before, after, statements), { params: tableParams(after) })
    const { added, dropped, retyped, unshown } = changes ?? {}
    logger.info('somebody else has written to a table', { resource: id, rows: after.count, added, dropped, retyped })
    if (unshown?.length) logger.warning('columns of a table can not be shown', { resource: id, columns: unshown })
    if (rows.withoutId > 0)
      logger.warning('rows of a table have no _id: no call can change or delete them alone', {
        resource: id,
        rows: rows.withoutId,
      })
    return found(tables.set(after), info.lastModifiedTime)
  })
}

/**
 * Forgets a table that somebody else has dropped, so that its name is free again.
 *
 * @returns Whether it is gone.
 */
export async function forgetDropped(store: Store, id: string): Promise<boolean> {
  const { client, config, logger } = store
  if (!config.bigqueryExternalWrites) return false
  // Read first: a table that another process makes from now on has another revision.
  const state = await readState(client, id)
  if (await client.tableInfo(tableOf(id), { role: 'write' })) return false
  logger.warning('a table that somebody else has dropped is forgotten', { resource: id })
  if (!state) {
    await client.script(forgetScript(), { params: { resource_id: id } })
    return true
  }
  const script = [
    ...lockStatements(id, `revision = ${state.revision}`, 'stale').map((statement) => `${statement};`),
    forgetScript(),
    `DROP TABLE IF EXISTS ${quoteName(stateOf(id))};`,
  ].join('\n')
  await runLocked(store, { id }, script, { resource_id: id })
  return true
}

/** Scans `_id` alone. */
export async function countRows(
  { client }: Pick<Store, 'client'>,
  id: string,
): Promise<{ count: number; withoutId: number; highestId: number }> {
  const sql = `SELECT COUNT(*), COUNTIF(_id IS NULL), IFNULL(MAX(_id), 0) FROM ${quoteName(tableOf(id))}`
  const { rows } = await client.query(sql, { role: 'write' })
  const [count, withoutId, highestId] = (rows[0]?.f ?? []).map(({ v }) => Number(v))
  return { count: count ?? 0, withoutId: withoutId ?? 0, highestId: highestId ?? 0 }
}

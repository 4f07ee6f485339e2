import { ConflictError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { attempt, definitionStatements, tableParams, transaction } from './apply.ts'
import { takenAlias } from './check-names.ts'
import { columnDefinition, declaredKey, descriptionStatements, tableDefinition } from './definition.ts'
import { quoteString } from './literal.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import { sameList } from './planned-table.ts'
import { HELD, lockStatements, runLocked, unlockStatement } from './schema-lock.ts'
import type { Store } from './store.ts'
import { castType, storageType } from './types.ts'

/** What is done to a table's columns around a transaction; BigQuery does neither inside of one. */
export interface ColumnChanges {
  before: readonly string[]
  after: readonly string[]
  /** What is done where `after` can't be: what was deleted must not be read, in SQL neither. */
  emptied?: readonly string[]
  /** What changes the descriptions of the table and its columns; the write holds without. */
  described?: readonly string[]
  /** What brings the table back where `before` was done, or a part of it, and the write was not. */
  takeBack?: readonly string[]
}

/**
 * Writes in one transaction, and changes the table's columns around it: what is new comes before, what is gone goes after,
 * so that no definition names a column that is not there. One script; where columns change, under the lock of the table.
 */
export async function writeWithChanges(
  store: Store,
  current: StoredTable,
  after: StoredTable,
  changes: ColumnChanges,
  statements: readonly string[],
  values: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<void> {
  const { id } = after
  const params = { ...tableParams(after), ...values }
  const isHeld = changes.before.length > 0
  const isUndone = `EXISTS (SELECT 1 FROM ${quoteName(stateOf(id))} WHERE ${HELD} AND revision = ${current.revision})`
  const { takeBack = [], emptied = [], described = [] } = changes
  const onFailure = [
    ...(takeBack.length > 0 ? [`IF ${isUndone} THEN`, ...takeBack.map((statement) => `${statement};`), 'END IF;'] : []),
    `${unlockStatement(id)};`,
  ].join('\n')
  const staysLocked = changes.after.length > 0 || described.length > 0
  try {
    if (!isHeld && !staysLocked) {
      await store.client.script(transaction(current, after, statements), { params, signal })
      return
    }
    const locking = isHeld ? lockStatements(id, `revision = ${current.revision}`, 'stale') : []
    const script = [
      'BEGIN',
      ...[...locking, ...changes.before].map((statement) => `${statement};`),
      transaction(current, after, statements, { isHeld, staysLocked }),
      // The write is done: columns that nobody names any more may stay, and so may what people read of them.
      ...(changes.after.length > 0 ? attempt(changes.after, attempt(emptied)) : []),
      ...(described.length > 0 ? attempt(described) : []),
      ...(staysLocked ? [`${unlockStatement(id)};`] : []),
      'EXCEPTION WHEN ERROR THEN',
      onFailure,
      'RAISE;',
      'END;',
    ].join('\n')
    signal?.throwIfAborted()
    await runLocked(store, after, script, params, { onFailure })
  } catch (error) {
    throw takenAlias(error, after)
  }
}

/** Brings the columns of the stored table to the planned ones, and writes. */
export async function alterTable(
  store: Store,
  current: StoredTable,
  after: StoredTable,
  statements: readonly string[],
  values: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<void> {
  const { added, dropped, retyped } = columnDifferences(current, after)
  const isRewritten = retyped.length > 0 || keyIsDropped(current, dropped)
  const before = isRewritten
    ? rewriteStatements(current, after, retyped)
    : [
        ...(await addedColumnStatements(store, current, after, added, signal)),
        ...(sameList(current.primaryKey, after.primaryKey) ? [] : keyStatements(current, after)),
      ]
  const written = [...statements, ...definitionStatements(after, !sameList(current.aliases, after.aliases))]
  const changes = {
    before,
    ...droppedColumnChanges(after.id, dropped),
    ...(isRewritten
      ? { takeBack: takeBackStatements(current, retyped) }
      : { described: descriptionStatements(current, after) }),
  }
  await writeWithChanges(store, current, after, changes, written, values, signal)
}

/** Columns that one table has and the other has not, and those of the latter whose storage differs. */
export function columnDifferences(current: StoredTable, after: StoredTable) {
  const stored = new Map(current.columns.map((column) => [column.name, column]))
  const names = new Set(after.columns.map(({ name }) => name))
  return {
    added: after.columns.filter(({ name }) => !stored.has(name)),
    dropped: current.columns.filter(({ name }) => !names.has(name)),
    retyped: after.columns.filter(({ name, type }) => {
      const known = stored.get(name)
      return known !== undefined && storageType(known.type) !== storageType(type)
    }),
  }
}

export function keyIsDropped(current: StoredTable, dropped: readonly Column[]): boolean {
  return dropped.some(({ name }) => current.primaryKey.includes(name))
}

function keyStatements(current: StoredTable, after: StoredTable): string[] {
  const table = quoteName(tableOf(after.id))
  const key = declaredKey(after)
  return [
    ...(declaredKey(current) !== undefined ? [`ALTER TABLE ${table} DROP PRIMARY KEY IF EXISTS`] : []),
    ...(key !== undefined ? [`ALTER TABLE ${table} ADD PRIMARY KEY (${key}) NOT ENFORCED`] : []),
  ]
}

/** Few statements, because Google takes only five changes of a table's columns in ten seconds. */
export async function addedColumnStatements(
  { client }: Pick<Store, 'client'>,
  current: StoredTable,
  after: StoredTable,
  added: readonly Column[],
  signal?: AbortSignal,
): Promise<string[]> {
  const withTime = after.hasUpdatedAt && !current.hasUpdatedAt
  if (added.length === 0 && !withTime) return []
  const table = quoteName(tableOf(after.id))
  // An interrupted call may have left a column, with values.
  const info = await client.tableInfo(tableOf(after.id), { role: 'write', signal })
  const there = new Set(info?.fields.map(({ name }) => name.toLowerCase()))
  const names = added.map(({ name }) => storedColumn(name))
  checkHidden(after, names, there)
  const left = names.filter((name) => there.has(name.toLowerCase()))
  const parts = [
    ...added.map((column) => `ADD COLUMN ${columnDefinition(column)}`),
    ...(withTime ? [`ADD COLUMN IF NOT EXISTS ${UPDATED_AT_COLUMN} TIMESTAMP`] : []),
  ]
  return [
    ...(left.length > 0 ? [dropStatement(after.id, left)] : []),
    `ALTER TABLE ${table} ${parts.join(', ')}`,
    ...(withTime
      ? [`UPDATE ${table} SET ${UPDATED_AT_COLUMN} = TIMESTAMP '${after.updatedAt}' WHERE ${UPDATED_AT_COLUMN} IS NULL`]
      : []),
  ]
}

/** Columns of others stay as they are, even where they can't be shown. */
function checkHidden({ id, hidden }: StoredTable, names: readonly string[], there: ReadonlySet<string>): void {
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const taken = hidden.find((name) => wanted.has(name.toLowerCase()) && there.has(name.toLowerCase()))
  if (taken === undefined) return
  throw new ConflictError(
    `The table "${id}" has a column "${taken}" that this service did not make and does not show. Choose another name.`,
  )
}

/** What is done to columns that nobody names any more; BigQuery keeps those that a table is clustered by. */
export function droppedColumnChanges(
  id: string,
  dropped: readonly Column[],
): Required<Pick<ColumnChanges, 'after' | 'emptied'>> {
  if (dropped.length === 0) return { after: [], emptied: [] }
  const names = dropped.map(({ name }) => storedColumn(name))
  const nulls = names.map((name) => `${quoteName(name)} = NULL`).join(', ')
  // As a text: whether the columns are there is known only when it runs.
  const empty = quoteString(`UPDATE ${quoteName(tableOf(id))} SET ${nulls} WHERE TRUE`)
  return { after: [dropStatement(id, names)], emptied: [`EXECUTE IMMEDIATE ${empty}`] }
}

function dropStatement(id: string, names: readonly string[]): string {
  const parts = names.map((name) => `DROP COLUMN IF EXISTS ${quoteName(name)}`)
  return `ALTER TABLE ${quoteName(tableOf(id))} ${parts.join(', ')}`
}

/** Refuses what would write a table anew that has columns which this service does not show: it would lose them. */
export function checkNothingHidden({ id, hidden }: StoredTable): void {
  if (hidden.length === 0) return
  const columns = hidden.map((name) => `"${name}"`).join(', ')
  throw new ConflictError(
    `The table "${id}" has columns that this service does not show and would lose by this change: ${columns}.`,
  )
}

/** The table anew with other types or without columns that it was clustered by; readers see the old one until it is whole. */
function rewriteStatements(current: StoredTable, after: StoredTable, retyped: readonly Column[]): string[] {
  checkNothingHidden(current)
  const table = quoteName(tableOf(after.id))
  const stored = new Set(current.columns.map(({ name }) => name))
  const cells = after.columns.map((column) => {
    const name = quoteName(storedColumn(column.name))
    if (!stored.has(column.name)) return `CAST(NULL AS ${castType(column.type)}) AS ${name}`
    return retyped.includes(column) ? `CAST(t.${name} AS ${castType(column.type)}) AS ${name}` : `t.${name}`
  })
  const time = after.hasUpdatedAt
    ? [current.hasUpdatedAt ? `t.${UPDATED_AT_COLUMN}` : `CAST(NULL AS TIMESTAMP) AS ${UPDATED_AT_COLUMN}`]
    : []
  const { dropped } = columnDifferences(current, after)
  const kept = dropped.map(({ name }) => `t.${quoteName(storedColumn(name))}`)
  const definition = tableDefinition({ ...after, columns: [...after.columns, ...dropped] })
  const rows = `SELECT ${['t._id', ...cells, ...kept, ...time].join(', ')} FROM rewritten AS t`
  return [
    `CREATE TEMP TABLE rewritten AS SELECT * FROM ${table}`,
    `CREATE OR REPLACE TABLE ${table} ${definition} AS ${rows}`,
  ]
}

/** The table with the types that it had, where it may have others by now; columns that came are left out. */
function takeBackStatements(current: StoredTable, retyped: readonly Column[]): string[] {
  const table = quoteName(tableOf(current.id))
  const changed = new Set(retyped.map(({ name }) => name))
  const cells = current.columns.map(({ name, type }) => {
    const cell = `t.${quoteName(storedColumn(name))}`
    return changed.has(name) ? `CAST(${cell} AS ${castType(type)}) AS ${quoteName(storedColumn(name))}` : cell
  })
  const time = current.hasUpdatedAt ? [`t.${UPDATED_AT_COLUMN}`] : []
  return [
    `CREATE TEMP TABLE taken_back AS SELECT * FROM ${table}`,
    `CREATE OR REPLACE TABLE ${table} ${tableDefinition(current)} AS SELECT ${['t._id', ...cells, ...time].join(', ')} FROM taken_back AS t`,
  ]
}

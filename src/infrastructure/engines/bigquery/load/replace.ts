import type { Column } from '../../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../../core/table-schema.ts'
import {
  addedColumnStatements,
  checkNothingHidden,
  columnDifferences,
  droppedColumnChanges,
  keyIsDropped,
  writeWithChanges,
} from '../alter.ts'
import { definitionStatements, STATE_ASSIGNMENTS, tableParams, transaction } from '../apply.ts'
import { descriptionStatements, tableDefinition } from '../definition.ts'
import type { StoredTable } from '../metadata.ts'
import { definitionText } from '../metadata.ts'
import { METADATA, quoteName, stateOf, tableOf } from '../names.ts'
import { sameList } from '../planned-table.ts'
import { HELD, runLocked, UNLOCK, unlockStatement } from '../schema-lock.ts'
import type { Store } from '../store.ts'
import { castType } from '../types.ts'
import type { LoadedRows } from './loaded-rows.ts'
import { nameOf, writeStatements } from './loaded-rows.ts'

/** Swaps all rows of a table, at once: readers see the old ones until the new ones are whole. */
export async function replaceRows(
  store: Store,
  before: StoredTable,
  after: StoredTable,
  rows: LoadedRows,
  signal?: AbortSignal,
): Promise<void> {
  const { added, dropped, retyped } = columnDifferences(before, after)
  if (retyped.length > 0 || !sameList(before.primaryKey, after.primaryKey) || keyIsDropped(before, dropped))
    return replaceTable(store, before, after, rows, signal)
  const changes = {
    before: await addedColumnStatements(store, before, after, added, signal),
    ...droppedColumnChanges(after.id, dropped),
    described: descriptionStatements(before, after),
  }
  const statements = [
    `TRUNCATE TABLE ${quoteName(tableOf(after.id))}`,
    ...writeStatements(after, rows, before.nextId),
    ...(definitionText(before) === definitionText(after) ? [] : definitionStatements(after, false)),
  ]
  await writeWithChanges(store, before, after, changes, statements, {}, signal)
}

/**
 * A table of other types can't be swapped inside of a transaction. The definition goes first, so that of two writers one
 * meets the other there, and comes back when the table can't follow. Until it does, readers find that the state row is
 * ahead of the table, and wait.
 */
async function replaceTable(
  store: Store,
  before: StoredTable,
  after: StoredTable,
  rows: LoadedRows,
  signal?: AbortSignal,
): Promise<void> {
  checkNothingHidden(before)
  const time = after.hasUpdatedAt ? [`TIMESTAMP '${after.updatedAt}' AS ${UPDATED_AT_COLUMN}`] : []
  const carried = new Set(rows.columns.map(({ name }) => name))
  const cells = after.columns.map((column) => `${cellOf(column, carried)} AS ${nameOf(column)}`)
  const table =
    `CREATE OR REPLACE TABLE ${quoteName(tableOf(after.id))} ${tableDefinition(after)} AS ` +
    `SELECT ${[`${before.nextId} + s._at AS _id`, ...cells, ...time].join(', ')} FROM ${rows.from} AS s`
  const script = [
    transaction(before, after, definitionStatements(after, false), { staysLocked: true }),
    'BEGIN',
    `${table};`,
    'EXCEPTION WHEN ERROR THEN',
    takeBackScript(before, after),
    'RAISE;',
    'END;',
    `${unlockStatement(after.id)};`,
  ].join('\n')
  const old = Object.entries(tableParams(before)).map(([name, value]) => [`before_${name}`, value])
  signal?.throwIfAborted()
  await runLocked(
    store,
    after,
    script,
    { ...tableParams(after), ...Object.fromEntries(old) },
    { isAhead: true, onFailure: afterStopScript(before, after) },
  )
}

/** The definition and the state as they were; `@before_…` parameters are those of the table before. */
function takeBackScript(before: StoredTable, after: StoredTable): string {
  return [
    'BEGIN TRANSACTION;',
    `UPDATE ${METADATA} SET definition = @before_definition, schema_revision = ${before.schemaRevision} ` +
      `WHERE resource_id = @resource_id AND schema_revision = ${after.schemaRevision};`,
    `UPDATE ${quoteName(stateOf(after.id))} SET ${STATE_ASSIGNMENTS.replaceAll('@', '@before_')}, ${UNLOCK} WHERE ${HELD};`,
    'COMMIT TRANSACTION;',
  ].join('\n')
}

/**
 * Google has ended the script between its statements, where no handler runs: the rows tell whether they were swapped,
 * because an `_id` is never handed out twice.
 */
function afterStopScript(before: StoredTable, after: StoredTable): string {
  const rows = `SELECT 1 FROM ${quoteName(tableOf(after.id))}`
  const isOld = after.count > 0 ? `NOT EXISTS (${rows} WHERE _id >= ${before.nextId})` : `EXISTS (${rows})`
  return [
    `IF EXISTS (SELECT 1 FROM ${quoteName(stateOf(after.id))} WHERE ${HELD}) THEN`,
    `IF ${isOld} THEN`,
    takeBackScript(before, after),
    'ELSE',
    `${unlockStatement(after.id)};`,
    'END IF;',
    'END IF;',
  ].join('\n')
}

function cellOf(column: Column, carried: ReadonlySet<string>): string {
  return carried.has(column.name) ? `s.${nameOf(column)}` : `CAST(NULL AS ${castType(column.type)})`
}

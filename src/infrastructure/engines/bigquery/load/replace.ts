import type { Column } from '../../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../../core/table-schema.ts'
import { addColumns, dropColumns, keyIsDropped } from '../alter.ts'
import { definitionStatements, tableParams, transaction } from '../apply.ts'
import { tableDefinition } from '../definition.ts'
import type { StoredTable } from '../metadata.ts'
import { definitionText, stateParams } from '../metadata.ts'
import { METADATA, quoteName, stateOf, tableOf } from '../names.ts'
import { sameList } from '../planned-table.ts'
import type { Store } from '../store.ts'
import { castType, storageType } from '../types.ts'
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
  const stored = new Map(before.columns.map((column) => [column.name, column]))
  const names = new Set(after.columns.map(({ name }) => name))
  const dropped = before.columns.filter(({ name }) => !names.has(name))
  const isRetyped = after.columns.some(({ name, type }) => {
    const known = stored.get(name)
    return known && storageType(known.type) !== storageType(type)
  })
  if (isRetyped || !sameList(before.primaryKey, after.primaryKey) || keyIsDropped(before, dropped))
    return replaceTable(store, before, after, rows, signal)
  const added = after.columns.filter(({ name }) => !stored.has(name))
  await addColumns(store, after, added, before.hasUpdatedAt, signal)
  const statements = [
    `TRUNCATE TABLE ${quoteName(tableOf(after.id))}`,
    ...writeStatements(after, rows, before.nextId),
    ...(definitionText(before) === definitionText(after) ? [] : definitionStatements(after, false)),
  ]
  await store.client.script(transaction(before, after, statements), { params: tableParams(after), signal })
  await dropColumns(store, after.id, dropped)
}

/**
 * A table of other types can't be swapped inside of a transaction. The definition goes first, so that of two writers one
 * meets the other there, and comes back when the table can't follow.
 */
async function replaceTable(
  { client }: Store,
  before: StoredTable,
  after: StoredTable,
  rows: LoadedRows,
  signal?: AbortSignal,
): Promise<void> {
  const time = after.hasUpdatedAt ? [`TIMESTAMP '${after.updatedAt}' AS ${UPDATED_AT_COLUMN}`] : []
  const carried = new Set(rows.columns.map(({ name }) => name))
  const cells = after.columns.map((column) => `${cellOf(column, carried)} AS ${nameOf(column)}`)
  const table =
    `CREATE OR REPLACE TABLE ${quoteName(tableOf(after.id))} ${tableDefinition(after)} AS ` +
    `SELECT ${[`${before.nextId} + s._at AS _id`, ...cells, ...time].join(', ')} FROM ${rows.from} AS s`
  const script = [
    transaction(before, after, definitionStatements(after, false)),
    'BEGIN',
    `${table};`,
    'EXCEPTION WHEN ERROR THEN',
    'BEGIN TRANSACTION;',
    `UPDATE ${quoteName(stateOf(after.id))} SET next_id = CAST(@before_next_id AS INT64), row_count = CAST(@before_row_count AS INT64), ` +
      `revision = CAST(@before_revision AS INT64), schema_revision = CAST(@before_schema_revision AS INT64), ` +
      `updated_at = @before_updated_at WHERE revision = ${after.revision};`,
    `UPDATE ${METADATA} SET definition = @before_definition, schema_revision = ${before.schemaRevision} ` +
      `WHERE resource_id = @resource_id AND schema_revision = ${after.schemaRevision};`,
    'COMMIT TRANSACTION;',
    'RAISE;',
    'END;',
  ].join('\n')
  const old = Object.entries({ ...stateParams(before), definition: definitionText(before) })
  const params = { ...tableParams(after), ...Object.fromEntries(old.map(([name, value]) => [`before_${name}`, value])) }
  await client.script(script, { params, signal })
}

function cellOf(column: Column, carried: ReadonlySet<string>): string {
  return carried.has(column.name) ? `s.${nameOf(column)}` : `CAST(NULL AS ${castType(column.type)})`
}

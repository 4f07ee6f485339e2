import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { StoredTable } from './metadata.ts'
import { definitionText, stateParams } from './metadata.ts'
import { ALIASES, FORMAT, METADATA, quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import type { RowChange } from './resolve.ts'
import { FREE, HELD, LOCK, UNLOCK } from './schema-lock.ts'
import type { Source } from './source.ts'
import { itemText, itemValue } from './source.ts'
import { orderable } from './types.ts'

/** Assignments that bring the state row to a table's; `@…` parameters come from `tableParams`. */
export const STATE_ASSIGNMENTS =
  'next_id = CAST(@next_id AS INT64), row_count = CAST(@row_count AS INT64), revision = CAST(@revision AS INT64), ' +
  'schema_revision = CAST(@schema_revision AS INT64), updated_at = @updated_at'

interface Locking {
  /** The script has locked the table. */
  isHeld?: boolean
  /** The table is locked after it, too. */
  staysLocked?: boolean
}

/**
 * A script that writes in one transaction. Its first statement moves the state row on from the revision that everything
 * was planned by: of two writers one meets the other there, and starts again.
 */
export function transaction(
  before: StoredTable,
  after: StoredTable,
  statements: readonly string[],
  { isHeld = false, staysLocked = false }: Locking = {},
): string {
  return atomic([
    `UPDATE ${quoteName(stateOf(after.id))} SET ${STATE_ASSIGNMENTS}, ${staysLocked ? LOCK : UNLOCK} ` +
      `WHERE revision = ${before.revision} AND ${isHeld ? HELD : FREE}`,
    "ASSERT @@row_count = 1 AS 'datastore:stale'",
    ...statements,
  ])
}

/**
 * A script whose statements are done all or not at all. The COMMIT stands outside of the block: where it fails there is
 * nothing left to roll back.
 */
export function atomic(statements: readonly string[]): string {
  return [
    'BEGIN',
    'BEGIN TRANSACTION;',
    ...statements.map((statement) => `${statement};`),
    'EXCEPTION WHEN ERROR THEN',
    // Google may have ended the transaction already, and what failed first is what counts.
    ...attempt(['ROLLBACK TRANSACTION']),
    'RAISE;',
    'END;',
    'COMMIT TRANSACTION;',
  ].join('\n')
}

/** A part of a script that goes on where one of `statements` fails, by way of `otherwise`. */
export function attempt(statements: readonly string[], otherwise: readonly string[] = []): string[] {
  return [
    'BEGIN',
    ...statements.map((statement) => `${statement};`),
    'EXCEPTION WHEN ERROR THEN',
    'SELECT @@error.message;',
    ...otherwise,
    'END;',
  ]
}

/** Statements that write a table's definition and aliases where it has one already. */
export function definitionStatements(after: StoredTable, aliasesChanged: boolean): string[] {
  return [
    `UPDATE ${METADATA} SET definition = @definition, schema_revision = ${after.schemaRevision} WHERE resource_id = @resource_id`,
    ...(aliasesChanged ? aliasStatements(after) : []),
  ]
}

/**
 * The aliases of a table anew. Writers of aliases meet each other in the one row that all of them write: a DELETE that finds
 * no row meets nobody.
 */
export function aliasStatements({ aliases }: StoredTable): string[] {
  const taken =
    'NOT EXISTS (SELECT 1 FROM UNNEST(JSON_VALUE_ARRAY(@aliases)) AS a WHERE ' +
    `LOWER(a) IN (SELECT LOWER(resource_id) FROM ${METADATA}) OR ` +
    `LOWER(a) IN (SELECT LOWER(alias) FROM ${ALIASES} WHERE resource_id <> @resource_id))`
  return [
    `UPDATE ${FORMAT} SET version = version WHERE TRUE`,
    `DELETE FROM ${ALIASES} WHERE resource_id = @resource_id`,
    ...(aliases.length > 0
      ? [
          `ASSERT ${taken} AS 'datastore:taken'`,
          `INSERT INTO ${ALIASES} (alias, resource_id) SELECT a, @resource_id FROM UNNEST(JSON_VALUE_ARRAY(@aliases)) AS a`,
        ]
      : []),
  ]
}

/** A statement that writes a table's definition where it has none; else it writes nothing. */
export function insertMetadata({ schemaRevision, createdAt }: StoredTable): string {
  return (
    `INSERT INTO ${METADATA} (resource_id, definition, schema_revision, created_at) ` +
    `SELECT @resource_id, @definition, ${schemaRevision}, '${createdAt}' FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM ${METADATA} WHERE resource_id = @resource_id)`
  )
}

/** A script after which nobody finds the table any more; its rows stay. */
export function forgetScript(): string {
  return atomic([
    `DELETE FROM ${METADATA} WHERE resource_id = @resource_id`,
    `DELETE FROM ${ALIASES} WHERE resource_id = @resource_id`,
  ])
}

/** Values of the parameters that these statements name. */
export function tableParams(after: StoredTable): Record<string, string> {
  return {
    ...stateParams(after),
    resource_id: after.id,
    definition: definitionText(after),
    aliases: JSON.stringify(after.aliases),
  }
}

/** A changed row as a JSON list: `_id`, whether the row exists (`1`), which cells it carries (`101`), the cells. */
export function changeItem({ id, exists, cells }: RowChange): string {
  const carried = cells.map((cell) => (cell === undefined ? '0' : '1')).join('')
  return JSON.stringify([id, exists ? '1' : '0', carried, ...cells.map((cell) => cell ?? null)])
}

const FIRST_CELL = 3

/** Statements that write rows of a source as `changeItem` writes them. */
export function rowStatements(
  table: StoredTable,
  staged: readonly Column[],
  source: Source,
  { fresh, matched }: { fresh: number; matched: number },
): string[] {
  const target = quoteName(tableOf(table.id))
  const names = staged.map(({ name }) => quoteName(storedColumn(name)))
  const time = `TIMESTAMP '${table.updatedAt}'`
  const values = staged.map((column, index) => `${itemValue(index + FIRST_CELL, column)} AS c${index}`)
  const items = [`CAST(${itemText(0)} AS INT64) AS _id`, `${itemText(2)} AS carried`, ...values]
  const rows = (exists: '0' | '1') =>
    `(SELECT ${items.join(', ')} FROM ${source.from} WHERE ${itemText(1)} = '${exists}') AS _s`
  const assignments = updateAssignments(table, staged, names, time)
  const into = ['_id', ...names, ...(table.hasUpdatedAt ? [UPDATED_AT_COLUMN] : [])]
  const cells = ['_s._id', ...staged.map((_, index) => `_s.c${index}`), ...(table.hasUpdatedAt ? [time] : [])]
  return [
    ...(matched > 0 && assignments.length > 0
      ? [`UPDATE ${target} AS _t SET ${assignments.join(', ')} FROM ${rows('1')} WHERE _t._id = _s._id`]
      : []),
    ...(fresh > 0 ? [`INSERT INTO ${target} (${into.join(', ')}) SELECT ${cells.join(', ')} FROM ${rows('0')}`] : []),
  ]
}

function updateAssignments(
  table: StoredTable,
  staged: readonly Column[],
  names: readonly string[],
  time: string,
): string[] {
  const changed = staged.map((column, index) => {
    const name = names[index] as string
    const value = `IF(SUBSTR(_s.carried, ${index + 1}, 1) = '1', _s.c${index}, _t.${name})`
    const text = (sql: string) => orderable(sql, column.type)
    return { set: `${name} = ${value}`, differs: `${text(value)} IS DISTINCT FROM ${text(`_t.${name}`)}` }
  })
  const touched =
    table.hasUpdatedAt && changed.length > 0
      ? [
          `${UPDATED_AT_COLUMN} = IF(${changed.map(({ differs }) => differs).join(' OR ')}, ${time}, _t.${UPDATED_AT_COLUMN})`,
        ]
      : []
  return [...changed.map(({ set }) => set), ...touched]
}

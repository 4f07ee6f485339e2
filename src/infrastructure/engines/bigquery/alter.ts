import { ConflictError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { definitionStatements, tableParams, transaction } from './apply.ts'
import { takenAlias } from './check-names.ts'
import { columnDefinition, tableDefinition } from './definition.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, storedColumn, tableOf } from './names.ts'
import { sameList } from './planned-table.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'
import { castType, storageType } from './types.ts'

/** Brings the stored table to the planned one. Columns come first and go last, so that no definition names one that is not there. */
export async function alter(
  store: Store,
  current: StoredTable,
  after: StoredTable,
  rows: readonly string[],
  source: Source,
  signal?: AbortSignal,
): Promise<void> {
  const { client } = store
  const before = new Map(current.columns.map((column) => [column.name, column]))
  const names = new Set(after.columns.map(({ name }) => name))
  const added = after.columns.filter(({ name }) => !before.has(name))
  const dropped = current.columns.filter(({ name }) => !names.has(name))
  const retyped = after.columns.filter((column) => {
    const stored = before.get(column.name)
    return stored && storageType(stored.type) !== storageType(column.type)
  })
  const keyChanged = !sameList(current.primaryKey, after.primaryKey)
  if (retyped.length > 0 || keyIsDropped(current, dropped)) {
    await rewrite(store, current, after, retyped, signal)
  } else {
    await addColumns(store, after, added, current.hasUpdatedAt, signal)
    if (keyChanged) await declareKey(store, current, after, signal)
  }
  const aliasesChanged = !sameList(current.aliases, after.aliases)
  const statements = [...rows, ...definitionStatements(after, aliasesChanged)]
  try {
    await client.script(transaction(current, after, statements), {
      params: { ...tableParams(after), ...source.params },
      signal,
    })
  } catch (error) {
    throw takenAlias(error, after)
  }
  await dropColumns(store, after.id, dropped)
}

export function keyIsDropped(current: StoredTable, dropped: readonly Column[]): boolean {
  return dropped.some(({ name }) => current.primaryKey.includes(name))
}

async function declareKey(
  { client }: Store,
  current: StoredTable,
  after: StoredTable,
  signal?: AbortSignal,
): Promise<void> {
  const table = quoteName(tableOf(after.id))
  const key = after.primaryKey.map((name) => quoteName(storedColumn(name))).join(', ')
  const statements = [
    ...(current.primaryKey.length > 0 ? [`ALTER TABLE ${table} DROP PRIMARY KEY IF EXISTS`] : []),
    ...(key ? [`ALTER TABLE ${table} ADD PRIMARY KEY (${key}) NOT ENFORCED`] : []),
  ]
  await client.script(statements.join(';\n'), { signal })
}

export async function addColumns(
  { client }: Store,
  after: StoredTable,
  added: readonly Column[],
  hadUpdatedAt: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const withTime = after.hasUpdatedAt && !hadUpdatedAt
  if (added.length === 0 && !withTime) return
  const table = quoteName(tableOf(after.id))
  // An interrupted call may have left a column, with values.
  const info = await client.tableInfo(tableOf(after.id), { role: 'write', signal })
  const there = new Set(info?.fields.map(({ name }) => name.toLowerCase()))
  checkHidden(
    after,
    added.map(({ name }) => storedColumn(name)),
    there,
  )
  const stale = added.filter(({ name }) => there.has(storedColumn(name).toLowerCase()))
  const statements = [
    ...stale.map(({ name }) => `ALTER TABLE ${table} DROP COLUMN ${quoteName(storedColumn(name))}`),
    ...added.map((column) => `ALTER TABLE ${table} ADD COLUMN ${columnDefinition(column)}`),
    ...(withTime
      ? [
          `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${UPDATED_AT_COLUMN} TIMESTAMP`,
          `UPDATE ${table} SET ${UPDATED_AT_COLUMN} = TIMESTAMP '${after.updatedAt}' WHERE ${UPDATED_AT_COLUMN} IS NULL`,
        ]
      : []),
  ]
  await client.script(statements.join(';\n'), { signal })
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

export async function dropColumns({ client, logger }: Store, id: string, dropped: readonly Column[]): Promise<void> {
  if (dropped.length === 0) return
  const table = quoteName(tableOf(id))
  const statements = dropped.map(
    ({ name }) => `ALTER TABLE ${table} DROP COLUMN IF EXISTS ${quoteName(storedColumn(name))}`,
  )
  await client.script(statements.join(';\n')).catch((error) => {
    logger.warning('columns that no definition names any more were left in place', {
      resource: id,
      error: String(error),
    })
  })
}

/** Writes the table anew with other types or without columns that it was clustered by; readers see the old one until it is whole. */
export async function rewrite(
  { client }: Store,
  current: StoredTable,
  after: StoredTable,
  retyped: readonly Column[],
  signal?: AbortSignal,
): Promise<void> {
  if (current.hidden.length > 0) {
    const columns = current.hidden.map((name) => `"${name}"`).join(', ')
    throw new ConflictError(
      `The table "${after.id}" has columns that this service does not show and would lose by this change: ${columns}.`,
    )
  }
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
  const gone = current.columns.filter(({ name }) => !after.columns.some((column) => column.name === name))
  const kept = gone.map(({ name }) => `t.${quoteName(storedColumn(name))}`)
  const definition = tableDefinition({ ...after, columns: [...after.columns, ...gone] })
  const rows = `SELECT ${['t._id', ...cells, ...kept, ...time].join(', ')} FROM rewritten AS t`
  await client.script(
    `CREATE TEMP TABLE rewritten AS SELECT * FROM ${table};\nCREATE OR REPLACE TABLE ${table} ${definition} AS ${rows};`,
    { signal },
  )
}

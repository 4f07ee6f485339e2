import { ConflictError, ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import type { TablePlan, Written } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import {
  aliasStatements,
  atomic,
  changeItem,
  createState,
  definitionStatements,
  insertMetadata,
  rowStatements,
  tableParams,
  transaction,
} from './apply.ts'
import { checkRules, checkStoredRows, firstDuplicate } from './constraints.ts'
import { forgetDropped, remember } from './external-writes.ts'
import { isDuplicate, raised, UnknownOutcome } from './failures.ts'
import { quoteString } from './literal.ts'
import type { StoredTable } from './metadata.ts'
import { ALIASES, LABEL, METADATA, quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import { stagedColumns, stageRecords } from './records.ts'
import type { Source } from './source.ts'
import { withSource } from './stage.ts'
import type { Store } from './store.ts'
import { CATALOG, currentTable, firstRevision, now, write } from './store.ts'
import { canCluster, storageType } from './types.ts'
import { resolve, storedRecords } from './upsert.ts'

/** Makes a table or alters the stored one, and appends the plan's records: all of it or nothing. */
export async function createTable(store: Store, plan: TablePlan, signal?: AbortSignal): Promise<Written> {
  return write(store, [CATALOG, plan.id], () => create(store, plan, signal), signal)
}

async function create(store: Store, plan: TablePlan, signal?: AbortSignal): Promise<Written> {
  const { client } = store
  // Whether there is one by now is seen when the names are checked.
  const current = plan.basedOn === undefined ? undefined : await currentTable(store, plan.id, plan.basedOn, signal)
  const planned = plannedTable(plan, current)
  const staged = plan.records ? stagedColumns(plan.columns, plan.records) : []
  const records = plan.records ? stageRecords(plan.records, staged) : []
  if (declaresAnew(plan.columns, current)) await checkRules(client, plan.columns, signal)
  await checkNames(store, plan, signal)
  const resolved = await resolve(store, planned, staged, records, 'insert', signal)
  if (current) {
    await checkStoredRows(client, current, planned.columns, signal)
    if (!sameList(current.primaryKey, planned.primaryKey)) await checkStoredKeys(store, current, planned, signal)
  }
  const after: StoredTable = { ...planned, nextId: resolved.nextId, count: planned.count + resolved.fresh }
  await withSource(store, resolved.changes.map(changeItem), async (source) => {
    const rows = rowStatements(after, staged, source, { fresh: resolved.fresh, matched: 0 })
    await (current ? alter(store, current, after, rows, source, signal) : make(store, after, rows, source, signal))
  })
  await remember(store, after)
  const shown =
    plan.includeRecords && (await storedRecords(store, after, staged, resolved, plan.includeRecords, signal))
  return { table: after, affected: resolved.fresh, ...(shown && { records: shown }), warnings: [] }
}

/** What a table is to be, before any row is written. */
export function plannedTable(plan: Omit<TablePlan, 'records'>, current: StoredTable | undefined): StoredTable {
  const time = now()
  const revision = current ? current.revision + 1 : firstRevision()
  return {
    id: plan.id,
    columns: plan.columns,
    primaryKey: plan.primaryKey,
    indexes: plan.indexes,
    schemaProperties: plan.schemaProperties,
    aliases: plan.aliases ?? current?.aliases ?? [],
    hasUpdatedAt: plan.hasUpdatedAt,
    hidden: current?.hidden ?? [],
    removed: current ? removedColumns(current, plan.columns) : [],
    nextId: current?.nextId ?? 1,
    count: current?.count ?? 0,
    revision,
    schemaRevision: revision,
    createdAt: current?.createdAt ?? time,
    updatedAt: time,
  }
}

/** Columns that are deleted by now, and what may be left of earlier ones. */
export function removedColumns(current: StoredTable, columns: readonly Column[]): string[] {
  const stays = new Set(columns.map(({ name }) => storedColumn(name)))
  const before = [...current.removed, ...current.columns.map(({ name }) => storedColumn(name))]
  return [...new Set(before)].filter((name) => !stays.has(name))
}

export function declaresAnew(columns: readonly Column[], current: StoredTable | undefined): boolean {
  const known = new Map((current?.columns ?? []).map(({ name, field }) => [name, JSON.stringify(field.constraints)]))
  return columns.some(
    ({ name, field }) => field.constraints !== undefined && known.get(name) !== JSON.stringify(field.constraints),
  )
}

/** BigQuery holds so many columns by which rows are kept together. */
const CLUSTERED = 4

/** Rows are kept together by the key, or by `_id`. */
function clusterColumns(table: StoredTable): string {
  const key = table.primaryKey.map((name) => table.columns.find((column) => column.name === name) as Column)
  const usable = key.filter(({ type }) => canCluster(type)).slice(0, CLUSTERED)
  return usable.length === 0 ? '_id' : usable.map(({ name }) => quoteName(storedColumn(name))).join(', ')
}

/** A description may have so many characters. */
const DESCRIPTION_LENGTH = 1024

/** What people read of a column in Google's console. */
function columnOptions({ field, info }: Column): string {
  const given = [field.title ?? info?.label, field.description ?? info?.notes].filter(
    (text) => typeof text === 'string',
  )
  return given.length === 0
    ? ''
    : ` OPTIONS (description = ${quoteString(given.join(': ').slice(0, DESCRIPTION_LENGTH))})`
}

function columnDefinition(column: Column): string {
  return `${quoteName(storedColumn(column.name))} ${storageType(column.type)}${columnOptions(column)}`
}

export function tableDefinition(table: StoredTable): string {
  const columns = [
    '_id INT64 NOT NULL',
    ...table.columns.map(columnDefinition),
    ...(table.hasUpdatedAt ? [`${UPDATED_AT_COLUMN} TIMESTAMP`] : []),
    ...(table.primaryKey.length > 0
      ? [`PRIMARY KEY (${table.primaryKey.map((name) => quoteName(storedColumn(name))).join(', ')}) NOT ENFORCED`]
      : []),
  ]
  return `(${columns.join(', ')}) CLUSTER BY ${clusterColumns(table)} OPTIONS (${tableOptions(table)})`
}

function tableOptions({ id, schemaProperties }: StoredTable): string {
  const { title, description } = schemaProperties
  const texts = [title, description, `CKAN resource ${id}`].filter((text) => typeof text === 'string')
  return `description = ${quoteString(texts.join('\n').slice(0, DESCRIPTION_LENGTH))}, labels = [('${LABEL}', 'table')]`
}

/**
 * Makes a table in two steps: empty ones, which nobody finds, then rows and metadata in one transaction. What an
 * interrupted one has left is taken over by the next.
 */
export async function make(
  store: Store,
  after: StoredTable,
  rows: readonly string[],
  source: Source,
  signal?: AbortSignal,
): Promise<void> {
  const { client } = store
  const name = tableOf(after.id)
  const left = await client.tableInfo(name, { role: 'write', signal })
  if (left && !Object.hasOwn(left.labels, LABEL)) {
    throw new ConflictError(`The dataset has a table "${after.id}" that this service did not make.`)
  }
  const params = { ...tableParams(after), ...source.params }
  const script = [
    `CREATE ${left ? 'OR REPLACE ' : ''}TABLE ${quoteName(name)} ${tableDefinition(after)};`,
    `${createState(after)};`,
    atomic([
      ...rows,
      insertMetadata(after),
      "ASSERT @@row_count = 1 AS 'datastore:made'",
      ...(after.aliases.length > 0 ? aliasStatements(after) : []),
    ]),
  ].join('\n')
  try {
    await client.script(script, { params, signal })
  } catch (error) {
    // Another process was faster.
    if (isDuplicate(error) || raised(error) === 'made' || /already exists/i.test(String(error)))
      throw new StaleSchema(`table ${after.id} was made meanwhile`, { cause: error })
    if (!(error instanceof UnknownOutcome)) await removeLeftovers(store, after.id)
    throw takenAlias(error, after)
  }
}

async function removeLeftovers({ client, logger }: Store, id: string): Promise<void> {
  const script =
    `IF NOT EXISTS (SELECT 1 FROM ${METADATA} WHERE resource_id = @resource_id) THEN ` +
    `DROP TABLE IF EXISTS ${quoteName(tableOf(id))}; DROP TABLE IF EXISTS ${quoteName(stateOf(id))}; END IF;`
  await client.script(script, { params: { resource_id: id } }).catch((error) => {
    logger.warning('an empty table was left behind; the next create takes it over', {
      resource: id,
      error: String(error),
    })
  })
}

/** Brings the stored table to the planned one. Columns come first and go last, so that no definition names one that is not there. */
async function alter(
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
    if (!stored.has(column.name)) return `CAST(NULL AS ${storageType(column.type).replace(/\(.*/, '')}) AS ${name}`
    return retyped.includes(column)
      ? `CAST(t.${name} AS ${storageType(column.type).replace(/\(.*/, '')}) AS ${name}`
      : `t.${name}`
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

export async function checkNames(
  store: Store,
  { id, aliases, basedOn }: TablePlan,
  signal?: AbortSignal,
): Promise<void> {
  const names = [...(basedOn === undefined ? [id] : []), ...(aliases ?? [])]
  if (names.length === 0) return
  const page = await store.client.query(
    `SELECT n, (SELECT MIN(resource_id) FROM ${METADATA} WHERE LOWER(resource_id) = LOWER(n)), ` +
      `(SELECT MIN(resource_id) FROM ${ALIASES} WHERE LOWER(alias) = LOWER(n)) FROM UNNEST(JSON_VALUE_ARRAY(@names)) AS n`,
    { params: { names: JSON.stringify(names) }, role: 'write', signal },
  )
  const holders = new Map(
    page.rows.map(({ f }) => [String(f[0]?.v), { table: f[1]?.v ?? undefined, alias: f[2]?.v ?? undefined }]),
  )
  const holder = basedOn === undefined ? holders.get(id) : undefined
  const isDropped = holder?.table === id && (await forgetDropped(store, id))
  if (holder?.table === id && !isDropped) throw new StaleSchema(`table ${id} was made meanwhile`)
  const own = isDropped ? undefined : holder
  // Whose it is would tell a caller of a table that it may not read.
  if (own?.table !== undefined || own?.alias !== undefined) {
    const what = own.table !== undefined ? 'a table' : 'an alias of another table'
    throw new ConflictError(`The name "${id}" is taken by ${what}; upper and lower case don't tell names apart.`)
  }
  for (const alias of aliases ?? []) {
    const holder = holders.get(alias)
    if (holder?.table !== undefined || alias.toLowerCase() === id.toLowerCase())
      throw new ValidationError({ alias: [`"${alias}" already exists`] })
    if (holder?.alias !== undefined && holder.alias !== id)
      throw new ValidationError({ alias: [`The alias "${alias}" already exists.`] })
  }
}

function takenAlias(error: unknown, { aliases }: StoredTable): unknown {
  return raised(error) === 'taken'
    ? new ValidationError({ alias: [`The alias "${aliases[0]}" already exists.`] }, { cause: error })
    : error
}

async function checkStoredKeys(
  store: Store,
  current: StoredTable,
  { primaryKey, columns }: StoredTable,
  signal?: AbortSignal,
): Promise<void> {
  const key = primaryKey.map((name) => columns.find((column) => column.name === name) as Column)
  const stored = new Set(current.columns.map(({ name }) => name))
  if (key.length === 0 || current.count === 0 || key.some(({ name }) => !stored.has(name))) return
  if ((await firstDuplicate(store.client, current.id, key, signal)) !== undefined)
    throw new ValidationError({
      constraints: ['Cannot insert records or create indexbecause of uniqueness constraint'],
    })
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

import type { DuckDBValue } from '@duckdb/node-api'
import { columnType } from '../../../core/field-types.ts'
import type { Column, SchemaField } from '../../../core/table-schema.ts'
import type { Table } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'

/** A table as this engine keeps it. */
export interface StoredTable extends Table {
  /** The `_id` of the next row; never handed out twice. */
  readonly nextId: number
  /** Digits after the point of each `numeric` column that was declared without a modifier. */
  readonly scales: Scales
  /** Where it is read as it was: the snapshot of the lake that shows it so. */
  readonly snapshot?: number
}

/** What stands in FROM, whether or not an alias follows, so that a table is read as it is, or as it was in a snapshot. */
export function inSnapshot(table: string, { snapshot }: Pick<StoredTable, 'snapshot'>): string {
  return snapshot === undefined ? table : `(FROM ${table} AT (VERSION => ${snapshot}))`
}

/** Digits after the point by the column's name; a column without has none. */
export type Scales = Readonly<Record<string, number>>

/** Digits after the point of a column: one may be called `constructor`, which every object has. */
export function scaleOf(scales: Scales, column: string): number {
  return Object.hasOwn(scales, column) ? (scales[column] as number) : 0
}

/** What is written of a table beside the counters: JSON in one column, so that it travels to any engine. */
interface Definition {
  columns: { name: string; declaredType: string; info?: Record<string, unknown>; field: SchemaField }[]
  primaryKey: readonly string[]
  indexes: readonly (readonly string[])[]
  schemaProperties: Readonly<Record<string, unknown>>
  aliases: readonly string[]
  scales: Scales
  hasUpdatedAt: boolean
}

const COLUMNS = 'resource_id, definition, next_id, row_count, revision, schema_revision, created_at, updated_at'

/** The stored table with this id, or with this alias. */
export async function readTable(session: Session, idOrAlias: string): Promise<StoredTable | undefined> {
  const table = await readById(session, idOrAlias)
  if (table) return table
  const [id] =
    (await session.row(
      `SELECT resource_id FROM datastore.main._table_aliases WHERE alias = ${quoteLiteral(idOrAlias)}`,
    )) ?? []
  return id === undefined ? undefined : readById(session, String(id))
}

/** The stored table with this id, as it is or as it was in a snapshot. */
export async function readById(session: Session, id: string, snapshot?: number): Promise<StoredTable | undefined> {
  const at = { ...(snapshot !== undefined && { snapshot }) }
  const row = await session.row(
    `SELECT ${COLUMNS} FROM ${inSnapshot('datastore.main._table_metadata', at)} WHERE resource_id = ${quoteLiteral(id)}`,
  )
  return row && { ...fromRow(row), ...at }
}

/** Table ids and aliases in the order of the ids. */
export async function readListing(
  session: Session,
  page: { after?: string; limit: number },
): Promise<{ id: string; aliases: readonly string[] }[]> {
  const rows = await session.rows(
    `SELECT resource_id, definition FROM datastore.main._table_metadata WHERE resource_id > $1 ORDER BY resource_id LIMIT ${page.limit}`,
    [page.after ?? ''],
  )
  return rows.map(([id, definition]) => ({ id: String(id), aliases: parse(definition).aliases }))
}

/** Ids of the tables with at least so many rows. */
export async function readLargeTables(session: Session, rows: number): Promise<string[]> {
  const found = await session.rows(`SELECT resource_id FROM datastore.main._table_metadata WHERE row_count >= ${rows}`)
  return found.map(([id]) => String(id))
}

/** Who holds a name, as a table or as an alias; upper and lower case don't tell names apart. */
export async function nameHolder(session: Session, name: string): Promise<{ table?: string; alias?: string }> {
  const folded = `lower(${quoteLiteral(name)})`
  const rows = await session.rows(
    `SELECT 'table', resource_id FROM datastore.main._table_metadata WHERE lower(resource_id) = ${folded} ` +
      `UNION ALL SELECT 'alias', resource_id FROM datastore.main._table_aliases WHERE lower(alias) = ${folded}`,
  )
  return Object.fromEntries(rows.map(([what, id]) => [String(what), String(id)]))
}

export async function insertTable(session: Session, table: StoredTable): Promise<void> {
  const values = [table.id, definitionOf(table), table.createdAt, table.updatedAt].map(quoteLiteral)
  const [id, definition, ...times] = values
  await session.run(
    `INSERT INTO datastore.main._table_metadata (${COLUMNS}) VALUES (${[id, definition, ...counters(table), ...times].join(', ')})`,
  )
  await addAliases(session, table)
}

/** Writes what a change of definition moved, counters included. */
export async function updateTable(session: Session, table: StoredTable): Promise<void> {
  await update(session, table, `definition = ${quoteLiteral(definitionOf(table))}, `)
  await replaceAliases(session, table)
}

/** Writes what a change of rows moved. */
export async function updateCounters(session: Session, table: StoredTable): Promise<void> {
  await update(session, table, '')
}

/** The same of several tables, in one statement. */
export async function updateCountersOfAll(session: Session, tables: readonly StoredTable[]): Promise<void> {
  const rows = tables.map(
    (table) => `(${[quoteLiteral(table.id), ...counters(table), quoteLiteral(table.updatedAt)].join(', ')})`,
  )
  await session.run(
    'UPDATE datastore.main._table_metadata AS t SET next_id = n.next_id, row_count = n.row_count, revision = n.revision, ' +
      `schema_revision = n.schema_revision, updated_at = n.updated_at FROM (VALUES ${rows.join(', ')}) ` +
      'AS n(id, next_id, row_count, revision, schema_revision, updated_at) WHERE t.resource_id = n.id',
  )
}

/** Values stand in the text: a statement with parameters is planned twice. */
async function update(session: Session, table: StoredTable, definition: string): Promise<void> {
  const [nextId, rows, revision, schemaRevision] = counters(table)
  await session.run(
    `UPDATE datastore.main._table_metadata SET ${definition}next_id = ${nextId}, row_count = ${rows}, revision = ${revision}, ` +
      `schema_revision = ${schemaRevision}, updated_at = ${quoteLiteral(table.updatedAt)} WHERE resource_id = ${quoteLiteral(table.id)}`,
  )
}

export async function deleteTable(session: Session, { id, aliases }: StoredTable): Promise<void> {
  await session.run('DELETE FROM datastore.main._table_metadata WHERE resource_id = $1', [id])
  if (aliases.length > 0) await session.run('DELETE FROM datastore.main._table_aliases WHERE resource_id = $1', [id])
}

async function replaceAliases(session: Session, table: StoredTable): Promise<void> {
  const { id, aliases } = table
  const stored = await session.rows('SELECT alias FROM datastore.main._table_aliases WHERE resource_id = $1', [id])
  const old = new Set(stored.map(([alias]) => String(alias)))
  if (old.size === aliases.length && aliases.every((alias) => old.has(alias))) return
  if (old.size > 0) await session.run('DELETE FROM datastore.main._table_aliases WHERE resource_id = $1', [id])
  await addAliases(session, table)
}

async function addAliases(session: Session, { id, aliases }: StoredTable): Promise<void> {
  for (const alias of aliases)
    await session.run('INSERT INTO datastore.main._table_aliases VALUES ($1, $2)', [alias, id])
}

function counters(table: StoredTable): number[] {
  return [table.nextId, table.count, table.revision, table.schemaRevision]
}

function definitionOf(table: StoredTable): string {
  const definition: Definition = {
    columns: table.columns.map(({ name, declaredType, info, field }) => ({
      name,
      declaredType,
      ...(info && { info }),
      field,
    })),
    primaryKey: table.primaryKey,
    indexes: table.indexes,
    schemaProperties: table.schemaProperties,
    aliases: table.aliases,
    scales: table.scales,
    hasUpdatedAt: table.hasUpdatedAt,
  }
  const text = JSON.stringify(definition)
  return PLACEHOLDER.test(text) ? Buffer.from(text).toString('base64') : text
}

/** DuckLake would take such a text, also in user data, for a place that it has to fill in. */
const PLACEHOLDER = /\{[A-Z_]+\}/

function parse(definition: DuckDBValue | undefined): Definition {
  const text = String(definition)
  return JSON.parse(text.startsWith('{') ? text : Buffer.from(text, 'base64').toString()) as Definition
}

function fromRow([
  id,
  text,
  nextId,
  count,
  revision,
  schemaRevision,
  createdAt,
  updatedAt,
]: DuckDBValue[]): StoredTable {
  const { columns, ...definition } = parse(text)
  return {
    ...definition,
    id: String(id),
    columns: columns.map((column): Column => ({ ...column, type: columnType(column.declaredType) })),
    nextId: Number(nextId),
    count: Number(count),
    revision: Number(revision),
    schemaRevision: Number(schemaRevision),
    createdAt: String(createdAt),
    updatedAt: String(updatedAt),
  }
}

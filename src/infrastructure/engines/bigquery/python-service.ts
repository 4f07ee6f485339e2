import type { SchemaField, TableSchema } from '../../../core/table-schema.ts'
import type { Client } from './client.ts'
import { BigqueryFailure, isNotFound } from './failures.ts'
import { LABEL, quoteName, tableOf } from './names.ts'
import type { Store } from './store.ts'
import type { TableInfo } from './table-info.ts'

/** Where the Python service once kept the schemas of its tables: one row each. */
const SCHEMAS = '_table_metadata'
/** The label of its tables since it keeps their schemas in their descriptions. */
const MANAGED = 'datastore_managed'
/** How long the list of its tables is trusted. */
const LISTED_MS = 60_000

/** A table of the Python service: named by its resource, with `_id` and maybe `_updated_at`. */
export interface PythonTable {
  id: string
  /** As it was declared; undefined: only the columns tell. */
  schema: TableSchema | undefined
  info: TableInfo
}

/**
 * The table that the Python service keeps under this id: one free request, and one statement where there is a table that
 * nobody's label names.
 */
export async function findPythonTable(
  client: Client,
  id: string,
  signal?: AbortSignal,
): Promise<PythonTable | undefined> {
  if (tableOf(id) !== id || id.startsWith('_')) return undefined
  const info = await client.tableInfo(id, { signal })
  if (info?.type !== 'TABLE' || Object.hasOwn(info.labels, LABEL)) return undefined
  const described = describedSchema(info.description)
  if (described || info.labels[MANAGED] === 'true') return { id, schema: described, info }
  const [schema] = await readSchemas(client, id, signal)
  return schema && { id, schema: schema.schema, info }
}

const lists = new WeakMap<Client, { at: number; ids: Promise<string[]> }>()

/** The ids of all tables of the Python service, adopted or not, in their order. At most a minute old. */
export async function listPythonTables({ client }: Pick<Store, 'client'>): Promise<string[]> {
  const known = lists.get(client)
  if (known && Date.now() - known.at < LISTED_MS) return known.ids
  const ids = readIds(client)
  lists.set(client, { at: Date.now(), ids })
  ids.catch(() => lists.delete(client))
  return ids
}

async function readIds(client: Client): Promise<string[]> {
  const tables = (await client.listTables()).filter(({ type }) => type === 'TABLE')
  const others = tables.filter(({ name, labels }) => !Object.hasOwn(labels, LABEL) && !name.startsWith('_'))
  const listed = tables.some(({ name }) => name === SCHEMAS) ? await readSchemas(client, undefined) : []
  const declared = new Set(listed.map(({ id }) => id))
  return others
    .filter(({ name, labels }) => labels[MANAGED] === 'true' || declared.has(name))
    .map(({ name }) => name)
    .sort()
}

/** Nothing, where there is no such table, or one of other columns. */
async function readSchemas(
  client: Client,
  id: string | undefined,
  signal?: AbortSignal,
): Promise<{ id: string; schema: TableSchema | undefined }[]> {
  const columns = id === undefined ? "resource_id, '{}'" : 'resource_id, TO_JSON_STRING(schema)'
  const sql = `SELECT ${columns} FROM ${quoteName(SCHEMAS)}${id === undefined ? '' : ' WHERE resource_id = @id LIMIT 1'}`
  try {
    const found: { id: string; schema: TableSchema | undefined }[] = []
    const first = await client.query(sql, { ...(id !== undefined && { params: { id } }), signal })
    for (let page: typeof first | undefined = first; page; page = await client.nextPage(page, { signal }))
      for (const { f } of page.rows) found.push({ id: String(f[0]?.v), schema: readSchema(f[1]?.v) })
    return found
  } catch (error) {
    if (isNotFound(error) || (error instanceof BigqueryFailure && error.reason === 'invalidQuery')) return []
    throw error
  }
}

/** `{"datastore": {"schema_version": 1, "schema": {…}}}`: what a description says where no person has written it. */
function describedSchema(description: string): TableSchema | undefined {
  const { datastore } = (parsed(description) ?? {}) as { datastore?: { schema?: unknown } }
  return checkedSchema(datastore?.schema)
}

function readSchema(text: unknown): TableSchema | undefined {
  return typeof text === 'string' ? checkedSchema(parsed(text)) : undefined
}

function checkedSchema(given: unknown): TableSchema | undefined {
  const { fields, primaryKey, ...rest } = (given ?? {}) as Partial<TableSchema>
  if (!Array.isArray(fields)) return undefined
  const named = fields.filter((field): field is SchemaField => typeof field?.name === 'string' && field.name !== '')
  const key = [primaryKey ?? []].flat().filter((name) => typeof name === 'string')
  return { ...rest, fields: named, ...(key.length > 0 && { primaryKey: key }) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

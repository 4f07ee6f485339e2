import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceUnavailable } from '../../../core/errors.ts'
import { columnType } from '../../../core/field-types.ts'
import type { Column, SchemaField } from '../../../core/table-schema.ts'
import type { Table, TableListing } from '../engine.ts'
import type { Client } from './client.ts'
import { isNotFound } from './failures.ts'
import { ALIASES, METADATA, quoteName, stateOf } from './names.ts'
import { AHEAD_SINCE, isAhead } from './schema-lock.ts'

/** A table as this engine keeps it. */
export interface StoredTable extends Table {
  /** The `_id` of the next row; never handed out twice. */
  readonly nextId: number
  /** Columns of others, by their names in BigQuery, that are not shown and never touched. */
  readonly hidden: readonly string[]
  /** Columns, by their names in BigQuery, that were deleted through the API; what is left of one is not shown. */
  readonly removed: readonly string[]
}

/** What is written of a table beside what moves with every write: JSON in one column. */
interface Definition {
  columns: { name: string; declaredType: string; info?: Record<string, unknown>; field: SchemaField }[]
  primaryKey: readonly string[]
  indexes: readonly (readonly string[])[]
  schemaProperties: Readonly<Record<string, unknown>>
  aliases: readonly string[]
  hasUpdatedAt: boolean
  hidden?: readonly string[]
  removed?: readonly string[]
}

/** What moves with every write: the one row of a resource's state table. */
export interface State {
  nextId: number
  count: number
  revision: number
  schemaRevision: number
  updatedAt: string
}

const ATTEMPTS = 5
/** How long a swap of all rows is waited for; BigQuery bills 10 MB for each look. */
const LONGEST_SWAP_MS = 30_000
const LOOK_MS = 1_000

/**
 * The stored table with this id, or with this alias. Definition and state are read one after the other; when a change
 * came between, both are read again.
 *
 * @throws ServiceUnavailable when its rows are being swapped for long.
 */
export async function readTable(
  client: Client,
  idOrAlias: string,
  signal?: AbortSignal,
): Promise<StoredTable | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await readDefinition(client, idOrAlias, signal)
    if (!found) return undefined
    const state = await readSettledState(client, found.id, signal)
    if (state?.schemaRevision === found.schemaRevision) return storedTable(found, state)
    if (attempt === ATTEMPTS) throw new Error(`the definition of ${found.id} and its state are not of one revision`)
  }
}

interface Found {
  id: string
  definition: Definition
  schemaRevision: number
  createdAt: string
}

async function readDefinition(client: Client, name: string, signal?: AbortSignal): Promise<Found | undefined> {
  const { rows } = await client.query(
    `SELECT resource_id, definition, schema_revision, created_at FROM ${METADATA} WHERE resource_id = @name ` +
      `OR resource_id IN (SELECT resource_id FROM ${ALIASES} WHERE alias = @name) ORDER BY resource_id <> @name LIMIT 1`,
    { params: { name }, signal },
  )
  const [id, definition, schemaRevision, createdAt] = rows[0]?.f.map(({ v }) => String(v)) ?? []
  if (id === undefined || definition === undefined || createdAt === undefined) return undefined
  return { id, definition: JSON.parse(definition) as Definition, schemaRevision: Number(schemaRevision), createdAt }
}

/** The state of a table once its rows are those that the state tells of. Undefined: there is no such table any more. */
async function readSettledState(client: Client, id: string, signal?: AbortSignal): Promise<State | undefined> {
  for (let waited = 0; ; waited += LOOK_MS) {
    const state = await readState(client, id, signal)
    if (!state || !Number.isNaN(state.schemaRevision)) return state
    if (waited >= LONGEST_SWAP_MS)
      throw new ServiceUnavailable('The rows of the table are being replaced just now.', { retryAfterSeconds: 10 })
    await sleep(LOOK_MS, undefined, { signal })
  }
}

/** Undefined: there is no such table any more. The schema revision is no number while the state is ahead of the table. */
export async function readState(client: Client, id: string, signal?: AbortSignal): Promise<State | undefined> {
  try {
    const columns = `next_id, row_count, revision, schema_revision, updated_at, ${AHEAD_SINCE}`
    const { rows } = await client.query(`SELECT ${columns} FROM ${quoteName(stateOf(id))}`, { signal })
    const [nextId, count, revision, schemaRevision, updatedAt, since] = rows[0]?.f.map(({ v }) => v) ?? []
    return updatedAt === undefined
      ? undefined
      : {
          nextId: Number(nextId),
          count: Number(count),
          revision: Number(revision),
          schemaRevision: isAhead(since) ? Number.NaN : Number(schemaRevision),
          updatedAt: String(updatedAt),
        }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

function storedTable({ id, definition, createdAt }: Found, state: State): StoredTable {
  const { columns, ...rest } = definition
  return {
    ...rest,
    ...state,
    id,
    hidden: rest.hidden ?? [],
    removed: rest.removed ?? [],
    columns: columns.map((column): Column => ({ ...column, type: columnType(column.declaredType) })),
    createdAt,
  }
}

/** Table ids and aliases in the order of the ids. */
export async function readListing(
  client: Client,
  { after = '', limit }: { after?: string; limit: number },
  signal?: AbortSignal,
): Promise<TableListing[]> {
  const { rows } = await client.query(
    `SELECT resource_id, definition FROM ${METADATA} WHERE resource_id > @after ORDER BY resource_id LIMIT ${limit}`,
    { params: { after }, signal, pageRows: limit },
  )
  return rows.map(({ f: [id, definition] }) => ({
    id: String(id?.v),
    aliases: (JSON.parse(String(definition?.v)) as Definition).aliases,
  }))
}

/** The definition as it is kept. */
export function definitionText(table: StoredTable): string {
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
    hasUpdatedAt: table.hasUpdatedAt,
    ...(table.hidden.length > 0 && { hidden: table.hidden }),
    ...(table.removed.length > 0 && { removed: table.removed }),
  }
  return JSON.stringify(definition)
}

/** SQL of the state row of a table, which nobody has locked; `@…` parameters come from `stateParams`. */
export const STATE_VALUES =
  'CAST(@next_id AS INT64) AS next_id, CAST(@row_count AS INT64) AS row_count, CAST(@revision AS INT64) AS revision, ' +
  'CAST(@schema_revision AS INT64) AS schema_revision, @updated_at AS updated_at, ' +
  'CAST(NULL AS STRING) AS locked_by, CAST(NULL AS TIMESTAMP) AS locked_at'

export function stateParams(table: StoredTable): Record<string, string> {
  return {
    next_id: String(table.nextId),
    row_count: String(table.count),
    revision: String(table.revision),
    schema_revision: String(table.schemaRevision),
    updated_at: table.updatedAt,
  }
}

import { ConflictError } from '../../../core/errors.ts'
import { primaryKeyOf } from '../../../core/table-schema.ts'
import type { Adoption } from '../engine.ts'
import { atomic, insertMetadata, tableParams } from './apply.ts'
import { firstDuplicate } from './constraints.ts'
import { carriesUpdatedAt, idProblem } from './fields.ts'
import { rowsOf } from './look.ts'
import type { StoredTable } from './metadata.ts'
import { readTable, STATE_VALUES } from './metadata.ts'
import { METADATA, quoteName, stateOf, tableOf } from './names.ts'
import { describedColumns } from './python-columns.ts'
import type { PythonTable } from './python-service.ts'
import { findPythonTable, listPythonTables } from './python-service.ts'
import type { Store } from './store.ts'
import { CATALOG, firstRevision, now, write } from './store.ts'

/** Above it, too few numbers would be left for the `_id`s to come. */
const HIGHEST_ID = 2 ** 52

/** Takes over a table of the Python service that somebody asks for; undefined: there is none of this name. */
export async function adoptWhenAsked(store: Store, id: string, signal?: AbortSignal): Promise<StoredTable | undefined> {
  const { client, tables, logger } = store
  const found = await findPythonTable(client, id, signal)
  if (!found) return undefined
  const { lastModifiedTime } = found.info
  const refused = tables.refused.get(id)
  if (refused?.lastModifiedTime === lastModifiedTime) throw new ConflictError(refused.problem)
  return write(store, [CATALOG, id], async () => {
    const known = await readTable(client, id)
    if (known?.id === id) return tables.set(known).table
    const examined = await examine(store, found)
    if (examined.refusal !== undefined) {
      const problem = `The table "${id}" can't be used: ${examined.refusal}.`
      tables.refused.set(id, { lastModifiedTime, problem })
      logger.warning('a table of the Python service is not adopted', { resource: id, problem: examined.refusal })
      throw new ConflictError(problem)
    }
    await adopt(store, examined, lastModifiedTime)
    return tables.get(id)?.table
  })
}

/** Takes over all tables of the Python service, or tells what would be done with each. */
export async function* adoptTables(store: Store, dryRun: boolean, signal?: AbortSignal): AsyncGenerator<Adoption> {
  const { client } = store
  const adopted = new Set<string>()
  const first = await client.query(`SELECT resource_id FROM ${METADATA}`, { role: 'write', signal })
  for await (const { f } of rowsOf(client, first, signal)) adopted.add(String(f[0]?.v))
  for (const id of await listPythonTables(store)) {
    const found = adopted.has(id) ? undefined : await findPythonTable(client, id, signal)
    if (!found) continue
    const examined = await examine(store, found)
    if (!dryRun && examined.refusal === undefined)
      await write(store, [CATALOG, id], () => adopt(store, examined, found.info.lastModifiedTime))
    yield adoption(examined)
  }
}

interface Examined {
  table: StoredTable
  refusal: string | undefined
  warnings: string[]
}

function adoption({ table, refusal, warnings }: Examined): Adoption {
  return {
    id: table.id,
    ...(refusal !== undefined && { refusal }),
    count: table.count,
    columns: table.columns.map(({ name }) => name),
    primaryKey: table.primaryKey,
    warnings,
  }
}

/** What the table would be. Scans `_id`, and the columns of the key. */
async function examine({ client }: Store, { id, schema, info }: PythonTable): Promise<Examined> {
  const { columns, hidden, warnings } = describedColumns(schema, info.fields)
  const rows = idProblem(info.fields) === undefined ? await countIds({ client }, id) : undefined
  const refusal = rows ? refusalOf(rows) : idProblem(info.fields)
  const { fields: _fields, ...schemaProperties } = schema ?? { fields: [] }
  const wanted = primaryKeyOf(schema ?? {})
  const key = wanted.flatMap((name) => columns.find((column) => column.name === name) ?? [])
  const isWhole = key.length === wanted.length
  if (!isWhole) warnings.push('its primary key names a column that is not shown: it has none now')
  const isUnique = key.length === 0 || !isWhole || (await firstDuplicate(client, { id, columns }, key)) === undefined
  if (!isUnique) warnings.push('rows have the same primary key: it has none now')
  const revision = firstRevision()
  const table: StoredTable = {
    id,
    columns,
    primaryKey: isWhole && isUnique ? wanted : [],
    indexes: [],
    schemaProperties,
    aliases: [],
    hasUpdatedAt: carriesUpdatedAt(info.fields),
    hidden,
    removed: [],
    nextId: Math.max(1, (rows?.highestId ?? 0) + 1),
    count: rows?.count ?? info.rows,
    revision,
    schemaRevision: revision,
    createdAt: new Date(info.creationTime).toISOString(),
    updatedAt: now(),
  }
  return { table, refusal, warnings }
}

interface Ids {
  count: number
  withId: number
  distinct: number
  highestId: number
}

async function countIds({ client }: Pick<Store, 'client'>, id: string): Promise<Ids> {
  const { rows } = await client.query(
    `SELECT COUNT(*), COUNT(_id), COUNT(DISTINCT _id), IFNULL(MAX(_id), 0) FROM ${quoteName(tableOf(id))}`,
    { role: 'write' },
  )
  const [count, withId, distinct, highestId] = (rows[0]?.f ?? []).map(({ v }) => Number(v)) as number[]
  return { count: count ?? 0, withId: withId ?? 0, distinct: distinct ?? 0, highestId: highestId ?? 0 }
}

function refusalOf({ count, withId, distinct, highestId }: Ids): string | undefined {
  if (withId < count) return `${count - withId} of its ${count} rows have no "_id"`
  if (distinct < count) return `${count - distinct} of its ${count} rows have the "_id" of another`
  return highestId > HIGHEST_ID ? `its highest "_id" is ${highestId}, above ${HIGHEST_ID}` : undefined
}

/** Writes our metadata beside the table, which stays as it is. Of two processes one comes first; the other's is undone. */
async function adopt(store: Store, { table }: Examined, lastModifiedTime: number): Promise<void> {
  const { client, tables, logger } = store
  const state = quoteName(stateOf(table.id))
  const script = [
    `CREATE TABLE IF NOT EXISTS ${state} AS SELECT ${STATE_VALUES};`,
    atomic([
      insertMetadata(table),
      "ASSERT @@row_count = 1 AS 'datastore:made'",
      `DELETE FROM ${state} WHERE TRUE`,
      `INSERT INTO ${state} SELECT ${STATE_VALUES}`,
    ]),
  ].join('\n')
  try {
    await client.script(script, { params: tableParams(table) })
  } catch (error) {
    // Another process was faster.
    const made = await readTable(client, table.id).catch(() => undefined)
    if (made?.id !== table.id) throw error
    tables.set(made)
    return
  }
  Object.assign(tables.set(table), { checkedAt: Date.now(), lastModifiedTime })
  logger.info('a table of the Python service is adopted', { resource: table.id, rows: table.count })
}

import type { Table } from '../engine.ts'
import { readState, readTable } from './metadata.ts'
import { tableOf } from './names.ts'
import type { Store } from './store.ts'
import type { SeenTable } from './table-cache.ts'

/** How long a table is taken for unchanged after it was last looked at. */
const TRUSTED_MS = 10_000

/** The table with this id or alias: from memory, where nothing says that it has changed since. */
export async function describeTable(store: Store, idOrAlias: string, signal?: AbortSignal): Promise<Table | undefined> {
  const { client, tables } = store
  const seen = tables.get(idOrAlias)
  if (seen && (await isCurrent(store, seen, signal))) return tables.get(idOrAlias)?.table ?? seen.table
  const table = await readTable(client, idOrAlias, signal)
  if (table) tables.set(table)
  return table
}

/** Asks Google, at no cost, when the table was last changed; at most every ten seconds. */
async function isCurrent({ client, tables, config }: Store, seen: SeenTable, signal?: AbortSignal): Promise<boolean> {
  if (!config.bigqueryExternalWrites || Date.now() - seen.checkedAt < TRUSTED_MS) return true
  const { id } = seen.table
  const info = await client.tableInfo(tableOf(id), { signal })
  if (!info) {
    tables.delete(id)
    return false
  }
  const known = seen.lastModifiedTime
  seen.checkedAt = Date.now()
  seen.lastModifiedTime = info.lastModifiedTime
  if (known === info.lastModifiedTime) return true
  const state = await readState(client, id, signal)
  if (state?.schemaRevision !== seen.table.schemaRevision) {
    tables.delete(id)
    return false
  }
  tables.refresh(id, state)
  return true
}

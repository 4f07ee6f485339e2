import type { Table, TableListing } from '../engine.ts'
import { adoptWhenAsked } from './adopt.ts'
import { checked } from './external-writes.ts'
import { readListing, readTable } from './metadata.ts'
import { listPythonTables } from './python-service.ts'
import type { Store } from './store.ts'

/** The table with this id or alias: from memory, where nothing says that it has changed since. */
export async function describeTable(store: Store, idOrAlias: string, signal?: AbortSignal): Promise<Table | undefined> {
  const { client, tables, config } = store
  const seen = tables.get(idOrAlias)
  if (seen) {
    const known = await checked(store, seen)
    if (!known || known.id === idOrAlias || known.aliases.includes(idOrAlias)) return known
  }
  const read = await readTable(client, idOrAlias, signal)
  if (read) return checked(store, tables.set(read), true)
  return config.bigqueryExternalWrites ? adoptWhenAsked(store, idOrAlias, signal) : undefined
}

/** Tables in the order of their ids; those of the Python service among them, adopted or not. */
export async function listTables(
  store: Store,
  page: { after?: string; limit: number },
  signal?: AbortSignal,
): Promise<TableListing[]> {
  const listing = await readListing(store.client, page, signal)
  if (!store.config.bigqueryExternalWrites) return listing
  const known = new Set(listing.map(({ id }) => id))
  const last = listing.length < page.limit ? undefined : listing.at(-1)?.id
  const others = (await listPythonTables(store)).filter(
    (id) => !known.has(id) && id > (page.after ?? '') && (last === undefined || id < last),
  )
  const merged = [...listing, ...others.map((id) => ({ id, aliases: [] }))]
  return merged.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, page.limit)
}

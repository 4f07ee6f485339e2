import { UPDATED_AT_COLUMN } from '../../../core/table-schema.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { StoredTable } from './metadata.ts'
import { readListing, readTable, updateTable } from './metadata.ts'
import type { Store } from './store.ts'
import { commit, nextRevision, tableName, write } from './store.ts'

const PAGE = 500

/** Gives `_updated_at` to the tables that were made without it, filled with the time of their last write. */
export async function addUpdatedAt(store: Store): Promise<void> {
  let after: string | undefined
  for (;;) {
    const page = await store.client.session((session) => readListing(session, { after, limit: PAGE }))
    for (const { id } of page) await write(store, [id], (session) => addTo(store, session, id))
    after = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}

async function addTo(store: Store, session: Session, id: string): Promise<void> {
  const known = await readTable(session, id)
  if (!known || known.hasUpdatedAt) return
  await commit(store, session, id, async () => {
    const table = await readTable(session, id)
    if (!table || table.hasUpdatedAt) return { table }
    const revision = nextRevision(table)
    const changed: StoredTable = { ...table, hasUpdatedAt: true, revision, schemaRevision: revision }
    await store.storage.changeColumns(session, id, { added: new Map([[UPDATED_AT_COLUMN, 'TIMESTAMPTZ']]) })
    await session.run(
      `UPDATE ${tableName(id)} SET ${UPDATED_AT_COLUMN} = ${quoteLiteral(table.updatedAt)}::TIMESTAMPTZ`,
    )
    await updateTable(session, changed)
    return { table: changed }
  })
}

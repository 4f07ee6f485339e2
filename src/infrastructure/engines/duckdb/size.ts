import type { TableSize } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import { BLOCK_SIZE, type Client } from './client.ts'
import type { StoredTable } from './metadata.ts'
import { tableName } from './store.ts'

/** Sizes at one revision of each table: counting its blocks reads its whole storage directory. */
const measured = new WeakMap<StoredTable, number>()

/** Bytes of a table's blocks in the file. What still is in the write-ahead log has none yet. */
export async function tableSize(client: Client, table: StoredTable | undefined, fileBytes: number, signal?: AbortSignal): Promise<TableSize> {
  if (!table) return { table: 0, indexes: 0, total: fileBytes }
  let bytes = measured.get(table)
  if (bytes === undefined) {
    const [blocks] = (await client.session(
      (session) =>
        session.row(
          `SELECT count(DISTINCT block_id) FROM pragma_storage_info(${quoteLiteral(tableName(table.id))}) WHERE block_id >= 0`,
        ),
      signal,
    )) ?? [0n]
    bytes = Number(blocks) * BLOCK_SIZE
    measured.set(table, bytes)
  }
  return { table: bytes, indexes: 0, total: fileBytes }
}

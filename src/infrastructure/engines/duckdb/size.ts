import { TableNotFound } from '../../../core/errors.ts'
import type { TableSize } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Client } from './client.ts'
import { BLOCK_SIZE } from './data-file.ts'
import { isBinderFailure } from './failures.ts'
import type { StoredTable } from './metadata.ts'
import { tableName } from './store.ts'

/** Sizes at one revision of each table: counting its blocks reads its whole storage directory. */
const measured = new WeakMap<StoredTable, number>()

/** Bytes of a table's blocks in the file. What still is in the write-ahead log has none yet. */
export async function tableSize(
  client: Client,
  table: StoredTable | undefined,
  fileBytes: number,
  signal?: AbortSignal,
): Promise<TableSize> {
  if (!table) return { table: 0, indexes: 0, total: fileBytes }
  const known = measured.get(table)
  if (known !== undefined) return { table: known, indexes: 0, total: fileBytes }
  const [blocks, inLog] = (await client
    .session(
      (session) =>
        session.row(
          'SELECT count(DISTINCT block_id) FILTER (block_id >= 0), count(*) FILTER (NOT persistent) ' +
            `FROM pragma_storage_info(${quoteLiteral(tableName(table.id))})`,
        ),
      signal,
    )
    .catch((error) => {
      throw isBinderFailure(error) ? new TableNotFound(table.id) : error
    })) ?? [0n, 0n]
  const bytes = Number(blocks) * BLOCK_SIZE
  // The next checkpoint moves rows from the log to blocks without a new revision.
  if (Number(inLog) === 0) measured.set(table, bytes)
  return { table: bytes, indexes: 0, total: fileBytes }
}

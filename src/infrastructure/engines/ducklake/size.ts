import type { Client, Session } from '../duckdb/client.ts'
import type { TableSize } from '../engine.ts'
import type { Catalog } from './catalog.ts'

const BYTES = 'sum(file_size_bytes + delete_file_size_bytes)'

/**
 * Bytes of a table's Parquet files, and of those of the whole lake with its catalog. Rows that still are in the catalog
 * are counted there.
 */
export async function lakeSize(client: Client, catalog: Catalog, id: string, signal?: AbortSignal): Promise<TableSize> {
  const read = async (session: Session) => {
    const [table, total] = (await session.row(
      `SELECT ${BYTES} FILTER (table_name = $1), ${BYTES} FROM ducklake_table_info('datastore')`,
      [id],
    )) ?? [0, 0]
    return { table: Number(table ?? 0), indexes: 0, total: Number(total ?? 0) + (await catalog.size(session)) }
  }
  return client.session(read, signal)
}

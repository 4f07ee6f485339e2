import type { Client } from '../duckdb/client.ts'
import type { TableSize } from '../engine.ts'

/** Bytes of a table's Parquet files, and of those of the whole lake. Rows that still are in the catalog have none. */
export async function lakeSize(client: Client, id: string, signal?: AbortSignal): Promise<TableSize> {
  const [table, total] = (await client.session(
    (session) =>
      session.row(
        'SELECT sum(file_size_bytes + delete_file_size_bytes) FILTER (table_name = $1), sum(file_size_bytes + delete_file_size_bytes) ' +
          "FROM ducklake_table_info('datastore')",
        [id],
      ),
    signal,
  )) ?? [0, 0]
  return { table: Number(table ?? 0), indexes: 0, total: Number(total ?? 0) }
}

import type { Client } from './client.ts'

/** What downloads may leave of the data file in memory: this part of DuckDB's limit. */
const SHARE = 8

/**
 * Lets go of pages of the data file that downloads have read, beyond a share of DuckDB's memory limit: otherwise every
 * page of a large table would stay in memory until the limit is reached. The operating system still has them.
 *
 * DuckDB lets go of the pages that were used least recently when its limit is lowered. Both statements go there in
 * one call, so that the lower limit holds no longer than that takes, and only while nothing runs that might need more.
 * `memory_limit` is the one setting that the lock leaves open; no statement of a caller can change it, as none but a
 * SELECT passes the gates.
 */
export async function trimPages(client: Client): Promise<void> {
  if (!client.isQuiet) return
  const { session, release } = await client.patientSession()
  try {
    const [pages, used, limit] = (await session.row(USAGE)) ?? []
    const excess = Number(pages) - bytesOf(String(limit)) / SHARE
    if (excess <= 0) return
    const lower = `SET memory_limit = '${Math.ceil(Number(used) - excess)}B'`
    // Pages that are in use can't go; the limit then stays what it was.
    await session.run(`${lower}; SET memory_limit = '${limit}'`).catch(() => undefined)
  } finally {
    release()
  }
}

const USAGE = `
  SELECT sum(memory_usage_bytes) FILTER (tag = 'BASE_TABLE'), sum(memory_usage_bytes), current_setting('memory_limit')
  FROM duckdb_memory()`

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes of a size as DuckDB shows its settings, such as `488.2 MiB`. */
function bytesOf(size: string): number {
  const [number, unit = ''] = size.split(' ')
  return Number(number) * 1024 ** UNITS.indexOf(unit)
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Row } from './kit.ts'

/** The rows of a Parquet file, dates and times as texts. */
export async function readParquet(file: Uint8Array): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'parquet-'))
  try {
    const path = join(folder, 'rows.parquet')
    await writeFile(path, file)
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const reader = await connection.runAndReadAll(`SELECT to_json(r)::VARCHAR FROM read_parquet('${path}') r`)
    connection.closeSync()
    return reader.getRows().map(([row]) => JSON.parse(String(row)) as Row)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { describeContract } from '../../suites/contract/describe.ts'
import { openInProcess } from '../../suites/contract/open.ts'
import { gaps } from '../duckdb/gaps.ts'

/** The contract's cases on lakes in PostgreSQL; with `smoke` one for each section. */
export function lakeContract(smoke: boolean): void {
  const reason = reasonWithoutPostgresLake()
  if (reason !== undefined) return void describe('the contract on ducklake', () => test.skip(reason))
  const folder = mkdtempSync(join(tmpdir(), 'lake-contract-'))
  let postgres: PostgresServer
  const { open, close } = openInProcess(async (index) => ({
    DATASTORE_ENGINE: 'ducklake',
    DUCKLAKE_CATALOG: await postgres.createDatabase(),
    DUCKLAKE_DATA_PATH: join(folder, String(index)),
    DUCKLAKE_MAINTENANCE_MINUTES: '0',
    DUCKDB_PATH: join(folder, 'own'),
    DUCKDB_MEMORY_LIMIT: '512MB',
    DUCKDB_THREADS: '1',
  }))

  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await close()
    await postgres.close()
    rmSync(folder, { recursive: true })
  })
  describeContract({ open, smoke, gaps })
}

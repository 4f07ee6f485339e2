import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { describeContract } from '../../suites/contract/describe.ts'
import { openInProcess } from '../../suites/contract/open.ts'
import { gaps } from './gaps.ts'

const folder = mkdtempSync(join(tmpdir(), 'contract-'))
const { open, close } = openInProcess((index) => ({
  DATASTORE_ENGINE: 'duckdb',
  DUCKDB_PATH: join(folder, String(index)),
  DUCKDB_MEMORY_LIMIT: '256MB',
  DUCKDB_THREADS: '1',
}))

afterAll(async () => {
  await close()
  rmSync(folder, { recursive: true })
})

describeContract({ open, gaps })

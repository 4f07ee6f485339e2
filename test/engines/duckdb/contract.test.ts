import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { describeContract } from '../../suites/contract/describe.ts'
import { openInProcess } from '../../suites/contract/open.ts'

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

describeContract({
  open,
  gaps: {
    '§4.2 names that differ in case alone':
      'DuckDB does not tell the names of columns apart by case: refused with a sentence',
    '§4.5 timestamp takes "January 8, 1999"': 'only dates in digits are read, so that every engine reads the same',
    '§7.2 an alias like the name of a file, in SQL':
      'names that DuckDB might take for files are refused before they are looked up',
  },
})

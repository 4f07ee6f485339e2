import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBConnection } from '@duckdb/node-api'
import { expect, test, vi } from 'vitest'
import { FileLock } from '../../../src/infrastructure/engines/ducklake/file-lock.ts'

test('work that is done stays done when the file is not let go of at once, and the next one has its turn', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  const run = DuckDBConnection.prototype.run
  let failures = 0
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (
    this: DuckDBConnection,
    ...given
  ) {
    if (!given[0].startsWith('DETACH') || failures++ > 0) return run.apply(this, given)
    return Promise.reject(new Error('IO Error: Could not write to the file'))
  })
  const lock = new FileLock(join(folder, 'lake.lock'))
  expect(await lock.run(async () => 'stored')).toBe('stored')
  expect(await lock.run(async () => 'stored, too')).toBe('stored, too')
  expect(failures).toBe(3)
  expect(await lock.alone('maintenance', async () => 'done')).toBe('done')
  spy.mockRestore()
  rmSync(folder, { recursive: true })
})

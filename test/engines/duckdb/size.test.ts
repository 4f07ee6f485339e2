import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createDatastore, type Datastore } from '../../../src/app.ts'
import { toRequest } from '../../fixtures/datastore.ts'

let folder: string
let datastore: Datastore

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'size-'))
  datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', LOG_LEVEL: 'ERROR', DUCKDB_PATH: folder } })
})

afterAll(async () => {
  await datastore.close()
  await rm(folder, { recursive: true })
})

async function call(action: string, params: object): Promise<{ meta: { size: number; db_size: number } }> {
  const response = await datastore.fetch(toRequest(`POST /api/3/action/datastore_${action} ${JSON.stringify(params)}`))
  return ((await response.json()) as { result: { meta: { size: number; db_size: number } } }).result
}

test('a size that was asked for before the checkpoint is not remembered', async () => {
  await call('create', {
    resource_id: 'trees',
    records: Array.from({ length: 3000 }, (_, n) => ({ n, text: `text ${n * 7919}` })),
  })
  await call('info', { id: 'trees' })
  await vi.waitFor(async () => expect((await call('info', { id: 'trees' })).meta.size).toBeGreaterThan(10_000), {
    timeout: 10_000,
    interval: 100,
  })
})

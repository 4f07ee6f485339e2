import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LoadTarget } from '../load/open.ts'
import { openTarget } from '../load/open.ts'

const fields = [{ id: 'a', type: 'int' }]
const records = [{ _id: 1, a: 1 }]

async function within(folder: string, env: Record<string, string>, work: (target: LoadTarget) => Promise<void>) {
  const target = await openTarget({ DUCKDB_PATH: folder, ...env })
  await work(target).finally(() => target.close())
}

test('_updated_at of an earlier setting stays hidden, and a record may be written back as it was read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'updated-at-'))
  try {
    await within(folder, { INCLUDE_UPDATED_AT: 'true' }, async ({ act }) => {
      await act('create', { resource_id: 't', fields, primary_key: 'a', records: [{ a: 1 }] })
      const shown = (await act('search', { resource_id: 't' })).body.result.records
      expect(shown).toEqual([{ ...records[0], _updated_at: expect.any(String) }])
      const back = await act('upsert', { resource_id: 't', records: shown, include_records: true })
      expect([back.status, back.body.result?.records]).toEqual([200, shown])
    })
    await within(folder, {}, async ({ act }) => {
      expect((await act('search', { resource_id: 't' })).body.result.records).toEqual(records)
      const upserted = await act('upsert', { resource_id: 't', records: [{ a: 1 }], include_records: true })
      expect(upserted.body.result.records).toEqual(records)
      const created = await act('create', { resource_id: 't', fields, records: [{ a: 2 }], include_records: true })
      expect(created.body.result.records).toEqual([{ _id: 2, a: 2 }])
      const deleted = await act('records_delete', {
        resource_id: 't',
        filters: { a: 1 },
        include_deleted_records: true,
      })
      expect(deleted.body.result.deleted_records).toEqual(records)
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatastore, type Datastore } from '../../../src/app.ts'

const ROWS = 30_000
/** Rows that are stored when all others are. */
const LATE = new Set([7, 2_500, 29_999])

let folder: string
let datastore: Datastore

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dump-order-'))
  datastore = await createDatastore({
    env: { AUTH_TYPE: 'anonymous', DUCKDB_PATH: folder, LOG_LEVEL: 'CRITICAL', MAX_REQUEST_BODY_MB: '100' },
  })
})

afterAll(async () => {
  await datastore.close()
  await rm(folder, { recursive: true, force: true })
})

async function act(action: string, body: unknown): Promise<void> {
  const request = new Request(`http://localhost/api/3/action/${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect((await datastore.fetch(request)).status).toBe(200)
}

async function ids(table: string): Promise<number[]> {
  const response = await datastore.fetch(new Request(`http://localhost/datastore/dump/${table}?fields=_id`))
  const [, ...lines] = (await response.text()).trim().split(/\r?\n/)
  return lines.map(Number)
}

const all = Array.from({ length: ROWS }, (_, index) => index + 1)
const cases: Record<string, number[][]> = {
  'as they came': [all],
  backwards: [[...all].reverse()],
  'but for a few that came last': [all.filter((id) => !LATE.has(id)), [...LATE]],
}

for (const [name, writes] of Object.entries(cases)) {
  test(`rows that lie ${name} are dumped by _id`, async () => {
    const table = name.replaceAll(' ', '-')
    await act('datastore_create', { resource_id: table, fields: [{ id: 'v', type: 'int' }] })
    for (const write of writes) {
      const records = write.map((_id) => ({ _id, v: _id }))
      await act('datastore_upsert', { resource_id: table, method: 'upsert', records })
    }
    expect(await ids(table)).toEqual(all)
  })
}

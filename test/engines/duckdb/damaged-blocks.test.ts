import { cp, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatastore } from '../../../src/app.ts'
import { readConfig } from '../../../src/core/config.ts'
import { createLogger } from '../../../src/core/log.ts'
import { loadEngine } from '../../../src/infrastructure/engines/registry.ts'

/** DuckDB's three headers stand before the first block. */
const HEADERS = 3 * 4096

const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})

let folder: string
let blocks: { size: number; total: number; used: number }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'damaged-'))
  const data = join(folder, 'data')
  const datastore = await createDatastore({ env: { AUTH_TYPE: 'anonymous', DUCKDB_PATH: data }, logger })
  const tables = { many: rows(9000, 40), long: rows(8, 60_000) }
  for (const [id, records] of Object.entries(tables)) {
    const body = JSON.stringify({ resource_id: id, records, primary_key: 'n' })
    const headers = { 'Content-Type': 'application/json' }
    const request = new Request('http://localhost/api/3/action/datastore_create', { method: 'POST', headers, body })
    expect((await datastore.fetch(request)).status).toBe(200)
  }
  await datastore.close()
  blocks = await blocksOf(join(data, 'datastore.duckdb'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function rows(count: number, length: number) {
  return Array.from({ length: count }, (_, n) => ({ n, text: `${n} `.repeat(length / 2), half: n / 2 }))
}

async function blocksOf(path: string): Promise<typeof blocks> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  const found = await connection.runAndReadAll(
    'SELECT block_size, total_blocks, used_blocks FROM pragma_database_size()',
  )
  const [size, total, used] = found.getRows()[0]?.map(Number) ?? []
  connection.closeSync()
  instance.closeSync()
  return { size: size ?? 0, total: total ?? 0, used: used ?? 0 }
}

/** What comes of a store one of whose blocks has other bytes: what `check` says, or that it does not open. */
async function verdict(block: number): Promise<string> {
  const copy = join(folder, 'copy')
  await rm(copy, { recursive: true, force: true })
  await cp(join(folder, 'data'), copy, { recursive: true })
  const file = await open(join(copy, 'datastore.duckdb'), 'r+')
  const at = HEADERS + block * blocks.size + 100
  const bytes = Buffer.alloc(16)
  await file.read(bytes, 0, bytes.length, at)
  await file.write(
    bytes.map((byte) => byte ^ 0xff),
    0,
    bytes.length,
    at,
  )
  await file.close()
  const { config } = readConfig({ DUCKDB_PATH: copy }, { embedded: true })
  const engine = await loadEngine('duckdb', { config, logger }).catch(() => undefined)
  if (!engine) return 'does not open'
  try {
    const report = await engine.check?.()
    return report?.problems.map(({ table }) => table).join() || 'in order'
  } finally {
    await engine.close()
  }
}

test('each damaged block that is in use is found', { timeout: 120_000 }, async () => {
  const verdicts: string[] = []
  for (let block = 0; block < blocks.total; block += 1) verdicts.push(await verdict(block))
  expect(blocks.used).toBeGreaterThan(10)
  // What nothing uses may hold anything.
  expect(verdicts.filter((said) => said === 'in order').length).toBeLessThanOrEqual(blocks.total - blocks.used)
  const said = new Set(verdicts.flatMap((verdict) => verdict.split(',')))
  expect([...said]).toEqual(expect.arrayContaining(['does not open', 'many', 'long']))
})

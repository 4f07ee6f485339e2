import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LogRecord } from '../../../src/core/log.ts'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { reasonWithoutLake, reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { Kit } from '../../suites/engine/kit.ts'
import type { TestLake } from './open.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const COLUMNS = { k: 'int', v: 'text' }
/** Texts that no compression makes smaller. */
const recordsOf = (count: number, from: number) =>
  Array.from({ length: count }, (_, index) => ({ k: from + index, v: randomBytes(1500).toString('base64') }))

/** A small disk, mounted at a folder: only the superuser of a machine can have one. */
function smallDisk(): { folder: string; fill(): void; clear(): void; remove(): void } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(filler, Buffer.alloc(Number(bavail) * Number(bsize)))
    },
    clear: () => rmSync(filler, { force: true }),
    remove() {
      execFileSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true })
    },
  }
}

const lakes = [
  {
    what: 'of the files',
    reason: reasonWithoutPostgresLake(),
    settings: async (disk: string, postgres: () => Promise<PostgresServer>) => ({
      DUCKLAKE_CATALOG: await (await postgres()).createDatabase(),
      DUCKLAKE_DATA_PATH: join(disk, 'data'),
    }),
  },
  {
    what: 'of a catalog in SQLite',
    reason: reasonWithoutLake(),
    settings: async (disk: string) => ({ DUCKLAKE_CATALOG: `sqlite:${join(disk, 'catalog.sqlite')}` }),
  },
]

describe.each(lakes)('a full disk $what', ({ reason, settings }) => {
  const disk = reason === undefined ? smallDisk() : undefined
  if (!disk) return void test.skip(reason ?? 'no disk can be mounted here')
  let postgres: PostgresServer | undefined
  let lake: TestLake
  let engine: Engine
  const log: LogRecord[] = []
  const kit = new Kit(() => engine)
  beforeAll(async () => {
    lake = await makeLake(() => '')
    Object.assign(
      lake.env,
      await settings(disk.folder, async () => {
        postgres = await startPostgres()
        return postgres
      }),
    )
    engine = await openEngine(lake.env, log)
  })
  afterAll(async () => {
    await engine?.close()
    await lake?.close()
    await postgres?.close()
    disk.remove()
  })

  test('503 in plain words, nothing half-written, and it goes on when there is room', async () => {
    const id = await kit.make(COLUMNS, recordsOf(20, 0), { key: ['k'] })
    const other = await kit.make(COLUMNS, recordsOf(20, 0), { key: ['k'] })
    disk.fill()
    const calls = await Promise.allSettled([
      kit.upsert(id, recordsOf(50, 10)),
      kit.upsert(id, recordsOf(2000, 100)),
      kit.upsert(other, recordsOf(50, 10)),
      kit.create('never made', COLUMNS, { records: recordsOf(100, 0) }),
    ])
    for (const call of calls) {
      expect(call).toMatchObject({ status: 'rejected', reason: { status: 503 } })
      const { message } = (call as PromiseRejectedResult).reason as Error
      expect(message).toMatch(/^[A-Z][a-z' ]+[^/"{}]*\.$/)
      expect(message).not.toMatch(/INSERT|ducklake_|SELECT|p@ss|\/disk-/)
    }
    disk.clear()
    for (const table of [id, other]) {
      expect(await kit.counted(table)).toBe(20)
      expect((await kit.table(table)).count).toBe(20)
    }
    expect(await engine.describe('never made')).toBeUndefined()
    expect((await kit.upsert(id, recordsOf(50, 10))).affected).toBe(50)
    expect((await kit.upsert(other, recordsOf(5, 100))).affected).toBe(5)
    await engine.maintain?.()
    expect([await kit.counted(id), await kit.counted(other)]).toEqual([60, 25])
  })
})

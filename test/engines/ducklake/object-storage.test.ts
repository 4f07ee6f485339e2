import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LogRecord } from '../../../src/core/log.ts'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { reasonWithoutS3, type S3Server, startS3 } from '../../services/s3.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { makeLake, openEngine, type TestLake } from './open.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const COLUMNS = { k: 'int', v: 'text' }
const ROWS = 30_000
const recordsOf = (count: number, v: string) => Array.from({ length: count }, (_, k) => ({ k, v }))

/** Google Cloud Storage is asked in S3's own words, with an HMAC key: by the same server, on other settings. */
const stores = [
  { scheme: 's3', settings: 'S3' },
  { scheme: 'gs', settings: 'GCS' },
] as const
const isMissing = (reasonWithoutPostgresLake() ?? reasonWithoutS3()) !== undefined

describe.skipIf(isMissing).each(stores)('a lake in a bucket ($settings)', ({ scheme, settings }) => {
  let postgres: PostgresServer
  let s3: S3Server
  let lake: TestLake
  let engine: Engine
  let kit: Kit
  const log: LogRecord[] = []
  const objects = () =>
    readdirSync(s3.folder, { recursive: true }).filter((name) => String(name).includes('.parquet._S3rver_object'))
  beforeAll(async () => {
    ;[postgres, s3] = await Promise.all([startPostgres(), startS3()])
    lake = await makeLake(() => postgres.createDatabase())
    Object.assign(lake.env, {
      DUCKLAKE_DATA_PATH: `${scheme}://${s3.bucket}/lake`,
      [`DUCKLAKE_${settings}_ENDPOINT`]: s3.endpoint,
      [`DUCKLAKE_${settings}_KEY`]: s3.key,
      [`DUCKLAKE_${settings}_SECRET`]: s3.secret,
    })
    engine = await openEngine(lake.env, log)
    kit = new Kit(() => engine)
  })
  afterAll(async () => {
    await engine?.close()
    await lake?.close()
    await s3?.close()
    await postgres?.close()
  })

  test('create, write, alter, read, download, version, maintain, delete', async () => {
    const before = objects().length
    const id = await kit.make(COLUMNS, recordsOf(ROWS, 'first'), { key: ['k'] })
    expect(objects().length).toBeGreaterThan(before)
    const { revision } = await kit.table(id)
    await kit.upsert(id, [{ k: 1, v: 'second' }, { k: ROWS, v: 'new' }]) // biome-ignore format: short
    await kit.upsert(id, recordsOf(100, 'many'))
    await kit.deleteRows(id, { k: { gte: 200, lt: 300 } })
    await kit.create(id, { ...COLUMNS, w: 'bool' }, { records: [{ k: -1, w: true }] })
    const count = ROWS + 2 - 100
    expect((await kit.search(id, { limit: 1 })).total).toBe(count)
    expect(await kit.counted(id)).toBe(count)
    expect(await kit.rows(id, { filters: { k: { gte: ROWS - 1 } } })).toMatchObject([{ v: 'first' }, { v: 'new' }])
    const check = async () => {
      expect((await kit.dump(id, 'csv')).trimEnd().split('\n').length).toBe(count)
      expect((await kit.dump(id, 'parquet')).startsWith('PAR1')).toBe(true)
      const past = await engine.describeVersion?.(await kit.table(id), { revision })
      expect(past).toMatchObject({ isPast: true, count: ROWS })
    }
    await check()
    expect((await engine.maintain?.())?.steps.length).toBeGreaterThan(3)
    await check()
    expect((await engine.size(id)).table).toBeGreaterThan(0)
    await engine.delete({ id, what: 'table' })
    await engine.maintain?.({ forget: true })
    await engine.maintain?.({ forget: true })
    expect(objects().length).toBeLessThanOrEqual(before + 3)
  })

  test('while the store is away: 503 in plain words, nothing half-written; then it goes on', async () => {
    const id = await kit.make(COLUMNS, recordsOf(ROWS, 'x'), { key: ['k'] })
    const before = await kit.table(id)
    await s3.stop()
    const error = await kit.upsert(id, recordsOf(ROWS, 'y')).then(
      () => undefined,
      (error: Error) => error,
    )
    await s3.start()
    expect(error).toMatchObject({ status: 503, message: "The lake's data files can't be read or written." })
    expect(await kit.table(id)).toEqual(before)
    expect((await kit.search(id, { filters: { v: 'y' } })).total).toBe(0)
    await kit.upsert(id, recordsOf(ROWS, 'y'))
    expect((await kit.search(id, { filters: { v: 'y' } })).total).toBe(ROWS)
  })

  test('wrong credentials: the start stops with one sentence, which shows none of them', async () => {
    const id = await kit.make(COLUMNS, recordsOf(ROWS, 'x'))
    await engine.maintain?.()
    // s3rver knows keys, and does not check what is signed with their secrets.
    const credentials = { [`DUCKLAKE_${settings}_KEY`]: 'WR0NG', [`DUCKLAKE_${settings}_SECRET`]: 'wr0ng-secret' }
    log.length = 0
    const error = await openEngine({ ...lake.env, ...credentials }, log).then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error).toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: expect.stringMatching(
        new RegExp(`data in ${scheme}://portal/lake/.*data files can't be read or written: .*403`),
      ),
    })
    expect(JSON.stringify([error?.message, log])).not.toMatch(/wr0ng|S3RVER|Signature|password/i)
    expect((await kit.search(id, { limit: 1 })).total).toBe(ROWS)
  })
})

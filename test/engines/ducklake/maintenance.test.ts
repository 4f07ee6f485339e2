import { createHash } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LogRecord } from '../../../src/core/log.ts'
import { createLogger } from '../../../src/core/log.ts'
import type { Maintenance } from '../../../src/infrastructure/engines/ducklake/maintenance.ts'
import { MaintenanceSchedule } from '../../../src/infrastructure/engines/ducklake/maintenance.ts'
import { mergeOf } from '../../../src/infrastructure/engines/ducklake/table-work.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import { freshId, Kit } from '../../suites/engine/kit.ts'
import { openEngine, openWithPostgres } from './open.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const COLUMNS = { k: 'int', v: 'text' }
const MB = 1024 * 1024
/** More than the catalog keeps: a file. */
const rowsFrom = (first: number, count = 11) => Array.from({ length: count }, (_, k) => ({ k: first + k, v: 'x' }))

const merges: [what: string, sizes: number[], merge: ReturnType<typeof mergeOf>][] = [
  ['one file', [500], undefined],
  ['small files', [700, 500, 600], { below: 701, isPart: false }],
  ['a small file beside a large one', [500, 20 * MB], undefined],
  ['files of one size beside a small one', [500, 5 * MB, 5 * MB + 1], { below: 5 * MB + 2, isPart: false }],
  ['more bytes than one turn takes', [30 * MB, 31 * MB, 32 * MB], { below: 31 * MB + 1, isPart: true }],
  ['two that are large enough', [40 * MB, 41 * MB], undefined],
  ['more files than one turn takes', Array.from({ length: 250 }, (_, n) => 500 + n), { below: 600, isPart: true }],
]
test.each(merges)('what is merged of %s', (_what, sizes, merge) => {
  expect(mergeOf(sizes)).toEqual(merge)
})

test('the log says why a lake was not maintained', async () => {
  const log: LogRecord[] = []
  const run = async () => {
    throw new Error('SELECT secret FROM host=db password=x')
  }
  const schedule = new MaintenanceSchedule(
    { run } as unknown as Maintenance,
    0.001,
    createLogger({ logLevel: 'DEBUG' }, (record) => log.push(record)),
  )
  await vi.waitFor(() => expect(log.length).toBeGreaterThan(0), { timeout: 5000 })
  schedule.stop()
  expect(log[0]?.properties).toEqual({ reason: 'The reason is not known here.' })
})

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('maintenance', () => {
  let opened: Awaited<ReturnType<typeof openWithPostgres>>
  let kit: Kit
  beforeAll(async () => {
    opened = await openWithPostgres()
    kit = new Kit(() => opened.engine)
  })
  afterAll(() => opened?.close())

  const maintain = async () => opened.engine.maintain?.()
  const ask = (sql: string) =>
    opened.postgres.query(sql, new URL(opened.lake.env.DUCKLAKE_CATALOG as string).pathname.slice(1))
  const lastSnapshot = () => Number(ask('SELECT max(snapshot_id) FROM ducklake.ducklake_snapshot')[0]?.[0])
  const changesSince = (snapshot: number) =>
    ask(
      `SELECT changes_made FROM ducklake.ducklake_snapshot_changes WHERE snapshot_id > ${snapshot} ORDER BY snapshot_id`,
    ).map(([changes = '']) => changes)
  const filesOf = (id: string) =>
    ask(
      `SELECT f.data_file_id FROM ducklake.ducklake_data_file f JOIN ducklake.ducklake_table t USING (table_id) WHERE f.end_snapshot IS NULL AND t.end_snapshot IS NULL AND t.table_name = '${id}'`,
    ).map(([file]) => file)
  const OF_MAINTENANCE = /flush|merge|rewr/

  test('goes over one table after the other, and writers have their turn between', async () => {
    const ids: string[] = []
    for (let number = 0; number < 12; number += 1) {
      const id = await kit.make(COLUMNS, rowsFrom(0), { key: ['k'] })
      await kit.upsert(id, rowsFrom(20))
      await kit.upsert(id, [{ k: 1, v: 'changed' }])
      ids.push(id)
    }
    const other = await openEngine({ ...opened.lake.env, DUCKDB_PATH: join(opened.lake.folder, 'other') })
    const writer = new Kit(() => other)
    const id = ids.at(-1) as string
    await writer.upsert(id, [{ k: 2, v: 'changed' }])
    const before = lastSnapshot()
    let over = false
    const maintained = maintain().finally(() => {
      over = true
    })
    while (!over) await writer.upsert(id, [{ k: 3, v: 'changed' }])
    await maintained
    const changes = changesSince(before)
    const own = changes.filter((change) => OF_MAINTENANCE.test(change))
    for (const change of own) expect(new Set(change.match(/\d+/g)).size, change).toBe(1)
    expect(own.length).toBeGreaterThan(20)
    const [first, last] = [changes.indexOf(own[0] as string), changes.lastIndexOf(own.at(-1) as string)]
    const between = changes.slice(first, last).filter((change) => !OF_MAINTENANCE.test(change))
    expect(between.length).toBeGreaterThan(5)
    for (const id of ids) expect(await kit.counted(id)).toBe(22)
    await other.close()
  })

  test('leaves tables alone that have nothing to do', async () => {
    await maintain()
    await maintain()
    const before = lastSnapshot()
    await maintain()
    expect(changesSince(before)).toEqual([])
    const id = await kit.make(COLUMNS, rowsFrom(0))
    const made = lastSnapshot()
    await kit.upsert(id, rowsFrom(20), { method: 'insert' })
    await maintain()
    const [table] = ask(`SELECT table_id FROM ducklake.ducklake_table WHERE table_name = '${id}'`)[0] as [string]
    const merged = changesSince(made).filter((change) => change.includes('merge'))
    expect(merged.some((change) => change.match(/\d+/)?.[0] === table)).toBe(true)
    expect(filesOf(id)).toHaveLength(1)
  })

  test('small files are merged though rows of them are deleted, and a large file is written anew when a part of it is', async () => {
    const small = await kit.make(COLUMNS, rowsFrom(0), { key: ['k'] })
    for (const first of [20, 40]) await kit.upsert(small, rowsFrom(first))
    for (const k of [1, 21, 41]) await kit.upsert(small, [{ k, v: 'changed' }])
    const large = freshId()
    const long = (k: number) => ({ k, v: createHash('sha512').update(String(k)).digest('base64') })
    const rows = Array.from({ length: 30_000 }, (_, k) => long(k))
    await kit.create(large, COLUMNS, { key: ['k'], records: rows })
    const [file] = filesOf(large)
    await kit.deleteRows(large, { k: { lt: 6000 } })
    await maintain()
    expect(filesOf(small)).toHaveLength(1)
    expect(filesOf(large)).toEqual([file])
    await kit.deleteRows(large, { k: { lt: 9000 } })
    await maintain()
    expect(filesOf(large)).not.toContain(file)
    expect([await kit.counted(small), await kit.counted(large)]).toEqual([33, 21_000])
  })

  test('more files of a table than one turn takes are merged in one run', async () => {
    const id = await kit.make(COLUMNS, [])
    // Of different sizes, as a turn takes the smallest ones.
    for (let number = 0; number < 110; number += 1) await kit.upsert(id, rowsFrom(0, 11 + number), { method: 'insert' })
    expect(filesOf(id)).toHaveLength(110)
    await maintain()
    expect(filesOf(id)).toHaveLength(1)
    expect(await kit.counted(id)).toBe(110 * 11 + (110 * 109) / 2)
  })

  test('what was given up for good is gone from what the catalog says of files and columns, too', async () => {
    const id = await kit.make({ k: 'int', v: 'text', w: 'text' }, rowsFrom(0), { key: ['k'] })
    await kit.upsert(id, [...rowsFrom(20), { k: 50, v: 'secret, deleted' }, { k: 51, v: 'zz', w: 'secret, dropped' }])
    const said = () =>
      ['file', 'table'].flatMap((of) =>
        ask(
          `SELECT max_value FROM ducklake.ducklake_${of}_column_stats WHERE concat(min_value, max_value) LIKE '%secret%'`,
        ),
      )
    expect(said().length).toBeGreaterThan(0)
    await kit.deleteRows(id, { k: 50 })
    const { schemaRevision: basedOn } = await kit.table(id)
    await opened.engine.delete({ id, what: 'columns', basedOn, columns: ['w'] })
    await opened.engine.maintain?.({ forget: true })
    expect(said()).toEqual([])
  })

  test('what fails at one table keeps no other from it, and is told without what is internal', async () => {
    const [broken, sound] = [await kit.make(COLUMNS, rowsFrom(0)), await kit.make(COLUMNS, rowsFrom(0))]
    for (const id of [broken, sound]) await kit.upsert(id, rowsFrom(20), { method: 'insert' })
    const folder = join(opened.lake.env.DUCKLAKE_DATA_PATH as string, 'main', broken)
    for (const file of readdirSync(folder)) rmSync(join(folder, file))
    const error = await maintain().then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error).toMatchObject({
      status: 503,
      message: `Not maintained: table "${broken}". The lake's data files can't be read or written.`,
    })
    expect(filesOf(sound)).toHaveLength(1)
    await opened.engine.delete({ id: broken, what: 'table' })
    await maintain()
  })

  test('a table that is deleted meanwhile is no failure', async () => {
    for (let round = 0; round < 3; round += 1) {
      const ids = []
      for (let number = 0; number < 4; number += 1) {
        const id = await kit.make(COLUMNS, rowsFrom(0))
        await kit.upsert(id, rowsFrom(20), { method: 'insert' })
        ids.push(id)
      }
      const maintained = maintain()
      await sleep(round * 20)
      for (const id of ids.reverse()) await opened.engine.delete({ id, what: 'table' })
      await maintained
    }
  })
})

import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDataFile } from '../../../src/infrastructure/engines/duckdb/data-file.ts'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { Kit, refusal } from '../../suites/engine/kit.ts'
import { openIn } from './open.ts'

let path: string
let engine: Engine
let kit: Kit

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'close-'))
  engine = await openIn(path)
  kit = new Kit(() => engine)
})
afterEach(async () => {
  await engine.close()
  await rm(path, { recursive: true, force: true })
})

const COLUMNS = { k: 'int', v: 'text' }
const RECORDS = Array.from({ length: 60_000 }, (_, k) => ({ k, v: `value ${k}` }))

/** SQL that would run for hours, more of it than may run at once; answers how each ended. */
async function endlessSql(id: string, signal?: AbortSignal): Promise<Error[]> {
  const table = await kit.table(id)
  const sql = `SELECT count(*) FROM "${id}" a, "${id}" b, "${id}" c WHERE a.k * b.k < c.k`
  const plan = {
    ...(await engine.inspectSql(sql)),
    resolved: new Map([[id, table]]),
    rowsMax: 1,
    format: 'lists' as const,
  }
  return Promise.all(Array.from({ length: 8 }, () => refusal(engine.runSql(plan, { ...(signal && { signal }) }))))
}

test('SQL that never ends keeps no search, no write and no download waiting', async () => {
  const id = await kit.make(COLUMNS, RECORDS)
  const controller = new AbortController()
  const running = endlessSql(id, controller.signal)
  await sleep(100)
  for (let round = 0; round < 3; round += 1) {
    await kit.upsert(id, [{ k: 1 }], { method: 'insert' })
    expect((await kit.search(id, { limit: 1 })).total).toBe(RECORDS.length + 1 + round)
    expect((await kit.dump(id, 'csv')).split('\n')).toHaveLength(RECORDS.length + 2 + round)
  }
  controller.abort(new Error('enough'))
  expect(new Set((await running).map(({ message }) => message))).toEqual(new Set(['enough']))
})

describe('what is closed', () => {
  test('is all in the file, and opens again as it was', async () => {
    const id = await kit.make(COLUMNS, RECORDS, {
      key: ['k'],
      aliases: ['trees'],
      schemaProperties: { title: 'Trees' },
    })
    await kit.deleteRows(id, { k: { gte: 10 } })
    await kit.upsert(id, '[{"k": 3, "v": "changed"}]')
    const before = await kit.table(id)
    await engine.close()
    expect((await readdir(path)).sort()).toEqual(['datastore.duckdb', 'dumps', 'export', 'load', 'rejected', 'tmp'])

    engine = await openIn(path)
    expect(await engine.describe('trees')).toEqual(before)
    expect(await kit.values(id, 'v', { filters: { k: 3 } })).toEqual(['changed'])
    await kit.upsert(id, [{ k: 77 }])
    expect(await kit.values(id, '_id', { filters: { k: 77 } })).toEqual([60_001])
  })

  test('lets writes finish and stops reads', async () => {
    const id = await kit.make(COLUMNS, RECORDS)
    const reads = endlessSql(id)
    const dumped = await kit.openDump(id, 'csv')
    const write = kit.upsert(id, [{ k: 1 }], { method: 'insert' })
    await sleep(100)
    await engine.close()
    expect((await write).affected).toBe(1)
    for (const error of await reads) expect(error).toBeInstanceOf(Error)
    expect(await refusal(new Response(dumped).text())).toBeInstanceOf(Error)
    expect(await refusal(engine.describe('nobody'))).toMatchObject({ status: 503 })
    await engine.close()

    engine = await openIn(path)
    expect((await kit.table(id)).count).toBe(RECORDS.length + 1)
  })
})

test('one process opens its data once, by whatever name', async () => {
  const link = `${path}-link`
  await symlink(path, link)
  try {
    for (const name of [path, `${path}/.`, link]) {
      expect(await refusal(openIn(name))).toMatchObject({
        code: 'ERR_CONFIGURATION',
        message: /^This process has the data in \S+ open already/,
      })
    }
  } finally {
    await rm(link)
  }
})

test('what a crash left in the working folders is cleared at the next start', async () => {
  await engine.close()
  for (const name of ['tmp', 'load', 'export', 'dumps', 'rejected']) {
    await writeFile(join(path, name, 'left'), 'x')
    await mkdir(join(path, name, 'folder'))
  }
  engine = await openIn(path)
  for (const name of ['tmp', 'load', 'export', 'dumps', 'rejected']) expect(await readdir(join(path, name))).toEqual([])
})

test('a statement that can not be stopped is told of, after what is stored is in the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stuck-'))
  const client = await openDataFile({ path: folder })
  let stop = () => {}
  const stuck = client.session(() => new Promise<void>((resolve) => (stop = resolve)))
  await client.session((session) => session.run('CREATE TABLE kept (a INTEGER)'))
  await expect(client.close(50)).rejects.toThrow('A statement could not be stopped.')
  expect(await readdir(folder)).not.toContain('datastore.duckdb.wal')
  stop()
  await stuck
  await rm(folder, { recursive: true })
})

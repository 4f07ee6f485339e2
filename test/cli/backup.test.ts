import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Running, serve } from '../../adapters/node/serve.ts'
import { createLogger } from '../../src/core/log.ts'
import { runCommand } from './run-command.ts'

let folder: string
let running: Running | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backup-'))
})
afterEach(async () => {
  await running?.close(0)
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

const settings = (data: string) => ({ DUCKDB_PATH: join(folder, data), AUTH_TYPE: 'anonymous', PORT: '0' })
const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
const command = (data: string, ...args: string[]) => runCommand(args, { cwd: folder, env: settings(data) })

async function start(data: string): Promise<void> {
  running = await serve({ env: settings(data), logger })
}

async function stop(): Promise<void> {
  await running?.close(0)
  running = undefined
}

async function act(action: string, body: object) {
  const response = await fetch(`${running?.url}/api/3/action/datastore_${action}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Connection: 'close' },
    body: JSON.stringify(body),
  })
  return ((await response.json()) as { result: Record<string, unknown> }).result
}

async function fill(rows: number): Promise<void> {
  const text = Array.from({ length: rows }, (_, row) => `{"n": ${row}, "word": "größe ${row}"}`).join('\n')
  const loaded = await fetch(`${running?.url}/datastore/load/trees?format=ndjson`, { method: 'POST', body: text })
  expect(loaded.status).toBe(200)
  await act('create', {
    resource_id: 'shrubs',
    fields: [{ id: 'a', type: 'text' }],
    aliases: 'bushes',
    primary_key: 'a',
  })
}

describe('backup and restore', () => {
  test('of a server that runs and is written to: one moment, whole, and all that belongs to it', async () => {
    await start('data')
    await fill(50_000)
    let isOver = false
    const writing = (async () => {
      let rows = 0
      // Both tables grow in step: a copy of one moment has at most one row more in the first.
      for (; !isOver; rows += 1) {
        await act('upsert', { resource_id: 'trees', method: 'insert', records: [{ n: -rows, word: 'new' }] })
        await act('upsert', { resource_id: 'shrubs', method: 'insert', records: [{ a: String(rows) }] })
      }
      return rows
    })()
    const made = await command('data', 'backup', 'all.backup')
    isOver = true
    const written = await writing
    expect(made).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^[\d.]+ MB into all\.backup\n$/) })
    expect((await stat(join(folder, 'all.backup'))).mode & 0o077).toBe(0)
    expect(written).toBeGreaterThan(2)
    expect(await readdir(join(folder, 'data', 'export'))).toEqual([])
    await stop()

    expect(await command('restored', 'restore', 'all.backup')).toMatchObject({ code: 0, stdout: '2 tables restored\n' })
    expect(await command('restored', 'check')).toMatchObject({ code: 0, stdout: '2 tables are in order\n' })
    await start('restored')
    const trees = await act('search', { resource_id: 'trees', limit: 0 })
    const shrubs = await act('search', { resource_id: 'bushes', limit: 0 })
    const added = Number(trees.total) - 50_000
    expect(added).toBeGreaterThanOrEqual(0)
    expect(added).toBeLessThanOrEqual(written)
    expect(added - Number(shrubs.total)).toBeGreaterThanOrEqual(0)
    expect(added - Number(shrubs.total)).toBeLessThanOrEqual(1)
    const found = await act('search', { resource_id: 'trees', q: 'größe 4711' })
    expect(found).toMatchObject({ records: [{ n: 4711, word: 'größe 4711' }] })
    // What was restored is written to as what was not.
    await act('upsert', { resource_id: 'trees', method: 'insert', records: [{ n: 1, word: 'after' }] })
    expect(await act('search', { resource_id: 'trees', limit: 0 })).toMatchObject({ total: Number(trees.total) + 1 })
  })

  test('of data that no server has open', async () => {
    await start('data')
    await fill(10)
    await stop()
    expect(await command('data', 'backup', 'all.backup')).toMatchObject({ code: 0 })
    expect(await command('restored', 'restore', 'all.backup')).toMatchObject({ code: 0 })
  })

  for (const [name, ...args] of [
    ['backup', 'all.backup'],
    ['check'],
    ['maintain'],
    ['purge', '--ckan', '--anonymous'],
  ]) {
    test(`${name} of a folder without data says so, and makes none`, async () => {
      expect(await command('mistyped', name as string, ...args)).toEqual({
        code: 1,
        stdout: '',
        stderr: `There is no data in ${join(folder, 'mistyped')} (DUCKDB_PATH).\n`,
      })
      expect(await readdir(folder)).toEqual([])
    })
  }

  test('nothing is overwritten', async () => {
    await start('data')
    await fill(10)
    await writeFile(join(folder, 'mine.txt'), 'mine')
    expect(await command('data', 'backup', 'mine.txt')).toMatchObject({
      code: 1,
      stderr: 'There is a file mine.txt already: it stays.\n',
    })
    expect(await command('data', 'backup', 'all.backup')).toMatchObject({ code: 0 })
    expect(await command('data', 'restore', 'all.backup')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^There is data in .*data already: restore into an empty folder \(DUCKDB_PATH\)\.\n$/,
      ),
    })
    expect((await readdir(folder)).sort()).toEqual(['all.backup', 'data', 'mine.txt'])
  })

  const bad: [string, (path: string) => Promise<unknown>][] = [
    ['what is no database', (path) => writeFile(path, 'no database, but long enough to be looked at'.repeat(100))],
    [
      'what is no datastore',
      async (path) => {
        const instance = await DuckDBInstance.create(path)
        instance.closeSync()
      },
    ],
  ]
  for (const [what, make] of bad) {
    test(`${what} is not restored, and leaves nothing`, async () => {
      await make(join(folder, 'bad'))
      expect(await command('restored', 'restore', 'bad')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^bad is no backup of a datastore: /),
      })
      expect(await readdir(join(folder, 'restored'))).toEqual([])
    })
  }

  test('a file that is not there', async () => {
    expect(await command('restored', 'restore', 'nothing')).toMatchObject({
      code: 1,
      stderr: 'There is no file nothing.\n',
    })
  })
})

describe('check', () => {
  async function spoil(...statements: string[]): Promise<void> {
    await start('data')
    await fill(10)
    await stop()
    const instance = await DuckDBInstance.create(join(folder, 'data', 'datastore.duckdb'))
    const connection = await instance.connect()
    for (const statement of statements) await connection.run(statement)
    connection.closeSync()
    instance.closeSync()
  }

  const cases: [string, Record<string, RegExp>][] = [
    ['UPDATE _table_metadata SET row_count = 11', { shrubs: /has 0 rows, and 11 by/, trees: /has 10 rows, and 11 by/ }],
    ["UPDATE _table_metadata SET next_id = 3 WHERE resource_id = 'trees'", { trees: /next _id would be 3, and 10 is/ }],
    ['DROP TABLE trees', { trees: /its data is missing/ }],
    ['ALTER TABLE trees DROP COLUMN word', { trees: /the column "word" is missing/ }],
    ['CREATE TABLE stray (a INT)', { stray: /there is no metadata of it/ }],
    ["UPDATE _table_aliases SET resource_id = 'gone'", { gone: /the alias "bushes" leads to no table/ }],
    ['UPDATE trees SET _id = 1 WHERE _id = 2', { trees: /1 rows have an _id that others have, too/ }],
    ["UPDATE _table_metadata SET definition = '{' WHERE resource_id = 'trees'", { trees: /it can not be read/ }],
  ]
  for (const [statement, told] of cases) {
    test(statement, async () => {
      await spoil(statement)
      await start('data')
      const { problems = [] } = (await running?.service.engine.check?.()) ?? {}
      expect(Object.fromEntries(problems.map(({ table, sentence }) => [table, sentence]))).toEqual(
        Object.fromEntries(Object.entries(told).map(([table, sentence]) => [table, expect.stringMatching(sentence)])),
      )
    })
  }

  test('a damaged disk: the table is named, and the ones behind it are checked', async () => {
    await start('data')
    await fill(50_000)
    await act('create', { resource_id: 'zebras', records: [{ a: 1 }] })
    await stop()
    const path = join(folder, 'data', 'datastore.duckdb')
    const instance = await DuckDBInstance.create(path)
    const connection = await instance.connect()
    await connection.run("UPDATE _table_metadata SET row_count = 7 WHERE resource_id = 'zebras'")
    connection.closeSync()
    instance.closeSync()
    const whole = await readFile(path)
    const found: Record<string, string>[] = []
    for (let block = 3 * 4096; block < whole.length; block += 256 * 1024) {
      const damaged = Buffer.from(whole)
      damaged.write('damaged', block + 1000)
      await writeFile(path, damaged)
      // A block of DuckDB's own catalog keeps the file from being opened at all.
      const report = await start('data').then(
        () => running?.service.engine.check?.(),
        () => undefined,
      )
      if (report) found.push(Object.fromEntries(report.problems.map(({ table, sentence }) => [table, sentence])))
      await stop()
    }
    expect(found).toContainEqual({
      trees: expect.stringMatching(/^it can not be read: .*checksum/),
      zebras: 'it has 1 rows, and 7 by its metadata',
    })
  })

  test('says what is wrong with exit code 1', async () => {
    await spoil('CREATE TABLE stray (a INT)')
    expect(await command('data', 'check')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'stray: there is no metadata of it\n1 problems in 2 tables\n',
    })
  })

  test('of a server that runs, for scripts', async () => {
    await start('data')
    await fill(10)
    const { code, stdout } = await command('data', 'check', '--json')
    expect([code, JSON.parse(stdout)]).toEqual([0, { tables: 2, problems: [] }])
  })
})

import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../fixtures/server-process.ts'
import { run, startServer } from '../fixtures/server-process.ts'

let folder: string
const servers: ServerProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-up-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.kill('SIGKILL')
    await server.ended
  }
  await rm(folder, { recursive: true, force: true })
})

async function start(): Promise<ServerProcess> {
  const server = await startServer({ env: { DUCKDB_PATH: folder } })
  servers.push(server)
  return server
}

/** Another user, where this one may do everything. */
const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : []

async function makeDataFile(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(folder, 'datastore.duckdb'))
  const connection = await instance.connect()
  await connection.run(sql)
  connection.closeSync()
  instance.closeSync()
}

describe('what keeps the server from starting is said in one plain sentence, with exit code 1', () => {
  const cases: {
    name: string
    prefix?: string[]
    env?: () => Record<string, string>
    prepare(): unknown
    says: RegExp
  }[] = [
    {
      name: 'another process has the data open',
      prepare: start,
      says: /^Another process \(PID \d+\) has the data in \S+ open: one DuckDB file serves one process\.$/,
    },
    {
      name: 'a folder without write permission',
      prefix: asNobody,
      prepare: () => chmod(folder, 0o555),
      says: /^The data folder \S+ is not writable for this user: .+\.$/,
    },
    {
      name: 'a data file without write permission',
      prefix: asNobody,
      prepare: async () => {
        await makeDataFile('SELECT 1')
        for (const name of ['tmp', 'load', 'export']) await mkdir(join(folder, name), { mode: 0o777 })
        await chmod(join(folder, 'datastore.duckdb'), 0o444)
        await chmod(folder, 0o555)
      },
      says: /^The data folder \S+ is not writable for this user: .+\.$/,
    },
    {
      name: 'a path that is a file',
      prepare: () => writeFile(join(folder, 'file'), ''),
      env: () => ({ DUCKDB_PATH: join(folder, 'file') }),
      says: /^DUCKDB_PATH must be a folder, and \S+ is not one\.$/,
    },
    {
      name: 'a data file that is no database',
      prepare: () => writeFile(join(folder, 'datastore.duckdb'), 'name,height\noak,12\n'.repeat(1000)),
      says: /^datastore\.duckdb in \S+ is not a DuckDB file: .+\.$/,
    },
    {
      name: 'data of a newer version',
      prepare: () =>
        makeDataFile('CREATE TABLE _datastore_format (version INTEGER); INSERT INTO _datastore_format VALUES (999)'),
      says: /^The data was written by a newer version of this service \(metadata format 999, this one reads \d+\): update it\.$/,
    },
    {
      name: 'a damaged write-ahead log',
      prepare: async () => {
        await makeDataFile(
          'PRAGMA disable_checkpoint_on_shutdown; CREATE TABLE a AS SELECT range AS n FROM range(10000); CREATE TABLE b (n INTEGER)',
        )
        const wal = join(folder, 'datastore.duckdb.wal')
        const bytes = await readFile(wal)
        await writeFile(wal, bytes.fill(0x5a, 200, 400))
      },
      says: /^The write-ahead log in \S+ can't be replayed: .+\.$/,
    },
  ]
  for (const { name, prefix, env, prepare, says } of cases) {
    test(name, { timeout: 60_000 }, async () => {
      await prepare()
      const options = { env: { DUCKDB_PATH: folder, PORT: '0', ...env?.() }, ...(prefix && { prefix }) }
      const { code, stdout, stderr } = await run(options)
      expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }, stderr).toEqual({
        code: 1,
        stdout: '',
        lines: 1,
      })
      expect(stderr.trimEnd()).toMatch(says)
    })
  }

  test('a port in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const { code, stderr } = await run({ env: { DUCKDB_PATH: folder, PORT: String(port) } })
    holder.close()
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `Port ${port} is in use by another program: stop it, or set PORT to another one\n`,
    })
    expect(await readdir(folder)).not.toContain('datastore.duckdb.wal')
  })
})

test('SIGTERM: a running download and a running write finish, and all is in the file', {
  timeout: 60_000,
}, async () => {
  const server = await start()
  const records = Array.from({ length: 40_000 }, (_, k) => ({ k, v: `value ${k} ${'x'.repeat(100)}` }))
  const fields = [
    { id: 'k', type: 'int' },
    { id: 'v', type: 'text' },
  ]
  expect(
    (await server.act('datastore_create', { resource_id: 'trees', fields, primary_key: ['k'], records })).status,
  ).toBe(200)

  const download = await fetch(`${server.url}/datastore/dump/trees`)
  const reader = (download.body as ReadableStream<Uint8Array>).getReader()
  let bytes = (await reader.read()).value?.length ?? 0
  const write = server.act('datastore_upsert', {
    resource_id: 'trees',
    records: records.map(({ k }) => ({ k: k + 40_000, v: 'more' })),
  })
  await new Promise((resolve) => setTimeout(resolve, 20))
  server.kill('SIGTERM')
  expect((await write).status).toBe(200)
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.length
  }
  const expected = records.reduce((sum, { k, v }) => sum + `${k + 1},${k},${v}\n`.length, '_id,k,v\r\n'.length)
  expect(bytes).toBe(expected)
  expect(await server.ended).toMatchObject({ code: 0, stderr: '' })
  expect((await readdir(folder)).sort()).toEqual(['datastore.duckdb', 'dumps', 'export', 'load', 'rejected', 'tmp'])
  for (const name of ['export', 'load', 'tmp']) expect(await readdir(join(folder, name))).toEqual([])

  const again = await start()
  const { result } = await again.act('datastore_search', { resource_id: 'trees', limit: 0 })
  expect(result.total).toBe(80_000)
})

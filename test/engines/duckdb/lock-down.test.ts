import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Client } from '../../../src/infrastructure/engines/duckdb/client.ts'
import { openDataFile } from '../../../src/infrastructure/engines/duckdb/data-file.ts'
import { openIn } from './open.ts'

/** The settings of the instance that serves requests, each seen on that instance (traps T3, T4, T6). */
describe('the DuckDB instance', () => {
  let path: string
  let client: Client

  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'lock-down-'))
    client = await openDataFile({ path, memoryLimit: '300MB', threads: 1 })
  })

  afterAll(async () => {
    await client.close()
    await rm(path, { recursive: true, force: true })
  })

  const setting = (name: string) =>
    client.session(async (session) =>
      String((await session.row(`SELECT value FROM duckdb_settings() WHERE name = '${name}'`))?.[0]),
    )

  const settings: [string, string | RegExp][] = [
    ['enable_external_access', 'false'],
    ['lock_configuration', 'true'],
    ['autoinstall_known_extensions', 'false'],
    ['autoload_known_extensions', 'false'],
    ['allow_community_extensions', 'false'],
    ['TimeZone', 'UTC'],
    ['threads', '1'],
    ['memory_limit', /28\d\.\d MiB/],
    ['default_block_size', '65536'],
  ]

  it.each(settings)('%s is %s', async (name, value) => {
    expect(await setting(name)).toMatch(value)
  })

  it('keeps its data in folders that are for nobody else', async () => {
    const outer = join(path, 'made', 'for-it')
    const engine = await openIn(outer)
    await engine.close()
    for (const name of ['..', '.', 'tmp', 'load', 'export', 'dumps', 'rejected'])
      expect(((await stat(join(outer, name))).mode & 0o777).toString(8), name).toBe('700')
  })

  it('may only reach the folders beside its file', async () => {
    const allowed = await setting('allowed_directories')
    for (const folder of Object.values(client.folders)) expect(allowed).toContain(folder)
    expect(allowed.split(',')).toHaveLength(3)
    expect(await setting('temp_directory')).toBe(client.folders.tmp)
  })

  const refused = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "ATTACH '/tmp/other.duckdb'",
    'SET threads = 4',
    'SET threads = 64',
    "SET allowed_configs = ['enable_external_access']",
    'SET enable_external_access = true',
    "SET TimeZone = 'Europe/Berlin'",
    'INSTALL httpfs',
    'LOAD httpfs',
    "SELECT * FROM read_csv('https://example.org/a.csv')",
  ]

  it.each(refused)('refuses %s', async (sql) => {
    await expect(client.session((session) => session.rows(sql))).rejects.toThrow()
  })
})

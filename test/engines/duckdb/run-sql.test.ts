import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine, SqlPlan } from '../../../src/infrastructure/engines/engine.ts'
import { openIn } from './open.ts'

/** What the engine holds by itself, should both gates sleep: plans that no gate lets through. */
let path: string
let engine: Engine

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'run-sql-'))
  const instance = await DuckDBInstance.create(join(path, 'datastore.duckdb'))
  const connection = await instance.connect()
  await connection.run('CREATE SEQUENCE numbers')
  connection.closeSync()
  instance.closeSync()
  engine = await openIn(path)
})

afterAll(async () => {
  await engine?.close()
  await rm(path, { recursive: true, force: true })
})

const plan = (sql: string): SqlPlan => ({
  sql,
  tables: [],
  functions: [],
  resolved: new Map(),
  rowsMax: 10,
  format: 'lists',
})

describe('a statement that writes fails', () => {
  test.each(["SELECT nextval('numbers') AS n"])('as an answer: %s', async (sql) => {
    await expect(engine.runSql(plan(sql))).rejects.toMatchObject({ message: expect.stringContaining('read-only') })
  })

  test.each(["SELECT nextval('numbers') AS n"])('as a download: %s', async (sql) => {
    const dumped = engine.dumpSql?.({ ...plan(sql), format: 'csv' })
    await expect(dumped).rejects.toMatchObject({ message: expect.stringContaining('read-only') })
  })
})

describe('an answer has a size', () => {
  const rows = (bytes: number) => plan(`SELECT repeat('a', ${bytes}) AS a FROM range(10)`)

  test('a few megabytes pass', async () => {
    expect((await engine.runSql(rows(100_000))).rows).toBe(10)
  })

  test('more than 100 MB are refused with what to do', async () => {
    await expect(engine.runSql(rows(11_000_000))).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('larger than 100 MB'),
    })
  })
})

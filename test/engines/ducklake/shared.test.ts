import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readConfig } from '../../../src/core/config.ts'
import type { LogRecord } from '../../../src/core/log.ts'
import type { Engine, Table } from '../../../src/infrastructure/engines/engine.ts'
import { quoteLiteral } from '../../../src/infrastructure/engines/sql/quote.ts'
import { selectRows } from '../../../src/services/selection.ts'
import { reasonWithoutLake, reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { columnsOf, freshId, Kit, textOf } from '../../suites/engine/kit.ts'
import type { TestLake } from './open.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const { config } = readConfig({})
const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }
const recordsOf = (count: number, v: string) => Array.from({ length: count }, (_, k) => ({ k, v }))

/** Rows, keys, `_id`s and the stored count agree, on data read by `kit`. */
async function expectSound(kit: Kit, id: string): Promise<Record<string, unknown>[]> {
  const rows = await kit.rows(id)
  const table = (await kit.table(id)) as Table & { nextId: number }
  expect(new Set(rows.map(({ k }) => k)).size).toBe(rows.length)
  expect(new Set(rows.map(({ _id }) => _id)).size).toBe(rows.length)
  expect(table.count).toBe(rows.length)
  expect(await kit.counted(id)).toBe(rows.length)
  expect(Math.max(0, ...rows.map(({ _id }) => Number(_id)))).toBeLessThan(table.nextId)
  return rows
}

/** All values in a lake's files, whether they still count or not. */
async function storedTexts({ env }: TestLake): Promise<string> {
  const folder = env.DUCKLAKE_DATA_PATH as string
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.parquet'))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const texts: string[] = []
  for (const file of files) {
    const rows = await connection.runAndReadAll(`FROM read_parquet(${quoteLiteral(join(folder, file))})`)
    texts.push(rows.getRows().flat().join('\n'))
  }
  connection.closeSync()
  instance.closeSync()
  return texts.join('\n')
}

/** What two processes on one lake must keep to, whatever its catalog is. */
function sharedLake(open: () => Promise<{ lake: TestLake; engines: Engine[] }>): void {
  let lake: TestLake
  let engines: Engine[]
  let kits: [Kit, Kit]
  beforeAll(async () => {
    ;({ lake, engines } = await open())
    kits = [new Kit(() => engines[0] as Engine), new Kit(() => engines[1] as Engine)]
  })
  afterAll(async () => {
    for (const engine of engines ?? []) await engine.close()
    await lake?.close()
  })

  test('a row comes into a required column, whatever the other has written meanwhile', async () => {
    const [a, b] = kits
    const columns = columnsOf(COLUMNS).map((column) =>
      column.name === 'v' ? { ...column, field: { ...column.field, constraints: { required: true } } } : column,
    )
    const required = freshId()
    await a.create(required, columns, { key: ['k'] })
    await b.upsert(required, [{ k: 1, v: 'x' }])
    // Both ask for the table first, then both write.
    await Promise.all([a.upsert(required, [{ k: 2, v: 'y' }]), b.upsert(required, [{ k: 3, v: 'z' }])])
    await expect(a.upsert(required, [{ k: 4 }])).rejects.toMatchObject({ detail: { records_column: 'v' } })
    expect((await b.values(required, 'v')).sort()).toEqual(['x', 'y', 'z'])
  })

  test('a table, a column, a row and a drop in one are there for the next request in the other', async () => {
    const [a, b] = kits
    const id = await a.make(COLUMNS, [{ k: 1, v: 'x' }], { key: ['k'], aliases: [`${freshId()} alias`] })
    expect(await b.values(id, 'v')).toEqual(['x'])
    await b.upsert(id, [{ k: 1, v: 'y' }, { k: 2 }])
    expect(await a.values(id, 'v')).toEqual(['y', null])
    await a.create(id, { ...COLUMNS, w: 'bool' }, { records: [{ k: 3, w: true }] })
    expect(await b.values(id, 'w')).toEqual([null, null, true])
    await b.upsert(id, [{ k: 3, n: 1.25 }], { method: 'update' })
    expect(await a.values(id, 'n')).toEqual([null, null, 1.25])
    await a.engine.delete({ id, what: 'table' })
    expect(await b.engine.describe(id)).toBeUndefined()
  })

  test('upserts of the same keys in both leave each key once, and each _id', async () => {
    const id = await kits[0].make(COLUMNS, [], { key: ['k'] })
    const calls = Array.from({ length: 16 }, (_, call) =>
      (kits[call % 2] as Kit).upsert(id, recordsOf(12, `call ${call}`)),
    )
    await Promise.all(calls)
    for (const kit of kits) {
      const rows = await expectSound(kit, id)
      expect(rows.map(({ _id }) => _id)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1))
      expect(new Set(rows.map(({ v }) => v)).size).toBe(1)
    }
  })

  test('creates of one table: one wins, and the other is stale or refused', async () => {
    const id = freshId()
    const plans = await Promise.all(kits.map((kit) => kit.plan(id, COLUMNS)))
    const results = await Promise.allSettled(plans.map((plan, index) => (kits[index] as Kit).engine.create(plan)))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test.each(['rowid', 'ROWID', 'oid', 'ctid', 'xmin', 'tableoid'])(
    'a column may have the name %s of a column of the database behind it, or is refused with it',
    async (name) => {
      const [a, b] = kits
      const id = freshId()
      const refused = await a.create(id, { k: 'int', [name]: 'text' }, { key: ['k'] }).then(
        () => undefined,
        (error) => error,
      )
      if (refused) return expect(refused).toMatchObject({ detail: { fields: [expect.stringContaining(`"${name}"`)] } })
      for (const value of ['x', 'y']) await a.upsert(id, [{ k: 1, [name]: value }])
      expect(await b.values(id, name)).toEqual(['y'])
    },
  )

  test('times of revisions only grow, whatever the clocks of two processes say', async () => {
    const [a, b] = kits
    const id = await a.make(COLUMNS, [{ k: 1, v: 'first' }], { key: ['k'] })
    const clock = Date.now.bind(Date)
    const behind = vi.spyOn(Date, 'now').mockImplementation(() => clock() - 600_000)
    await b.upsert(id, [{ k: 1, v: 'by a clock that is behind' }])
    behind.mockRestore()
    await a.upsert(id, [{ k: 1, v: 'last' }])
    const table = await a.table(id)
    const revisions = (await a.engine.revisions?.(table, { limit: 9 })) ?? []
    expect(revisions).toHaveLength(3)
    for (const { revision, committedAt } of revisions)
      expect((await b.engine.describeVersion?.(table, { asOf: committedAt }))?.revision).toBe(revision)
  })

  test('maintenance beside writes brings no row back and loses none', async () => {
    const [a, b] = kits
    const id = await a.make(COLUMNS, recordsOf(30, 'first'), { key: ['k'] })
    const expected = new Map(recordsOf(30, 'first').map(({ k, v }) => [k, v]))
    const changes = (async () => {
      for (let round = 0; round < 12; round += 1) {
        const keys = [round, round + 7, round + 40]
        await (kits[round % 2] as Kit).upsert(
          id,
          keys.map((k) => ({ k, v: `round ${round}` })),
        )
        for (const k of keys) expected.set(k, `round ${round}`)
        await a.deleteRows(id, { k: round + 15 })
        expected.delete(round + 15)
      }
    })()
    let over = false
    const done = () => {
      over = true
    }
    changes.then(done, done)
    let runs = 0
    while (!over) {
      if (await b.engine.maintain?.()) runs += 1
      // Writes go on: only what one read says can be compared.
      const { text, total } = await a.search(id)
      const rows = JSON.parse(`[${text}]`) as { _id: number; k: number }[]
      expect([rows.length, new Set(rows.map(({ k }) => k)).size, new Set(rows.map(({ _id }) => _id)).size]).toEqual([
        total,
        total,
        total,
      ])
    }
    await changes
    expect(runs).toBeGreaterThan(0)
    const rows = await expectSound(b, id)
    expect(new Map(rows.map(({ k, v }) => [k, v]))).toEqual(expected)
  })

  test('maintenance beside reads: each sees a table whole, and once', async () => {
    const [a, b] = kits
    const id = await a.make(COLUMNS, recordsOf(30, 'first'), { key: ['k'] })
    const other = await a.make(COLUMNS, recordsOf(1, 'x'), { key: ['k'] })
    let over = false
    const during = async (work: (turn: number) => Promise<unknown>) => {
      for (let turn = 0; !over; turn += 1) await work(turn)
    }
    const maintained = (async () => {
      for (let run = 0; run < 3; run += 1) await b.engine.maintain?.()
    })().finally(() => {
      over = true
    })
    await Promise.all([
      maintained,
      during((turn) => a.upsert(id, [{ k: turn % 30, v: `turn ${turn}` }])),
      during(async () => expect(await a.engine.describe(other)).toBeDefined()),
      during(async () => {
        const { text, total } = await b.search(id)
        const keys = (JSON.parse(`[${text}]`) as { k: number }[]).map(({ k }) => k)
        expect([keys.length, new Set(keys).size, total]).toEqual([30, 30, 30])
      }),
      during(async (turn) => {
        const lines = (await b.dump(id, 'csv', { filters: { k: { lt: 20 } } })).trimEnd().split('\n')
        expect([turn, lines.length, new Set(lines.map((line: string) => line.split(',')[0])).size]).toEqual([
          turn,
          20,
          20,
        ])
      }),
    ])
  })

  test('a download in pieces shows the table as it was when it began, or breaks off', async () => {
    const [a, b] = kits
    const rows = recordsOf(9000, 'first')
    for (const forget of [false, true]) {
      const id = await a.make(COLUMNS, rows, { key: ['k'] })
      const dump = await b.openDump(id, 'csv')
      await a.upsert(id, recordsOf(3, 'second'))
      await a.upsert(id, recordsOf(8000, 'third'))
      await a.deleteRows(id, { k: { gte: 4000 } })
      await a.engine.maintain?.({ forget })
      const text = await textOf(dump).catch((error) => {
        expect(forget, error.message).toBe(true)
      })
      if (text !== undefined) expect(text).toBe(rows.map(({ k, v }) => `${k + 1},${k},${v},\n`).join(''))
    }
  })

  test('columns change, rows are written, maintenance follows: whoever knows the table as it was reads on', async () => {
    const [a, b] = kits
    const id = await a.make(COLUMNS, recordsOf(5, 'first'), { key: ['k'] })
    const { revision } = await b.table(id)
    expect((await b.values(id, 'v')).length).toBe(5)
    const changes = [
      () => a.create(id, { ...COLUMNS, w: 'text' }),
      async () => {
        const { schemaRevision: basedOn } = await a.table(id)
        await a.engine.delete({ id, what: 'columns', basedOn, columns: ['w'] })
      },
      () => a.create(id, { ...COLUMNS, k: 'bigint' }),
      // A value with more digits than the column has so far.
      () => a.upsert(id, [{ k: 2, n: 0.125 }]),
    ]
    for (const change of changes) {
      await change()
      for (const kit of kits) expect((await kit.values(id, 'v')).length).toBe(5)
      await a.upsert(id, [{ k: 1, v: 'then' }])
      await a.engine.maintain?.()
      for (const kit of kits) expect((await kit.values(id, 'v'))[1]).toBe('then')
      await expectSound(b, id)
    }
    for (const { engine } of kits) {
      const past = (await engine.describeVersion?.(await b.table(id), { revision })) as Table
      const plan = { ...selectRows(past, { fields: ['v'] }, config), limit: 9, offset: 0, format: 'csv' as const }
      const found = await engine.search({ ...plan, includeTotal: true, includeLastId: false })
      expect(await textOf(found.records)).toBe('first\n'.repeat(5))
    }
  })

  test('what was given up for good is gone from the files, and what stands is there', async () => {
    const [a, b] = kits
    const secret = ['secret, deleted', 'secret, replaced']
    const rows = recordsOf(200, 'plain').map((row) => ({ ...row, v: secret[row.k - 7] ?? row.v }))
    const [many, few, wide] = [
      await a.make(COLUMNS, rows, { key: ['k'] }),
      await a.make(COLUMNS, [...recordsOf(2, 'plain'), { k: 9, v: 'secret, of few' }], { key: ['k'] }),
      await a.make({ ...COLUMNS, w: 'text' }, [...recordsOf(50, 'plain'), { k: 99, w: 'secret, dropped' }]),
    ]
    await a.deleteRows(many, { k: 7 })
    await b.upsert(many, [{ k: 8, v: 'plain' }])
    await b.deleteRows(few, { k: 9 })
    await a.create(wide, COLUMNS)
    expect((await a.engine.maintain?.({ forget: true }))?.steps.length).toBeGreaterThan(3)
    const stored = await storedTexts(lake)
    expect(stored).toContain('plain')
    expect(stored.match(/secret, .*/g)).toBeNull()
    for (const [id, count] of [
      [many, 199],
      [few, 2],
      [wide, 51],
    ] as const)
      expect(await b.counted(id)).toBe(count)
  })
}

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('a lake in PostgreSQL', () => {
  let postgres: PostgresServer
  let lake: TestLake
  let engine: Engine
  let kit: Kit
  const log: LogRecord[] = []
  beforeAll(async () => {
    postgres = await startPostgres()
    lake = await makeLake(() => postgres.createDatabase())
    engine = await openEngine(lake.env, log)
    kit = new Kit(() => engine)
  })
  afterAll(async () => {
    await engine?.close()
    await lake?.close()
    await postgres?.close()
  })

  describe('shared by two', () => {
    sharedLake(async () => {
      const shared = await makeLake(() => postgres.createDatabase())
      // Both at once, on an empty place.
      return { lake: shared, engines: await Promise.all([openEngine(shared.env), openEngine(shared.env)]) }
    })
  })

  /** Nothing of the connection, of DuckLake's SQL or of the files shows. */
  const expectPlain = (text: string) =>
    expect(text).not.toMatch(/p@ss|password=|p%40ss|ducklake_|__ducklake|INSERT|SELECT|FROM "/)

  test('a restart of PostgreSQL under writes: answers or 503, nothing twice, and then it goes on', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const acknowledged = new Set<number>()
    let k = 0
    let stop = false
    const writing = (async () => {
      while (!stop) {
        k += 1
        const key = k
        const outcome = await kit.upsert(id, [{ k: key, v: 'x' }], { method: 'insert' }).then(
          () => undefined,
          (error: Error & { status?: number }) => error,
        )
        if (!outcome) acknowledged.add(key)
        else {
          expect(outcome).toMatchObject({ status: 503 })
          expectPlain(outcome.message)
        }
      }
    })()
    const acknowledges = (count: number) =>
      vi.waitFor(() => expect(acknowledged.size).toBeGreaterThanOrEqual(count), { timeout: 120_000, interval: 50 })
    try {
      await acknowledges(2)
      await postgres.stop('immediate')
      await sleep(300)
      await postgres.start()
      await acknowledges(acknowledged.size + 2)
    } finally {
      stop = true
    }
    await writing
    const rows = await expectSound(kit, id)
    const keys = new Set(rows.map((row) => row.k as number))
    for (const key of acknowledged) expect(keys).toContain(key)
  })

  test('while PostgreSQL is away: 503 in plain words, in the log as well; then it answers again', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }])
    log.length = 0
    await postgres.stop()
    const error = await kit.engine.describe(id).then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error).toMatchObject({ status: 503 })
    expectPlain((error as Error).message)
    await expect(engine.healthcheck()).rejects.toMatchObject({ status: 503 })
    await postgres.start()
    expect(await kit.values(id, 'k')).toEqual([1])
    await engine.healthcheck()
    const lines = log.map(({ message, properties }) => JSON.stringify([message, properties]))
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.filter((line) => /set back/.test(line))).toEqual([])
    for (const line of lines) expectPlain(line)
  })

  test('PostgreSQL that comes back without the last commits: what is there counts, and nothing of what was known', async () => {
    const other = await openEngine(lake.env)
    const both = [kit, new Kit(() => other)]
    const id = await kit.make(COLUMNS, recordsOf(3, 'kept'), { key: ['k'] })
    const data = postgres.query('SHOW data_directory')[0]?.[0] as string
    await postgres.stop()
    cpSync(data, `${data}.kept`, { recursive: true, preserveTimestamps: true })
    const owner = statSync(data)
    await postgres.start()
    // As a backup, or a standby that lags behind: a column and rows that it does not have.
    await kit.create(id, { ...COLUMNS, lost: 'text' })
    for (const k of [10, 11, 12, 13]) await kit.upsert(id, [{ k, v: 'lost', lost: 'x' }])
    for (const one of both) expect(await one.counted(id)).toBe(7)
    await postgres.stop('immediate')
    rmSync(data, { recursive: true })
    execFileSync('mv', [`${data}.kept`, data])
    execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, data])
    await postgres.start()
    for (const [index, one] of both.entries()) {
      // The first calls meet connections that are gone, and what was known.
      await vi.waitFor(() => one.upsert(id, [{ k: 20 + index, v: 'new' }]), { timeout: 60_000, interval: 200 })
      expect((await one.rows(id)).map(({ k, v }) => [k, v])).toContainEqual([20 + index, 'new'])
    }
    for (const one of both) {
      expect((await expectSound(one, id)).map(({ k }) => k).sort()).toEqual([0, 1, 2, 20, 21])
      expect((await textOf(await one.openDump(id, 'csv'))).trimEnd().split('\n')).toHaveLength(5)
    }
    await other.close()
  })

  test('credentials that are revoked, and given back', async () => {
    const id = await kit.make(COLUMNS, [{ k: 1 }])
    const role = new URL(lake.env.DUCKLAKE_CATALOG as string).username
    postgres.query(`ALTER ROLE ${role} NOLOGIN`)
    postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${role}'`)
    await expect(kit.upsert(id, [{ k: 2 }], { method: 'insert' })).rejects.toMatchObject({ status: 503 })
    postgres.query(`ALTER ROLE ${role} LOGIN`)
    await kit.upsert(id, [{ k: 2 }], { method: 'insert' })
    expect(await kit.values(id, 'k')).toEqual([1, 2])
  })

  test('an instance that DuckDB gives up is opened again', async () => {
    // In a process of its own: DuckDB ends one that has lost an instance when it leaves.
    const script = fileURLToPath(new URL('lost-instance.ts', import.meta.url))
    const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', script], {
      encoding: 'utf8',
      env: { ...process.env, ...lake.env },
    })
    const [first = '', ...then] = stdout.trim().split('\n')
    expect(first).toMatch(/^503 /)
    expectPlain(first)
    expect(then).toEqual(['[1]', '[1,2]'])
  })

  const starts: [what: string, change: (env: Record<string, string>) => Record<string, string>, sentence: RegExp][] = [
    [
      'another data path',
      (env) => ({ ...env, DUCKLAKE_DATA_PATH: `${env.DUCKLAKE_DATA_PATH}-other` }),
      /DUCKLAKE_DATA_PATH/,
    ],
    ['no such database', (env) => ({ ...env, DUCKLAKE_CATALOG: `${env.DUCKLAKE_CATALOG}x` }), /does not exist/],
    [
      'a wrong password',
      (env) => ({ ...env, DUCKLAKE_CATALOG: (env.DUCKLAKE_CATALOG as string).replace('w%25rd', 'x') }),
      /password authentication failed/,
    ],
    [
      'nobody at that address',
      (env) => ({ ...env, DUCKLAKE_CATALOG: 'postgres://u:p%40ss@127.0.0.1:1/d' }),
      /ECONNREFUSED|refused/,
    ],
    [
      'an object store that nobody answers for',
      (env) => ({
        ...env,
        DUCKLAKE_DATA_PATH: 's3://bucket/lake',
        DUCKLAKE_S3_ENDPOINT: 'http://127.0.0.1:1',
        DUCKLAKE_METADATA_SCHEMA: 'nowhere',
      }),
      /data files can't be read or written: Could not connect to server\.$/,
    ],
    [
      'a SQLite file that is none',
      (env) => {
        const file = join(lake.folder, 'no.sqlite')
        writeFileSync(file, 'x'.repeat(1000))
        return { ...env, DUCKLAKE_CATALOG: `sqlite:${file}` }
      },
      /no\.sqlite: file is not a database\.$/,
    ],
    [
      'a folder for a SQLite file that can not be made',
      (env) => ({ ...env, DUCKLAKE_CATALOG: `sqlite:${fileURLToPath(import.meta.url)}/x/catalog.sqlite` }),
      /shared\.test\.ts\/x.* can't be made or used \(ENOTDIR\)\.$/,
    ],
    [
      'an address with an unknown parameter',
      (env) => ({ ...env, DUCKLAKE_CATALOG: `${env.DUCKLAKE_CATALOG}?host=elsewhere` }),
      /the parameter "host"/,
    ],
    [
      'a password as it is',
      (env) => ({ ...env, DUCKLAKE_CATALOG: 'postgres://u:p@ss%#/@127.0.0.1:1/d' }),
      /can not be read as an address/,
    ],
    [
      "half of an object store's credentials",
      (env) => ({ ...env, DUCKLAKE_DATA_PATH: 's3://bucket/lake', DUCKLAKE_S3_KEY: 'x' }),
      /only one is set/,
    ],
    [
      'a place that is none',
      (env) => ({ ...env, DUCKLAKE_DATA_PATH: 'S3://bucket/lake' }),
      /DUCKLAKE_DATA_PATH: a folder, s3/,
    ],
    [
      "another lake's place",
      (env) => ({ ...env, DUCKLAKE_METADATA_SCHEMA: 'other' }),
      /DUCKLAKE_DATA_PATH is .*, which belongs to the catalog .*schema ducklake.*schema other/,
    ],
    [
      'a folder of its own that holds no lock',
      (env) => {
        const own = mkdtempSync(join(lake.folder, 'own-'))
        mkdirSync(join(own, 'process-1.lock'))
        return { ...env, DUCKDB_PATH: own }
      },
      /The data in .* can't be opened: IO Error/,
    ],
    [
      'no extensions',
      (env) => ({ ...env, DUCKDB_EXTENSION_DIRECTORY: mkdtempSync(join(lake.folder, 'none-')) }),
      /npm run extensions/,
    ],
  ]
  test.each(starts)('a start with %s stops with one sentence', async (_what, change, sentence) => {
    const error = await openEngine(change(lake.env)).then(
      () => undefined,
      (error: Error) => error,
    )
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringMatching(sentence) })
    expectPlain((error as Error).message)
  })
})

describe.skipIf(reasonWithoutLake() !== undefined)('a lake in a SQLite file', () => {
  sharedLake(async () => {
    const lake = await makeLake((folder) => `sqlite:${join(folder, 'catalog.sqlite')}`)
    return { lake, engines: await Promise.all([openEngine(lake.env), openEngine(lake.env)]) }
  })
})

describe.skipIf(reasonWithoutLake() !== undefined)('a lake in a DuckDB file', () => {
  test('serves one process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lake-'))
    const lake = await makeLake(() => `duckdb:${join(folder, 'catalog.duckdb')}`)
    const engine = await openEngine(lake.env)
    const kit = new Kit(() => engine)
    const id = await kit.make(COLUMNS, recordsOf(5, 'x'), { key: ['k'] })
    await Promise.all([kit.upsert(id, recordsOf(8, 'y')), kit.upsert(id, recordsOf(9, 'z'))])
    await engine.maintain?.()
    await expectSound(kit, id)
    await engine.close()
    const again = await openEngine(lake.env)
    expect(await new Kit(() => again).counted(id)).toBe(9)
    await again.close()
    await lake.close()
    rmSync(folder, { recursive: true })
  })
})

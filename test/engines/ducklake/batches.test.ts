import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Column } from '../../../src/core/table-schema.ts'
import type { Engine, Table, UpsertMethod, Written } from '../../../src/infrastructure/engines/engine.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { Row } from '../../suites/engine/kit.ts'
import { columnsOf, encode, freshId, Kit } from '../../suites/engine/kit.ts'
import { openEngine, openWithPostgres } from './open.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }

interface Call {
  records: Row[]
  method?: UpsertMethod
  signal?: AbortSignal
}

/** What came of a call: how many rows, or why none. */
type Outcome = number | { row?: unknown; column?: unknown; message: string }

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('small writes that come at once', () => {
  let opened: Awaited<ReturnType<typeof openWithPostgres>>
  let engine: Engine
  const kit = new Kit(() => engine)
  beforeAll(async () => {
    opened = await openWithPostgres()
    engine = opened.engine
    holder = await kit.make(COLUMNS, [], { key: ['k'] })
  })
  let holder: string
  afterAll(() => opened?.close())

  /** Calls that come in this order while the lake is locked, so that they all wait for one commit. */
  async function atOnce(
    calls: readonly (Call & { id: string })[],
    placed: () => void | Promise<void> = () => {},
  ): Promise<PromiseSettledResult<Written>[]> {
    const other = new pg.Client(opened.lake.env.DUCKLAKE_CATALOG)
    await other.connect()
    await other.query("SELECT pg_advisory_lock(x'636b616e'::int, hashtext('ducklake'))")
    const running = [kit.upsert(holder, [{ k: 1 }])]
    const waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    while (opened.postgres.query(waiting, database())[0]?.[0] !== '1') await sleep(20)
    const plans = []
    for (const { id, records, method = 'upsert' } of calls) {
      const { columns, schemaRevision } = await kit.table(id)
      plans.push({ id, basedOn: schemaRevision, method, records: encode(records, columns, method !== 'insert') })
    }
    for (const [index, plan] of plans.entries()) {
      const { signal } = calls[index] as Call
      running.push(engine.upsert(plan, signal ? { signal } : {}))
      await placedInQueue()
    }
    const settled = Promise.allSettled(running)
    await placed()
    await other.end()
    return (await settled).slice(1)
  }

  /** An upsert first asks how much room the disk has. */
  const placedInQueue = async () => {
    for (let turn = 0; turn < 5; turn += 1) await statfs(opened.lake.folder)
    await sleep(20)
  }

  const outcomeOf = (result: PromiseSettledResult<Written>): Outcome => {
    if (result.status === 'fulfilled') return result.value.affected
    const { detail, message } = result.reason as { detail?: Record<string, unknown>; message: string }
    return { row: detail?.records_row, column: detail?.records_column, message }
  }
  const revisionsOf = (results: PromiseSettledResult<Written>[]) => [
    ...new Set(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.table?.revision] : []))),
  ]
  const database = () => new URL(opened.lake.env.DUCKLAKE_CATALOG as string).pathname.slice(1)
  const commits = () =>
    Number(opened.postgres.query('SELECT count(*) FROM ducklake.ducklake_snapshot', database())[0]?.[0])
  const shown = (rows: Row[]) => rows.map(({ _id, k, v }) => [_id, k, v])

  const cases: Record<
    string,
    {
      columns?: readonly Column[]
      stored?: Row[]
      calls: Call[]
      /** How many rows, or what the sentence of the refusal holds. */
      outcomes: (number | string)[]
      rows: unknown[][]
      commits: number
    }
  > = {
    'share a commit and its revision, each with its own answer': {
      stored: [{ k: 1, v: 'a' }],
      calls: [
        { records: [{ k: 1, v: 'b' }] },
        { records: [{ k: 2, v: 'c' }, { k: 3, v: 'd' }, { k: 2, v: 'e' }] }, // biome-ignore format: short
        { records: [{ v: 'f', k: 4, n: 7 }] },
      ],
      outcomes: [1, 2, 1],
      rows: [[1, 1, 'b'], [2, 2, 'e'], [3, 3, 'd'], [4, 4, 'f']], // biome-ignore format: short
      commits: 1,
    },
    'to one key come out as one after the other': {
      calls: [
        { records: [{ k: 1, v: 'first' }] },
        { records: [{ k: 2, v: 'x' }] },
        { records: [{ k: 1, v: 'second' }] },
        { records: [{ k: 1 }] },
      ],
      outcomes: [1, 1, 1, 1],
      rows: [[1, 1, 'second'], [2, 2, 'x']], // biome-ignore format: short
      commits: 1,
    },
    'as inserts': {
      calls: [
        { method: 'insert', records: [{ k: 3, v: 'a' }, { k: 4 }] }, // biome-ignore format: short
        { method: 'insert', records: [{ k: 1, v: 'b' }] },
      ],
      outcomes: [2, 1],
      rows: [[1, 3, 'a'], [2, 4, null], [3, 1, 'b']], // biome-ignore format: short
      commits: 1,
    },
    'as updates': {
      stored: [{ k: 1, v: 'a' }, { k: 2, v: 'b' }], // biome-ignore format: short
      calls: [
        { method: 'update', records: [{ k: 2, v: 'x' }] },
        { method: 'update', records: [{ k: 1 }, { k: 2, n: 5 }] }, // biome-ignore format: short
      ],
      outcomes: [1, 2],
      rows: [[1, 1, 'a'], [2, 2, 'x']], // biome-ignore format: short
      commits: 1,
    },
    'with an insert of a key that another has just taken: the first one has it': {
      calls: [
        { method: 'insert', records: [{ k: 1, v: 'first' }] },
        { method: 'insert', records: [{ k: 1, v: 'second' }] },
        { method: 'insert', records: [{ k: 2, v: 'third' }] },
      ],
      outcomes: [1, 'duplicate key', 1],
      rows: [[1, 1, 'first'], [2, 2, 'third']], // biome-ignore format: short
      commits: 2,
    },
    'with one whose value is none of its column': {
      calls: [
        { records: [{ k: 1, v: 'a' }] },
        { records: [{ k: 2, v: 'b' }, { k: 3, n: '1x' }] }, // biome-ignore format: short
        { records: [{ k: 4, v: 'c' }] },
        { records: [{ k: 5, v: 'd' }] },
      ],
      outcomes: [1, 'n', 1, 1],
      rows: [[1, 1, 'a'], [2, 4, 'c'], [3, 5, 'd']], // biome-ignore format: short
      commits: 2,
    },
    'with an update of a row that is not there': {
      stored: [{ k: 1, v: 'a' }],
      calls: [
        { method: 'update', records: [{ k: 1, v: 'x' }] },
        { method: 'update', records: [{ k: 9, v: 'y' }] },
      ],
      outcomes: [1, 'not found'],
      rows: [[1, 1, 'x']],
      commits: 1,
    },
    'by different methods keep their order': {
      calls: [
        { method: 'insert', records: [{ k: 1, v: 'a' }] },
        { records: [{ k: 1, v: 'b' }] },
        { method: 'update', records: [{ k: 1, v: 'c' }] },
      ],
      outcomes: [1, 1, 1],
      rows: [[1, 1, 'c']],
      commits: 3,
    },
    'that need more digits than the column has': {
      stored: [{ k: 1, v: 'a', n: 1 }],
      calls: [{ records: [{ k: 2, n: 0.25 }] }, { records: [{ k: 3, n: 0.5 }] }],
      outcomes: [1, 'has changed'],
      rows: [[1, 1, 'a'], [2, 2, null]], // biome-ignore format: short
      commits: 1,
    },
    'with a text that a lake can not keep': {
      calls: [{ records: [{ k: 1, v: '{SNAPSHOT_ID}' }] }, { records: [{ k: 2, v: 'b' }] }],
      outcomes: ['DuckLake', 1],
      rows: [[1, 2, 'b']],
      commits: 1,
    },
    'of rows without a key stay apart': {
      calls: [{ records: [{ k: null, v: 'a' }] }, { records: [{ k: null, v: 'b' }, { k: null, v: 'c' }] }], // biome-ignore format: short
      outcomes: [1, 2],
      rows: [[1, null, 'a'], [2, null, 'b'], [3, null, 'c']], // biome-ignore format: short
      commits: 1,
    },
    'to a unique column: what was taken when a call came is taken': {
      columns: constrained('v', { unique: true }),
      stored: [{ k: 1, v: 'one' }, { k: 2, v: 'two' }], // biome-ignore format: short
      calls: [
        { records: [{ k: 1, v: 'two' }] },
        { records: [{ k: 2, v: 'one' }] },
        { records: [{ k: 2, v: 'three' }] },
      ],
      outcomes: ['unique', 'unique', 1],
      rows: [[1, 1, 'one'], [2, 2, 'three']], // biome-ignore format: short
      commits: 1,
    },
    'to a required column: a later call does not make up for an earlier one': {
      columns: constrained('v', { required: true }),
      calls: [{ records: [{ k: 1, n: 1 }] }, { records: [{ k: 1, v: 'there' }] }],
      outcomes: ['required', 1],
      rows: [[1, 1, 'there']],
      commits: 1,
    },
  }

  test.each(Object.entries(cases))('%s', async (_name, { columns, stored = [], calls, outcomes, rows, commits }) => {
    const id = freshId()
    await kit.create(id, columns ?? COLUMNS, { key: ['k'], records: stored })
    const before = (await kit.table(id)).revision
    const results = await atOnce(calls.map((call) => ({ id, ...call })))
    const found = results.map(outcomeOf)
    for (const [index, expected] of outcomes.entries()) {
      if (typeof expected === 'number') expect(found[index]).toBe(expected)
      else expect(found[index]).toMatchObject({ message: expect.stringContaining(expected) })
    }
    expect(shown(await kit.rows(id))).toEqual(rows)
    expect((await kit.table(id)).count).toBe(rows.length)
    const known = (await engine.revisions?.(await kit.table(id), { limit: 100 })) ?? []
    expect(known.filter(({ revision }) => revision > before)).toHaveLength(commits)
    expect(new Set(revisionsOf(results)).size).toBe(commits)
  })

  test('a refusal names the record as its call counts it', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const bad = { records: [{ k: 5 }, { k: 6, n: 'x' }] } // biome-ignore format: short
    const results = await atOnce([{ id, records: [{ k: 1 }, { k: 2 }] }, { id, ...bad }, { id, records: [{ k: 3 }] }]) // biome-ignore format: short
    expect(results.map(outcomeOf)).toMatchObject([2, { row: 1, column: 'n' }, 1])
    expect(await kit.values(id, 'k')).toEqual([1, 2, 3])
  })

  test('to many tables share commits; one that is refused leaves the others alone', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => kit.make(COLUMNS, [{ k: 0 }], { key: ['k'] })))
    const calls = ids.flatMap((id, index) => [
      { id, records: [{ k: 1, v: id }] },
      { id, records: [{ k: 2, n: index === 5 ? 'x' : 1 }] },
    ])
    const commitsBefore = commits()
    const results = await atOnce(calls)
    expect(results.map(({ status }) => status)).toEqual(
      calls.map((_, index) => (index === 11 ? 'rejected' : 'fulfilled')),
    )
    for (const [index, id] of ids.entries()) {
      expect(await kit.values(id, 'k')).toEqual(index === 5 ? [0, 1] : [0, 1, 2])
      expect(await kit.counted(id)).toBe((await kit.table(id)).count)
      const [last] = (await engine.revisions?.(await kit.table(id), { limit: 2 })) ?? []
      expect(last?.revision).toBe((await kit.table(id)).revision)
    }
    expect(commits() - commitsBefore).toBeLessThan(6)
  })

  test('a commit that fails is made again, for all that share it', async () => {
    const ids = [await kit.make(COLUMNS, [{ k: 0 }], { key: ['k'] }), await kit.make(COLUMNS, [], { key: ['k'] })]
    const calls = [1, 2, 3].flatMap((k) => ids.map((id) => ({ id, records: [{ k, v: 'x' }] })))
    // The first is the holder's.
    const fail = `CREATE SEQUENCE public.commits; GRANT ALL ON SEQUENCE public.commits TO PUBLIC;
      CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('public.commits') = 2 THEN RAISE EXCEPTION 'could not serialize access'; END IF; RETURN NEW; END $$;
      CREATE TRIGGER fail BEFORE INSERT ON ducklake.ducklake_snapshot FOR EACH ROW EXECUTE FUNCTION public.fail()`
    const results = await atOnce(calls, () => void opened.postgres.query(fail, database()))
    const [tries] = opened.postgres.query("SELECT nextval('public.commits')", database())
    opened.postgres.query('DROP FUNCTION public.fail() CASCADE; DROP SEQUENCE public.commits', database())
    expect(results.map(outcomeOf)).toEqual(calls.map(() => 1))
    expect(Number(tries?.[0])).toBeGreaterThan(3)
    for (const [index, id] of ids.entries()) expect(await kit.counted(id)).toBe(index === 0 ? 4 : 3)
  })

  test('who has left before its turn is not written, and keeps nobody', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const records = Array.from({ length: 2000 }, (_, index) => ({ k: 100 + index, v: 'x' }))
    // A write of the table is under way, so that the calls wait.
    const { columns, schemaRevision } = await kit.table(id)
    const large = encode(records, columns, true)
    const controller = new AbortController()
    const gone = new Error('left')
    const calls = [1, 2, 3].map((k) => ({ id, records: [{ k }], ...(k === 2 && { signal: controller.signal }) }))
    const first = engine.upsert({ id, basedOn: schemaRevision, method: 'upsert', records: large })
    const results = await atOnce(calls, () => controller.abort(gone))
    expect((await first).affected).toBe(2000)
    expect(results.map(outcomeOf)).toEqual([1, { message: 'left' }, 1])
    expect(await kit.values(id, 'k', { filters: { k: { lt: 100 } } })).toEqual([1, 3])
    expect(await kit.counted(id)).toBe(2002)
  })

  test('a dry run and records that are asked for are answered alone', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const [written, dry, shownRecords] = await Promise.all([
      kit.upsert(id, [{ k: 1, v: 'a' }]),
      kit.upsert(id, [{ k: 2, v: 'b' }], { dryRun: true }),
      kit.upsert(id, [{ k: 3, v: 'c' }], { includeRecords: true }),
    ])
    expect([written.affected, dry.affected, shownRecords.affected]).toEqual([1, 1, 1])
    expect(await kit.values(id, 'k')).toEqual(expect.arrayContaining([1, 3]))
    expect(await kit.counted(id)).toBe(2)
  })

  test('beside deletions and columns that change', async () => {
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const upserts = Array.from({ length: 40 }, (_, k) => kit.upsert(id, [{ k, v: 'x' }]).catch((error) => error))
    const others = [kit.deleteRows(id, { k: { lt: 5 } }), kit.create(id, { ...COLUMNS, more: 'text' })]
    await Promise.allSettled(others)
    const stored = (await Promise.all(upserts)).filter((outcome) => !(outcome instanceof Error)).length
    expect(stored).toBeGreaterThan(0)
    expect(await kit.counted(id)).toBe((await kit.table(id)).count)
    const ids = (await kit.rows(id)).map(({ _id }) => _id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('none overtakes a deletion that came before it', async () => {
    const id = await kit.make(COLUMNS, [{ k: 0 }], { key: ['k'] })
    const later: Promise<unknown>[] = []
    const { schemaRevision: basedOn, columns } = await kit.table(id)
    const filter = await kit.filter(id, { k: { gte: 0 } })
    await atOnce([{ id, records: [{ k: 1 }] }], async () => {
      later.push(engine.delete({ id, what: 'rows', basedOn, filter }))
      later.push(engine.upsert({ id, basedOn, method: 'upsert', records: encode([{ k: 2 }], columns, true) }))
      await placedInQueue()
    })
    await Promise.all(later)
    expect((await kit.rows(id)).map(({ k }) => k)).toEqual([2])
  })

  test('a close waits for them', async () => {
    const other = await openEngine(opened.lake.env)
    const id = await kit.make(COLUMNS, [], { key: ['k'] })
    const { schemaRevision, columns } = (await other.describe(id)) as Table
    const calls = Array.from({ length: 10 }, (_, k) =>
      other.upsert({ id, basedOn: schemaRevision, method: 'upsert', records: encode([{ k }], columns, true) }),
    )
    await sleep(20)
    await other.close()
    expect((await Promise.all(calls)).map(({ affected }) => affected)).toEqual(calls.map(() => 1))
    expect(await kit.counted(id)).toBe(10)
  })
})

function constrained(name: string, constraints: Record<string, unknown>): Column[] {
  return columnsOf(COLUMNS).map((column) =>
    column.name === name ? { ...column, field: { ...column.field, constraints } } : column,
  )
}

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { reasonWithoutLake, reasonWithoutPostgresLake } from '../../services/extensions.ts'
import { startPostgres } from '../../services/postgres.ts'
import { freshId, Kit, textOf } from '../../suites/engine/kit.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const recordsOf = (count: number) => Array.from({ length: count }, (_, k) => ({ k, v: 'x'.repeat(100) }))
const WIDE = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`c${index}`, 'text']))

const catalogs: [
  name: string,
  reason: string | undefined,
  open: () => Promise<{ of: (folder: string) => string | Promise<string>; close?: () => Promise<void> }>,
][] = [
  [
    'PostgreSQL',
    reasonWithoutPostgresLake(),
    async () => {
      const postgres = await startPostgres()
      return { of: () => postgres.createDatabase(), close: () => postgres.close() }
    },
  ],
  ['SQLite', reasonWithoutLake(), async () => ({ of: (folder) => `sqlite:${join(folder, 'catalog.sqlite')}` })],
  ['a DuckDB file', reasonWithoutLake(), async () => ({ of: (folder) => `duckdb:${join(folder, 'catalog.duckdb')}` })],
]

describe.each(catalogs)('a lake in %s', (name, reason, open) => {
  const withLake = (what: string, work: (given: { env: Record<string, string>; own: string }) => Promise<void>) =>
    test.skipIf(reason !== undefined)(what, async () => {
      const catalog = await open()
      const lake = await makeLake(catalog.of)
      try {
        await work({ env: { ...lake.env, DUCKDB_MEMORY_LIMIT: '200MB' }, own: lake.env.DUCKDB_PATH as string })
      } finally {
        await lake.close()
        await catalog.close?.()
      }
    })

  // Two instances on one DuckDB file don't see what the other writes: there none is exchanged.
  const isExchanged = name === 'PostgreSQL' || (name === 'SQLite' && process.env.FULL === '1')
  if (isExchanged)
    withLake(
      'whose definitions change often: its instances are exchanged under what reads and writes',
      async (given) => {
        const engines = [await openEngine(given.env), await openEngine(given.env)]
        const [first, other] = engines.map((engine) => new Kit(() => engine)) as [Kit, Kit]
        const id = await first.make({ k: 'int', v: 'text' }, recordsOf(20_000), { key: ['k'] })
        const dump = await other.openDump(id, 'csv')
        const tables: string[] = []
        // The folders for what an instance spills are numbered.
        const opened = () =>
          ['process-1', 'process-2'].flatMap((process) =>
            readdirSync(join(given.own, process, 'tmp')).map((folder) => `${process} ${folder}`),
          )
        const expected = ['process-1 reader-2', 'process-1 writer-2', 'process-2 reader-2', 'process-2 writer-2']
        while (tables.length < 60 && !expected.every((folder) => opened().includes(folder))) {
          const table = freshId()
          tables.push(table)
          await first.create(table, WIDE, { records: [{ c0: 'x' }] })
          await other.upsert(table, [{ c0: 'y' }], { method: 'insert' })
          for (const kit of [first, other]) expect(await kit.counted(table)).toBe(2)
        }
        expect(opened()).toEqual(expect.arrayContaining(expected))
        expect((await textOf(dump)).trimEnd().split('\n')).toHaveLength(20_000)
        for (const table of tables) expect(await first.counted(table)).toBe(2)
        for (const engine of engines) await engine.close()
      },
    )

  withLake('maintained twice at once, and closed meanwhile', async ({ env }) => {
    const engine = await openEngine(env)
    const kit = new Kit(() => engine)
    const id = await kit.make({ k: 'int', v: 'text' }, recordsOf(20), { key: ['k'] })
    const both = await Promise.all([engine.maintain?.(), engine.maintain?.()])
    expect(both.filter((report) => report === undefined)).toHaveLength(1)
    const third = engine.maintain?.().then(
      () => 'done',
      ({ status }) => status,
    )
    await kit.upsert(id, [{ k: 1 }])
    await engine.close()
    expect([503, 'done']).toContain(await third)
    const again = await openEngine(env)
    expect(await new Kit(() => again).counted(id)).toBe(20)
    await again.maintain?.()
    await again.close()
  })
})

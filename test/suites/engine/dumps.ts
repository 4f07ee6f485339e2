import { beforeAll, describe, expect, test } from 'vitest'
import type { DumpFormat } from '../../../src/infrastructure/engines/engine.ts'
import type { Kit, Page } from './kit.ts'
import { bytesOf } from './kit.ts'
import { readParquet } from './parquet.ts'

const COLUMNS = { k: 'int', v: 'text', n: 'numeric' }
const ROWS = 60_000
/** `_id`s that were deleted: a gap that holds more than a piece of any engine's making, and lone ones. */
const isGone = (id: number) => (id > 20_000 && id <= 45_000) || id % 1000 === 7

/** Rows of the big table in `_id` order: csv lines. */
function line(id: number): string {
  return `${id},${id * 3},value ${id % 100},${id / 4}\n`
}

export function dumps(kit: Kit): void {
  let big: string
  const ids = Array.from({ length: ROWS }, (_, index) => index + 1).filter((id) => !isGone(id))

  beforeAll(async () => {
    const records = Array.from({ length: ROWS }, (_, index) => ({
      k: (index + 1) * 3,
      v: `value ${(index + 1) % 100}`,
      n: (index + 1) / 4,
    }))
    big = await kit.make(COLUMNS, records)
    await kit.deleteRows(big, { _id: { gt: 20_000, lte: 45_000 } })
    await kit.deleteRows(big, { _id: Array.from({ length: ROWS / 1000 }, (_, index) => index * 1000 + 7) })
  })

  const pages: { page: Page; expected: (all: number[]) => number[] }[] = [
    { page: {}, expected: (all) => all },
    { page: { limit: 10 }, expected: (all) => all.slice(0, 10) },
    { page: { offset: 19_000, limit: 3_000 }, expected: (all) => all.slice(19_000, 22_000) },
    { page: { offset: 34_000 }, expected: (all) => all.slice(34_000) },
    { page: { offset: 1_000_000 }, expected: () => [] },
    { page: { limit: 0 }, expected: () => [] },
    { page: { limit: 1_000_000 }, expected: (all) => all },
    { page: { filters: { v: 'value 42' } }, expected: (all) => all.filter((id) => id % 100 === 42) },
    {
      page: { filters: { v: 'value 42' }, offset: 190, limit: 20 },
      expected: (all) => all.filter((id) => id % 100 === 42).slice(190, 210),
    },
    { page: { filters: { k: 59_999 * 3 } }, expected: () => [59_999] },
    { page: { filters: { v: 'nowhere' } }, expected: () => [] },
    { page: { sort: ['_id desc'] }, expected: (all) => [...all].reverse() },
    { page: { sort: ['v desc', '_id'], limit: 400, offset: 100 }, expected: (all) => byValue(all).slice(100, 500) },
  ]
  for (const { page, expected } of pages) {
    test(`csv of ${JSON.stringify(page)}`, async () => {
      const text = await kit.dump(big, 'csv', page)
      const wanted = expected(ids).map(line).join('')
      expect(text.length).toBe(wanted.length)
      expect(text === wanted).toBe(true)
    })
  }

  function byValue(all: number[]): number[] {
    const value = (id: number) => `value ${id % 100}`
    return [...all].sort((a, b) => (value(a) < value(b) ? 1 : value(a) > value(b) ? -1 : a - b))
  }

  test('a few rows with a wide gap between their _ids', async () => {
    const id = await kit.make({ v: 'text' }, [{ v: 'first' }])
    await kit.upsert(id, [
      { _id: 4_000_000_000_000, v: 'far' },
      { _id: 9, v: 'near' },
    ])
    expect(await kit.dump(id, 'csv')).toBe('1,first\n9,near\n4000000000000,far\n')
  })

  describe('formats', () => {
    const records = '[{"k": 1, "v": "a\\tb,\\"c\\"", "n": 1.50}, {"k": null, "v": "", "n": null}, {"v": "x\\ny"}]'
    const shown: Record<Exclude<DumpFormat, 'parquet'>, string> = {
      csv: '1,1,"a\tb,""c""",1.5\n2,,"",\n3,,"x\ny",\n',
      tsv: '1\t1\t"a\tb,""c"""\t1.5\n2\t\t""\t\n3\t\t"x\ny"\t\n',
      lists: '[1,1,"a\\tb,\\"c\\"",1.5]\n[2,null,"",null]\n[3,null,"x\\ny",null]\n',
      ndjson:
        '{"_id":1,"k":1,"v":"a\\tb,\\"c\\"","n":1.5}\n{"_id":2,"k":null,"v":"","n":null}\n{"_id":3,"k":null,"v":"x\\ny","n":null}\n',
    }
    for (const [format, text] of Object.entries(shown)) {
      test(format, async () => {
        const id = await kit.make(COLUMNS, records)
        expect(await kit.dump(id, format as DumpFormat)).toBe(text)
        expect(await kit.dump(id, format as DumpFormat, { limit: 0 })).toBe('')
      })
    }

    test('lists with what the service puts around a line', async () => {
      const id = await kit.make({ v: 'text' }, [{ v: "it's" }, { v: '%' }])
      const table = await kit.table(id)
      const line = { before: "  '", after: ',' }
      const plan = { table, projection: table.columns, textQueries: [], sort: [], distinct: false, offset: 0 }
      const dumped = await kit.engine.dump({ ...plan, format: 'lists', line })
      expect(dumped.kind === 'stream' && (await new Response(dumped.stream).text())).toBe(
        '  \'["it\'s"],\n  \'["%"],\n',
      )
    })

    test('parquet', async () => {
      const columns = { k: 'int', v: 'text', d: 'date', at: 'timestamp', f: 'float8', ok: 'bool', tags: 'text[]' }
      const record = {
        k: 7,
        v: 'Grüße',
        d: '2020-02-29',
        at: '2020-01-01T02:03:04.123456',
        f: 1.5,
        ok: true,
        tags: ['a', null],
      }
      const id = await kit.make(columns, [record, {}])
      expect(await readParquet(await bytesOf(await kit.openDump(id, 'parquet')))).toEqual([
        { _id: 1, ...record, at: '2020-01-01 02:03:04.123456' },
        { _id: 2, ...Object.fromEntries(Object.keys(columns).map((name) => [name, null])) },
      ])
    })

    test('parquet of no rows, and of a few in another order', async () => {
      const id = await kit.make({ v: 'text' }, [{ v: 'a' }, { v: 'b' }])
      const parquet = async (page: Page) => readParquet(await bytesOf(await kit.openDump(id, 'parquet', page)))
      expect(await parquet({ filters: { v: 'c' } })).toEqual([])
      expect(await parquet({ sort: ['v desc'], limit: 1 })).toEqual([{ _id: 2, v: 'b' }])
    })
  })

  test('distinct', async () => {
    const id = await kit.make(COLUMNS, [{ v: 'b' }, { v: 'a' }, { v: 'b' }, { v: null }])
    expect(await kit.dump(id, 'csv', { distinct: true, fields: ['v'] })).toBe('a\nb\n\n')
    expect(await kit.dump(id, 'csv', { distinct: true, fields: ['v'], sort: ['v desc nulls last'], limit: 2 })).toBe(
      'b\na\n',
    )
  })

  for (const sort of [['_id'], ['v', '_id']]) {
    test(`sorted by ${sort}: a dump that began before a write shows the old rows, all of them`, async () => {
      const records = Array.from({ length: 30_000 }, (_, index) => ({ k: index, v: 'old', n: 1 }))
      const id = await kit.make(COLUMNS, records, { key: ['k'] })
      const before = await kit.dump(id, 'csv', { sort })
      const stream = await kit.openDump(id, 'csv', { sort })
      await kit.upsert(
        id,
        records.slice(15_000).map(({ k }) => ({ k, v: 'new' })),
      )
      await kit.deleteRows(id, { k: { lt: 10_000 } })
      await kit.upsert(id, [{ k: 99_999, v: 'added' }])
      await kit.upsert(id, '[{"k": 5, "n": 0.125}]')
      expect((await new Response(stream).text()) === before).toBe(true)
      expect((await kit.dump(id, 'csv', { sort })).split('\n')).toHaveLength(20_003)
    })
  }

  test('a column that is dropped, or the table itself, does not cut short the dump that reads it', async () => {
    const id = await kit.make(
      COLUMNS,
      Array.from({ length: 30_000 }, (_, k) => ({ k, v: 'x' })),
    )
    const whole = await kit.dump(id, 'csv')
    const streams = [await kit.openDump(id, 'csv'), await kit.openDump(id, 'csv')]
    const { schemaRevision } = await kit.table(id)
    await kit.engine.delete({ id, what: 'columns', basedOn: schemaRevision, columns: ['v'] })
    await kit.engine.delete({ id, what: 'table' })
    // Whole, or broken: never short.
    for (const stream of streams) {
      const text = await new Response(stream).text().catch(() => undefined)
      if (text !== undefined) expect(text === whole).toBe(true)
    }
    expect(await kit.engine.describe(id)).toBeUndefined()
  })

  test('a text that a csv reader might take for a comment comes back as it is', async () => {
    const id = await kit.make({ v: 'text' }, [{ v: '# no comment' }, { v: 'C#' }])
    expect((await kit.dump(id, 'csv', { fields: ['v'] })).replaceAll('"', '')).toBe('# no comment\nC#\n')
  })

  test('a dump that nobody reads to the end lets go', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => kit.openDump(big, 'csv')))
    for (const stream of streams) {
      const reader = stream.getReader()
      await reader.read()
      await reader.cancel()
    }
    expect((await kit.search(big, { limit: 1 })).total).toBe(ids.length)
  })
}

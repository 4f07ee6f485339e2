import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { DuckDBInstance } from '@duckdb/node-api'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ValidationError } from '../../../src/core/errors.ts'
import type { Family } from '../../../src/core/field-types.ts'
import { columnType } from '../../../src/core/field-types.ts'
import type { Configuration } from '../../../src/core/text-search/configurations.ts'
import { findConfiguration } from '../../../src/core/text-search/configurations.ts'
import type { TextExpression, Word } from '../../../src/core/text-search/expression.ts'
import { parseTextQuery } from '../../../src/core/text-search/query.ts'
import { tokenize } from '../../../src/core/text-search/tokenize.ts'
import { FullTextIndex } from '../../../src/infrastructure/engines/duckdb/full-text/builder.ts'
import { textMatch } from '../../../src/infrastructure/engines/duckdb/full-text/match.ts'
import type { TextColumn, TextSource } from '../../../src/infrastructure/engines/duckdb/full-text/source.ts'
import type { TextQuery } from '../../../src/infrastructure/engines/engine.ts'

let instance: DuckDBInstance
let connection: DuckDBConnection

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:')
  connection = await instance.connect()
})
afterAll(() => {
  connection.closeSync()
  instance.closeSync()
})

const column = (name: string, family: Family = 'text', text = `t."${name}"`): TextColumn => ({
  name,
  family,
  array: false,
  text,
})
const asText = (name: string, family: Family) => column(name, family, `t."${name}"::VARCHAR`)
const query = (text: string, options: Partial<TextQuery> = {}): TextQuery => ({
  text,
  plain: true,
  language: 'english',
  rank: 'rank',
  ...options,
})
const on = (name: string): Pick<TextQuery, 'column' | 'rank'> => ({
  column: { name, type: columnType('text'), declaredType: 'text', field: { name } },
  rank: `rank ${name}`,
})

interface Hit {
  id: number
  ranks: number[]
}

/** What the queries find, best first, in one transaction as a search runs it. */
async function find(source: TextSource, queries: readonly TextQuery[], index?: FullTextIndex): Promise<Hit[]> {
  await connection.run('BEGIN TRANSACTION READ ONLY')
  try {
    const match = await textMatch(connection, source, queries, await index?.coverage(connection, 'docs', source))
    const ranks = [...match.ranks.values()]
    const order = [...ranks.map((rank) => `${rank} DESC`), 't._id']
    const reader = await connection.runAndReadAll(
      `WITH ${match.ctes.join(', ')} SELECT ${['t._id', ...ranks].join(', ')} FROM ${source.table} t ` +
        `JOIN text_match m ON m._id = t._id ORDER BY ${order.join(', ')}`,
    )
    return reader.getRows().map(([id, ...values]) => ({ id: Number(id), ranks: values.map(Number) }))
  } finally {
    await connection.run('COMMIT')
  }
}

const ids = (hits: readonly Hit[]) => hits.map(({ id }) => id).sort((a, b) => a - b)

describe('§6 on the rows themselves', () => {
  const source: TextSource = {
    table: 'memory.main."species"',
    columns: [
      column('name'),
      column('notes'),
      asText('n', 'integer'),
      column('price', 'numeric', `rtrim(rtrim(t."price"::VARCHAR, '0'), '.')`),
      asText('day', 'date'),
      asText('extra', 'json'),
      column('seen', 'timestamp', `strftime(t."seen", '%Y-%m-%dT%H:%M:%S')`),
    ],
  }
  beforeAll(async () => {
    await connection.run(
      'CREATE TABLE species (_id BIGINT, name VARCHAR, notes VARCHAR, n INTEGER, price DECIMAL(9,2), day DATE, extra JSON, seen TIMESTAMP)',
    )
    await connection.run(`INSERT INTO species VALUES
      (1, 'Oak tree', 'An oak beside another oak; runs deep', 7, 13.4, '2011-01-02', '{"colour": "green"}', NULL),
      (2, 'Running water', 'It ran. Trees and oaks', -7, 4, '2011-02-01', '["blue", {"shade": 20}]', '2030-06-07 08:09:10'),
      (3, 'O''Brien''s well-known pub', NULL, 200, NULL, NULL, NULL, NULL),
      (4, 'ÉCOLE Ångström', 'известны ёлки', 2020, 0.5, '1999-12-31', NULL, NULL),
      (5, 'known well', 'the', NULL, 2.5, NULL, NULL, NULL)`)
  })

  const cases: [text: string, options: Partial<TextQuery>, found: number[]][] = [
    ['oak', {}, [1, 2]],
    ['OAKS', {}, [1, 2]],
    ['run', {}, [1, 2]],
    ['oak running', {}, [1, 2]],
    ['oak running', { language: 'simple' }, []],
    ['oak', { language: 'simple' }, [1]],
    ['oak', { language: 'en' }, [1, 2]],
    ['the', {}, []],
    ['the', { language: 'simple' }, [5]],
    ['oak the', {}, [1, 2]],
    ['nothing-like-it', {}, []],
    ['13.4', {}, [1]],
    ['4', {}, [2]],
    ['7', {}, [1, 2]],
    ['2.5', {}, [5]],
    ['2011-01-02', {}, [1]],
    ['2011', {}, [1, 2]],
    ['2030-06-07', {}, [2]],
    ['2030-06-07T08:09', {}, [2]],
    ["'2030-06-07T08:09:10'", { plain: false }, [2]],
    ['08:09:10', {}, [2]],
    ['green', {}, [1]],
    ['shade', {}, [2]],
    ['20', {}, [2]],
    ['well-known', {}, [3]],
    ['known well', {}, [3, 5]],
    ["o'brien", {}, [3]],
    ['école', {}, [4]],
    ['ångström', { language: 'swedish' }, [4]],
    ['ёлка', { language: 'russian' }, [4]],
    ['елка', { language: 'russian' }, [4]],
    ['oak | pub', { plain: false }, [1, 2, 3]],
    ['oak & !green', { plain: false }, [2]],
    ['!oak', { plain: false }, [3, 4, 5]],
    ['!oak & !pub', { plain: false }, [4, 5]],
    ['oak & (blue | green)', { plain: false }, [1, 2]],
    ['20:*', { plain: false }, [1, 2, 3, 4]],
    ['runn:*', { plain: false, language: 'simple' }, [2]],
    ['running:*', { plain: false }, [1, 2]],
    ['well <-> known', { plain: false }, [3]],
    ['known <-> well', { plain: false }, [5]],
    ['oak <2> anoth:*', { plain: false }, [1]],
    ['oak <-> water', { plain: false }, []],
    ['!(well <-> known)', { plain: false }, [1, 2, 4, 5]],
    ['brien <2> well <-> kno:*', { plain: false, language: 'simple' }, [3]],
    ['zz <-> known', { plain: false }, []],
    ['known <100> well', { plain: false }, []],
    ['oak <2> anoth:* | (well <-> known) & !(known <-> well)', { plain: false }, [1, 3]],
    ['oak', on('name'), [1]],
    ['oak', on('notes'), [1, 2]],
    ['20', on('extra'), [2]],
    ['oak:*', { ...on('notes'), plain: false, language: 'simple' }, [1, 2]],
  ]
  test.each(cases)('%s %o', async (text, options, found) => {
    expect(ids(await find(source, [query(text, options)]))).toEqual(found)
  })

  test('a row with the word twice ranks higher than once; ranks lie between 0 and 1', async () => {
    const hits = await find(source, [query('oak')])
    expect(hits.map(({ id }) => id)).toEqual([1, 2])
    const [twice, once] = hits.map(({ ranks }) => ranks[0] as number)
    expect(once).toBe(0.06079271)
    expect(twice).toBeGreaterThan(once as number)
    expect(twice).toBeLessThan(1)
  })

  test('only negated words rank above nothing', async () => {
    for (const { ranks } of await find(source, [query('!oak', { plain: false })])) expect(ranks[0]).toBeGreaterThan(0)
  })

  test('several queries: each must match, each has its rank', async () => {
    const hits = await find(source, [query('oak'), query('tree', on('notes'))])
    expect(ids(hits)).toEqual([2])
    expect(hits[0]?.ranks).toEqual([0.06079271, 0.06079271])
    expect(await find(source, [query('oak'), query('the', on('notes'))])).toEqual([])
  })

  const refused: [text: string, options: Partial<TextQuery>][] = [
    ['a b', { plain: false }],
    ['oak &', { plain: false }],
    ['oak', { language: 'klingon' }],
  ]
  test.each(refused)('%s %o is an invalid query', async (text, options) => {
    await expect(textMatch(connection, source, [query(text, options)])).rejects.toMatchObject({
      status: 409,
      detail: { query: ['Invalid query'] },
    })
  })

  test('a column that is not there', async () => {
    await expect(textMatch(connection, source, [query('oak', on('nope'))])).rejects.toBeInstanceOf(ValidationError)
  })
})

const isForm = (lexeme: string | undefined, { lexeme: asked, prefix }: Word) =>
  prefix ? (lexeme?.startsWith(asked) ?? false) : lexeme === asked

/** The same question answered in JavaScript, row by row. */
class Reference {
  readonly #configuration: Configuration

  constructor(configuration: Configuration) {
    this.#configuration = configuration
  }

  ids(rows: ReadonlyMap<number, readonly string[]>, expression: TextExpression | undefined, only?: number): number[] {
    if (!expression) return []
    return [...rows]
      .filter(([, texts]) => this.#holds(this.#lines(texts, only), expression))
      .map(([id]) => id)
      .sort((a, b) => a - b)
  }

  #lines(texts: readonly string[], only?: number): string[][] {
    const read = only === undefined ? texts : texts.slice(only, only + 1)
    return read.map((text) => tokenize(text).map((token) => this.#configuration.lexeme(token.text)))
  }

  #holds(lines: readonly string[][], expression: TextExpression): boolean {
    if (expression.kind === 'word') return lines.some((line) => line.some((lexeme) => isForm(lexeme, expression)))
    if (expression.kind === 'phrase')
      return lines.some((line) => line.some((_, at) => this.#fits(line, at, expression)))
    if (expression.kind === 'not') return !this.#holds(lines, expression.part)
    if (expression.kind === 'and') return expression.parts.every((part) => this.#holds(lines, part))
    return expression.parts.some((part) => this.#holds(lines, part))
  }

  #fits(
    line: readonly string[],
    at: number,
    { words, distances }: Extract<TextExpression, { kind: 'phrase' }>,
  ): boolean {
    return words.every((word, index) => {
      const place = distances.slice(0, index).reduce((sum, distance) => sum + distance, at)
      return isForm(line[place], word)
    })
  }
}

const source: TextSource = { table: 'memory.main."docs"', columns: [column('a'), column('b')] }

interface Opened {
  index: FullTextIndex
  failures: unknown[]
  /** What the builder is told of the table. */
  table: { source: TextSource | undefined }
}

async function openIndex(on = instance, options: { rowsMin?: number; quietMs?: number } = {}): Promise<Opened> {
  const failures: unknown[] = []
  const table: Opened['table'] = { source }
  const index = new FullTextIndex({
    connect: async () => {
      const own = await on.connect()
      return { connection: own, release: () => own.closeSync() }
    },
    source: async () => table.source,
    failed: (_, error) => failures.push(error),
    rowsMin: 3,
    rowsPerStep: 7,
    rowsPerStatement: 3,
    pauseMs: 1,
    quietMs: 0,
    writesPatienceMs: 0,
    ...options,
  })
  const own = await on.connect()
  await index.prepare(own)
  own.closeSync()
  return { index, failures, table }
}

async function emptyTable(): Promise<void> {
  await connection.run('DROP SCHEMA IF EXISTS _text CASCADE')
  await connection.run('CREATE OR REPLACE TABLE docs (_id BIGINT, a VARCHAR, b VARCHAR)')
}

async function insert(rows: Iterable<readonly [number, readonly string[]]>): Promise<void> {
  for (const [id, [a = '', b = '']] of rows) await connection.run('INSERT INTO docs VALUES ($1, $2, $3)', [id, a, b])
}

async function write(work: () => Promise<void>): Promise<void> {
  await connection.run('BEGIN TRANSACTION')
  await work()
  await connection.run('COMMIT')
}

const words = [
  'run',
  'running',
  'runs',
  'runner',
  'happy',
  'happiness',
  'the',
  'die',
  'dying',
  '13.4',
  '4',
  '13',
  'Häuser',
  'haus',
  'x1',
  'ёлки',
]
const word = fc.constantFrom(...words)
const cell = fc
  .array(fc.tuple(word, fc.constantFrom(' ', '  ', ', ', '-', '. ', '\n')), { maxLength: 5 })
  .map((parts) => parts.flat().join(''))
const row = fc.tuple(cell, cell)
const tsquery = fc.letrec<{ expression: string; operand: string }>((tie) => ({
  operand: fc.tuple(fc.constantFrom('', '', '!'), word, fc.constantFrom('', '', ':*')).map((parts) => parts.join('')),
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('operand'),
    fc
      .tuple(tie('expression'), fc.constantFrom(' & ', ' | '), tie('expression'))
      .map(([left, operator, right]) => `(${left}${operator}${right})`),
    fc
      .tuple(fc.constantFrom('', '!'), word, fc.constantFrom(' <-> ', ' <2> '), word)
      .map(([not, ...parts]) => `${not}(${parts.join('')})`),
  ),
})).expression
const asked = fc.record({
  text: tsquery,
  language: fc.constantFrom('english', 'english', 'simple', 'german', 'russian'),
  only: fc.constantFrom(undefined, undefined, 0, 1),
})

type Operation =
  | { what: 'insert'; rows: [string, string][] }
  | { what: 'update' | 'delete'; at: number; row: [string, string] }
  | { what: 'build' }
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ what: fc.constant('insert' as const), rows: fc.array(row, { maxLength: 12 }) }),
  fc.record({ what: fc.constantFrom('update' as const, 'delete' as const), at: fc.nat(), row }),
  fc.constant({ what: 'build' as const }),
)

describe('§6 with an index', () => {
  test('index, scan and a slow reference agree after any writes', async () => {
    const property = fc.asyncProperty(
      fc.array(operation, { minLength: 1, maxLength: 8 }),
      fc.array(asked, { minLength: 1, maxLength: 3 }),
      async (operations, queries) => {
        await emptyTable()
        const { index, failures } = await openIndex()
        const rows = new Map<number, readonly string[]>()
        let nextId = 1
        for (const step of operations) {
          if (step.what === 'build') {
            index.schedule('docs')
            await index.finish()
            continue
          }
          const target = [...rows.keys()][step.what === 'insert' ? 0 : step.at % Math.max(1, rows.size)]
          await write(async () => {
            const before = rows.size
            if (step.what === 'insert') {
              const fresh = step.rows.map((texts): [number, string[]] => [nextId++, texts])
              await insert(fresh)
              for (const [id, texts] of fresh) rows.set(id, texts)
              return
            }
            if (target === undefined) return
            await index.noteChanged(connection, 'docs', before, `SELECT ${target}::BIGINT`)
            if (step.what === 'delete') {
              await connection.run('DELETE FROM docs WHERE _id = $1', [target])
              rows.delete(target)
            } else {
              await connection.run('UPDATE docs SET a = $2, b = $3 WHERE _id = $1', [target, ...step.row])
              rows.set(target, step.row)
            }
          })
        }
        for (const { text, language, only } of queries) {
          const configuration = (await findConfiguration(language)) as Configuration
          const options = { plain: false, language, ...(only !== undefined && on(source.columns[only]?.name ?? '')) }
          const scanned = await find(source, [query(text, options)])
          const indexed = await find(source, [query(text, options)], index)
          expect(indexed).toEqual(scanned)
          const expected = new Reference(configuration).ids(rows, parseTextQuery(text, false, configuration), only)
          expect(ids(scanned)).toEqual(expected)
        }
        await index.close()
        expect(failures).toEqual([])
      },
    )
    await fc.assert(property, { numRuns: process.env.FULL ? 300 : 40 })
  }, 600_000)

  const texts = (count: number): [number, string[]][] =>
    Array.from({ length: count }, (_, n) => [n + 1, [`word w${n % 5}`, n % 3 ? 'oak' : 'pine']])
  const search = (index: FullTextIndex | undefined, text: string) =>
    find(source, [query(text, { language: 'simple' })], index).then(ids)
  const count = async (sql: string) => Number((await connection.runAndReadAll(sql)).getRows()[0]?.[0])
  const coverage = async (index: FullTextIndex, on = connection) => index.coverage(on, 'docs', source)

  async function builtIndex(rows = 20): Promise<Opened> {
    await emptyTable()
    await insert(texts(rows))
    const opened = await openIndex()
    opened.index.schedule('docs')
    await opened.index.finish()
    return opened
  }

  test('covers every row once it is built, and no row is read', async () => {
    const { index } = await builtIndex()
    expect(await coverage(index)).toMatchObject({ index: { columns: [0, 1] }, rest: [] })
    expect(await search(index, 'w3')).toEqual([4, 9, 14, 19])
    await index.close()
  })

  test('answers are whole while it is being built', async () => {
    await emptyTable()
    await insert(texts(60))
    const { index, failures } = await openIndex()
    index.schedule('docs')
    const built = index.finish()
    for (let turn = 0; turn < 30; turn++) {
      expect(await search(index, 'oak')).toHaveLength(40)
    }
    await built
    expect(await search(index, 'oak')).toHaveLength(40)
    expect(failures).toEqual([])
    await index.close()
  })

  test('a write that began before a step and commits after it is seen', async () => {
    await emptyTable()
    await insert(texts(20))
    const { index, failures } = await openIndex()
    const writer = await instance.connect()
    await writer.run('BEGIN TRANSACTION')
    await writer.run(`UPDATE docs SET a = 'fresh' WHERE _id = 5`)
    await index.noteChanged(writer, 'docs', 20, 'SELECT 5::BIGINT')
    index.schedule('docs')
    await index.finish()
    expect(await search(index, 'w4')).toEqual([5, 10, 15, 20])
    await writer.run('COMMIT')
    expect(await search(index, 'w4')).toEqual([10, 15, 20])
    expect(await search(index, 'fresh')).toEqual([5])
    index.schedule('docs')
    await index.finish()
    expect((await coverage(index)).rest).toEqual([])
    expect(await search(index, 'fresh')).toEqual([5])
    writer.closeSync()
    expect(failures).toEqual([])
    await index.close()
  })

  test('a write that is rolled back leaves no trace', async () => {
    const { index } = await builtIndex()
    await connection.run('BEGIN TRANSACTION')
    await index.noteReset(connection, 'docs', 20)
    await connection.run('ROLLBACK')
    expect((await coverage(index)).rest).toEqual([])
    await index.close()
  })

  test('replaced rows under the same ids are found at once', async () => {
    const { index, failures } = await builtIndex()
    await write(async () => {
      await connection.run('DELETE FROM docs')
      await insert([
        [1, ['elm', '']],
        [2, ['oak', '']],
        [3, ['', '']],
      ])
      await index.noteReset(connection, 'docs', 20)
    })
    expect(await search(index, 'oak')).toEqual([2])
    index.schedule('docs')
    await index.finish()
    expect(await coverage(index)).toMatchObject({ index: {}, rest: [] })
    expect(await search(index, 'oak')).toEqual([2])
    expect(failures).toEqual([])
    await index.close()
  })

  test('another set of columns makes the index void', async () => {
    const { index, table } = await builtIndex()
    const wider = { ...source, columns: [...source.columns, column('c')] }
    await connection.run('ALTER TABLE docs ADD COLUMN c VARCHAR')
    await connection.run(`UPDATE docs SET c = 'oak' WHERE _id = 1`)
    expect(ids(await find(wider, [query('oak')], index))).toContain(1)
    table.source = wider
    index.schedule('docs')
    await index.finish()
    expect(await index.coverage(connection, 'docs', wider)).toMatchObject({ index: { columns: [0, 1, 2] }, rest: [] })
    expect(ids(await find(wider, [query('oak')], index))).toContain(1)
    await index.close()
  })

  test('a dropped table leaves nothing behind', async () => {
    const { index, table } = await builtIndex()
    await write(async () => {
      await connection.run('DROP TABLE docs')
      await index.noteReset(connection, 'docs', 20)
    })
    table.source = undefined
    index.schedule('docs')
    await index.finish()
    expect(
      await count(
        `SELECT count(*) FROM duckdb_tables() WHERE schema_name = '_text' AND table_name NOT IN ('indexes', 'changed')`,
      ),
    ).toBe(0)
    expect(await count('SELECT (SELECT count(*) FROM _text.indexes) + (SELECT count(*) FROM _text.changed)')).toBe(0)
    await index.close()
  })

  test('a search that began before an index was thrown away still has it', async () => {
    const { index, failures } = await builtIndex()
    const reader = await instance.connect()
    await reader.run('BEGIN TRANSACTION READ ONLY')
    const match = await textMatch(reader, source, [query('w3', { language: 'simple' })], await coverage(index, reader))
    await write(async () => {
      await connection.run(`UPDATE docs SET a = 'all new'`)
      await index.noteReset(connection, 'docs', 20)
    })
    index.schedule('docs')
    await index.finish()
    await connection.run('CHECKPOINT').catch(() => undefined)
    const found = await reader.runAndReadAll(`WITH ${match.ctes.join(', ')} SELECT _id FROM text_match ORDER BY _id`)
    expect(found.getRows().map(([id]) => Number(id))).toEqual([4, 9, 14, 19])
    await reader.run('COMMIT')
    expect(await search(index, 'w3')).toEqual([])
    expect(await search(index, 'new')).toHaveLength(20)
    expect(failures).toEqual([])
    reader.closeSync()
    await index.close()
  })

  test('a small table has none, and its writes note nothing', async () => {
    await emptyTable()
    await insert(texts(2))
    const { index } = await openIndex()
    index.schedule('docs')
    await index.finish()
    await index.noteChanged(connection, 'docs', 2, 'SELECT 1::BIGINT')
    expect(await count('SELECT count(*) FROM _text.changed')).toBe(0)
    expect((await coverage(index)).index).toBeUndefined()
    await index.close()
  })

  test('a failed step is reported, leaves the answers right, and is tried again', async () => {
    await emptyTable()
    await insert(texts(20))
    const { index, failures, table } = await openIndex()
    table.source = { ...source, columns: [column('gone')] }
    index.schedule('docs')
    await index.finish()
    expect(failures).not.toEqual([])
    expect(await search(index, 'w3')).toEqual([4, 9, 14, 19])
    table.source = source
    index.schedule('docs')
    await index.finish()
    expect((await coverage(index)).rest).toEqual([])
    expect(await search(index, 'w3')).toEqual([4, 9, 14, 19])
    await index.close()
  })

  test('few new rows wait until the table is quiet', async () => {
    await emptyTable()
    await insert(texts(20))
    const { index } = await openIndex(instance, { rowsMin: 15, quietMs: 60_000 })
    index.schedule('docs')
    await index.finish()
    await insert([[21, ['w3', '']]])
    index.schedule('docs')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await search(index, 'w3')).toEqual([4, 9, 14, 19, 21])
    expect((await coverage(index)).rest).toHaveLength(1)
    await index.finish()
    expect((await coverage(index)).rest).toEqual([])
    await index.close()
  })

  test('a restart takes it up where a stop left it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'full-text-'))
    const path = join(folder, 'memory.duckdb')
    try {
      const first = await DuckDBInstance.create(path)
      const own = await first.connect()
      await own.run(`CREATE TABLE docs AS SELECT i AS _id, 'w' || i % 10 AS a, 'oak' AS b FROM range(1, 201) t(i)`)
      const opened = await openIndex(first)
      opened.index.schedule('docs')
      await expect.poll(async () => (await coverage(opened.index, own)).index, { timeout: 5000 }).toBeDefined()
      await opened.index.close()
      own.closeSync()
      first.closeSync()

      const second = await DuckDBInstance.create(path)
      const again = await second.connect()
      const { index, failures } = await openIndex(second)
      expect((await coverage(index, again)).index).toBeDefined()
      await index.finish()
      expect((await coverage(index, again)).rest).toEqual([])
      await index.close()
      expect([...failures, ...opened.failures]).toEqual([])
      again.closeSync()
      second.closeSync()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

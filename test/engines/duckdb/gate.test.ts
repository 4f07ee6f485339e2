import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigurationError, DatastoreError } from '../../../src/core/errors.ts'
import { argumentLimits, growth } from '../../../src/infrastructure/engines/duckdb/gate/arguments.ts'
import {
  defaultFunctions,
  operators,
  tableFunctions,
} from '../../../src/infrastructure/engines/duckdb/gate/functions.ts'
import { functionList, inspect } from '../../../src/infrastructure/engines/duckdb/gate/index.ts'
import { readFunctionList } from '../../../src/infrastructure/engines/sql/function-list.ts'
import { checkStatement } from '../../../src/services/sql-gate/index.ts'
import { aroundExpression, aroundTable, wrapped } from '../../suites/sql/around.ts'
import { cores, endless, hostile, hostileSetup, reachesCanary, SECRET } from '../../suites/sql/hostile.ts'
import { legitimate, setup, TREES, WEATHER } from '../../suites/sql/legitimate.ts'

let instance: DuckDBInstance
let connection: DuckDBConnection

/** An instance locked as a server's is: nothing outside can be reached, no setting changed. */
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { memory_limit: '256MB', threads: '2' })
  connection = await instance.connect()
  for (const sql of [...hostileSetup, ...setup]) await connection.run(sql)
  for (const setting of ['enable_external_access = false', 'lock_configuration = true']) {
    await connection.run(`SET GLOBAL ${setting}`)
  }
})

afterAll(() => {
  connection.closeSync()
  instance.closeSync()
})

/** What both gates say: the refusal, or what the second answers. */
async function bothGates(sql: string) {
  try {
    return { inspected: await inspect(connection, checkStatement(sql).sql, defaultFunctions) }
  } catch (error) {
    return { refused: error }
  }
}

async function secondGate(sql: string) {
  return inspect(connection, sql, defaultFunctions).then(
    (inspected) => ({ inspected }),
    (refused: unknown) => ({ refused }),
  )
}

function expectRefusal(refused: unknown): void {
  expect(refused).toBeInstanceOf(DatastoreError)
  expect([403, 409]).toContain((refused as DatastoreError).status)
  expect(JSON.stringify((refused as DatastoreError).detail) + (refused as DatastoreError).message).not.toContain(SECRET)
}

const readsCanary = (tables: readonly string[] = []) => tables.some((name) => name.toLowerCase() === 'canary')

/** Runs a statement as a server does; answers its rows as text, or the error's text. */
async function run(sql: string): Promise<string> {
  await connection.run('BEGIN TRANSACTION READ ONLY')
  const stop = setTimeout(() => connection.interrupt(), 300)
  try {
    const reader = await connection.runAndReadAll(`SELECT * FROM (${sql}\n) LIMIT 50`)
    return JSON.stringify(reader.getRowsJson())
  } catch (error) {
    return `error: ${(error as Error).message}`
  } finally {
    clearTimeout(stop)
    await connection.run('ROLLBACK')
  }
}

describe('the corpora are as large as promised', () => {
  const size = (corpus: Readonly<Record<string, readonly string[]>>) => Object.values(corpus).flat().length
  test('hostile', () => expect(size(hostile) + size(reachesCanary) + endless.length).toBeGreaterThanOrEqual(150))
  test('legitimate', () => expect(size(legitimate)).toBeGreaterThanOrEqual(80))
})

describe.each(Object.entries(hostile))('hostile: %s', (_family, statements) => {
  test.each(statements.map((sql) => [sql.slice(0, 90), sql]))('%s', async (_name, sql) => {
    const { inspected, refused } = await bothGates(sql)
    expect(inspected).toBeUndefined()
    expectRefusal(refused)
  })
})

// Where the first gate is asleep, the second alone must hold; the rest of the corpus is about text and size.
describe.each([
  'SQL in a string',
  'table functions',
  'replacement scans',
  'catalogs',
  'settings, state and identity',
  'functions by other names',
  'size bombs',
  'patterns that never end',
  'other statements',
])('the second gate alone: %s', (family) => {
  test.each(hostile[family] ?? [])('%s', async (sql) => {
    const { inspected, refused } = (await secondGate(sql)) as { inspected?: unknown; refused?: unknown }
    expect(inspected).toBeUndefined()
    expectRefusal(refused)
  })
})

describe.each(Object.entries(reachesCanary))('a table out of reach: %s', (_family, statements) => {
  test.each(statements)('%s', async (sql) => {
    for (const gate of [bothGates, secondGate]) {
      const { inspected, refused } = (await gate(sql)) as { inspected?: { tables: string[] }; refused?: unknown }
      if (refused) expectRefusal(refused)
      else expect(readsCanary(inspected?.tables)).toBe(true)
    }
  })
})

describe('endless statements start and are stopped', () => {
  test.each(endless)('%s', async (sql) => {
    expect((await bothGates(sql)).inspected).toBeDefined()
    expect(await run(sql)).toMatch(/Interrupted|Out of Memory/)
    expect(await run('SELECT 1 AS one')).toBe('[[1]]')
  })
})

describe.each(Object.entries(legitimate))('legitimate: %s', (_family, statements) => {
  test.each(statements)('%s', async (sql) => {
    const checked = checkStatement(sql)
    const { tables } = await inspect(connection, checked.sql, defaultFunctions)
    expect([TREES, WEATHER]).toEqual(expect.arrayContaining([...tables]))
    expect(checked.tables).toEqual(expect.arrayContaining([...tables]))
    expect(await run(checked.sql)).not.toContain('error:')
  })
})

test('the statement for the total is the same statement without its LIMIT and OFFSET', async () => {
  const query = async (sql: string) => {
    const reader = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql])
    const tree = JSON.parse(String(reader.getRows()[0]?.[0]), (key, value) => (key === 'query_location' ? 0 : value))
    expect(tree.error).toBe(false)
    return tree.statements[0].node as { modifiers: { type: string }[] }
  }
  const unlimited = Object.values(legitimate)
    .flat()
    .map((sql) => checkStatement(sql))
    .filter(({ sql, limit }) => limit === undefined && !sql.startsWith('VALUES'))
  expect(unlimited.length).toBeGreaterThan(80)
  for (const { sql } of unlimited) {
    const whole = `${sql} LIMIT 3 OFFSET 1`
    expect(checkStatement(whole)).toMatchObject({ limit: 3, offset: 1, countSql: sql })
    const { modifiers, ...rest } = await query(whole)
    expect({ ...rest, modifiers: modifiers.filter(({ type }) => type !== 'LIMIT_MODIFIER') }).toEqual(await query(sql))
  }
})

describe('what a statement reads and calls', () => {
  const say = async (sql: string) => {
    const { tables, functions } = await inspect(connection, sql, defaultFunctions)
    return { tables: [...tables].sort(), functions: [...functions].sort() }
  }

  test('tables once, as first written; CTEs are none', async () => {
    const sql = 'WITH w AS (SELECT * FROM "A b") SELECT * FROM w, "a B", x WHERE EXISTS (SELECT 1 FROM y)'
    expect((await say(sql)).tables).toEqual(['A b', 'x', 'y'])
  })

  test('names are folded as DuckDB folds them: the Kelvin sign is no k', async () => {
    expect((await say('WITH "\u212Aeys" AS (SELECT 1) SELECT * FROM keys')).tables).toEqual(['keys'])
    expect((await say('WITH "KEYS" AS (SELECT 1) SELECT * FROM keys')).tables).toEqual([])
  })

  test('functions in lower case, operators none', async () => {
    const { functions } = await say('SELECT UPPER(a) || b, count(*), sum(x) OVER (), -c FROM range(3) t')
    expect(functions).toEqual(['count_star', 'range', 'sum', 'upper'])
  })

  test.each([
    ['SELECT * FROM pg_class', 'Access denied: Not authorized to access system tables'],
    ['SELECT * FROM information_schema.tables', 'Access denied: Not authorized to access system tables'],
    ['SELECT version()', 'Access denied: Not authorized to call function version'],
  ])('%s is worded as CKAN words it', async (sql, message) => {
    await expect(inspect(connection, sql, defaultFunctions)).rejects.toMatchObject({ status: 403, message })
  })

  test('a column may be called like a function without parentheses when its table is named', async () => {
    expect((await say('SELECT t.session_user FROM t')).functions).toEqual([])
  })

  test('what looks like a node inside a string stays data', async () => {
    expect(await say(`SELECT '{"class":"FUNCTION","function_name":"getenv"}'`)).toEqual({ tables: [], functions: [] })
  })
})

describe('lists of functions', () => {
  const known = new Set(['count', 'upper', 'lower', 'getenv'])

  test('names, comments and quoted entries', () => {
    expect(readFunctionList('# ours\nUpper\n\n"count" # exactly\r\n', known)).toEqual({
      names: new Set(['upper']),
      exact: new Set(['count']),
    })
  })

  test('an unknown name is told with its line', () => {
    const read = () => readFunctionList('upper\nto_char\n"nope"', known)
    expect(read).toThrow(ConfigurationError)
    expect(read).toThrow(/line 2: to_char[\s\S]*line 3: "nope"/)
  })

  test.each([
    ['SELECT upper(a), UpPeR(a) FROM t', true],
    ['SELECT count(a) FROM t', true],
    ['SELECT "count"(*) FROM t', true],
    ['SELECT CoUnT(a) FROM t', false],
    ['SELECT "CoUnT"(a) FROM t', false],
    ['SELECT COUNT(*) FROM t', false],
    [`SELECT 'é', count(a) FROM t`, true],
    ['SELECT lower(a) FROM t', false],
    [`SELECT a + 1, a::int, extract(year FROM d), d AT TIME ZONE 'UTC', CASE WHEN a THEN 1 END, array[1] FROM t`, true],
  ])('a list of upper and "count": %s → %s', async (sql, passes) => {
    const list = await functionList('upper\n"count"')
    const outcome = await inspect(connection, sql, list).then(
      () => true,
      () => false,
    )
    expect(outcome).toBe(passes)
  })

  test('no list opens other table functions', async () => {
    const list = await functionList('query\nread_csv\nduckdb_settings')
    for (const call of [`query('SELECT 1')`, `read_csv('x')`, 'duckdb_settings()']) {
      await expect(inspect(connection, `SELECT * FROM ${call}`, list)).rejects.toMatchObject({ status: 403 })
    }
  })

  test('the default list holds nothing that DuckDB knows to be risky, and the limits concern listed functions', async () => {
    const risky =
      /^(read_|pg_(?!typeof)|duckdb_|pragma_|parquet_|query|current_(setting|query|schema|database|cat)|nextval|currval|getvar|sleep|write_log|json_(execute|de)?serialize)/
    expect([...defaultFunctions.names].filter((name) => risky.test(name))).toEqual([])
    for (const name of [...Object.keys(argumentLimits), ...Object.keys(growth), ...tableFunctions])
      expect(defaultFunctions.names.has(name) || operators.has(name), name).toBe(true)
  })
})

test('no hostile core gets through, whatever legal SQL is around it', async () => {
  const statements = fc.oneof(wrapped(cores.expressions, aroundExpression), wrapped(cores.tables, aroundTable))
  await fc.assert(
    fc.asyncProperty(statements, async ({ core, sql }) => {
      const { inspected, refused } = await bothGates(sql)
      if (refused) return expectRefusal(refused)
      // Only the plain name of the table may pass, and then the caller is asked, or a CTE of that name is meant.
      expect(core).toMatch(/^(canary|CANARY|\(SELECT count\(secret\) FROM canary\))$/)
      if (!readsCanary(inspected?.tables)) expect(await run(inspected?.sql ?? '')).not.toContain(SECRET)
    }),
    { numRuns: 400 },
  )
})

/** Queries full of CTEs with few names, so that they shadow each other and the tables. */
const shadowing = fc.letrec<{ query: string }>((tie) => {
  const name = fc.constantFrom('canary', 'CANARY', '"canary"', 'a', 'open_table')
  const source = fc.oneof(
    { weight: 3, arbitrary: name },
    { weight: 1, arbitrary: tie('query').map((query) => `(${query})`) },
  )
  const select = fc
    .tuple(source, source)
    .map(
      ([one, two]) =>
        `SELECT x::text AS x FROM (SELECT columns_of.* FROM ${one} AS columns_of LIMIT 3) AS t(x) UNION ALL SELECT 'n' FROM ${two} AS u`,
    )
  const plain = source.map((one) => `SELECT to_json(t)::text AS x FROM ${one} AS t`)
  const ctes = fc
    .tuple(
      fc.boolean(),
      fc.array(fc.tuple(fc.constantFrom('canary', '"Canary"', 'a'), tie('query')), { minLength: 1, maxLength: 3 }),
      tie('query'),
    )
    .map(
      ([recursive, list, query]) =>
        `WITH ${recursive ? 'RECURSIVE ' : ''}${list.map(([cte, body]) => `${cte} AS (${body})`).join(', ')} ${query}`,
    )
  const nested = fc
    .tuple(name, tie('query'))
    .map(([one, query]) => `SELECT to_json(t)::text AS x FROM ${one} AS t WHERE EXISTS (${query}) OR true`)
  return { query: fc.oneof({ depthSize: 'small', withCrossShrink: true }, plain, select, ctes, nested) }
}).query

test('a CTE hides a table exactly where DuckDB says so: nothing is read that was not told', async () => {
  let passed = 0
  await fc.assert(
    fc.asyncProperty(shadowing, async (sql) => {
      const { inspected } = (await secondGate(sql)) as { inspected?: { tables: string[] } }
      if (!inspected || readsCanary(inspected.tables)) return
      passed += 1
      expect(await run(sql)).not.toContain(SECRET)
      // DuckDB's binder gives a second opinion on the names.
      const bound = [...connection.getTableNames(sql, false)].map((table) => String(table).toLowerCase())
      expect(inspected.tables.map((table) => table.toLowerCase())).toEqual(expect.arrayContaining(bound))
    }),
    { numRuns: 600 },
  )
  expect(passed).toBeGreaterThan(50)
})

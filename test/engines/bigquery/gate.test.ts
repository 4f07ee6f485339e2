import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigurationError, DatastoreError } from '../../../src/core/errors.ts'
import { checkDryRun } from '../../../src/infrastructure/engines/bigquery/gate/dry-run.ts'
import {
  argumentLimits,
  defaultFunctions,
  functionList,
  growth,
  syntax,
} from '../../../src/infrastructure/engines/bigquery/gate/functions.ts'
import { googleSql, googleTokens } from '../../../src/infrastructure/engines/bigquery/gate/google-sql.ts'
import { inspectStatic, rewriteSql } from '../../../src/infrastructure/engines/bigquery/gate/index.ts'
import { checkStatement } from '../../../src/services/sql-gate/index.ts'
import { type Analyzer, startAnalyzer } from '../../services/analyzer.ts'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import { aroundExpression, aroundTable, wrapped } from '../../suites/sql/around.ts'
import { cores, endless, hostile, reachesCanary } from '../../suites/sql/hostile.ts'
import { hostileGoogle } from '../../suites/sql/hostile-google.ts'
import { legitimate, TREES, WEATHER } from '../../suites/sql/legitimate.ts'
import { differences, setupGoogle } from '../../suites/sql/legitimate-google.ts'

const place = { project: 'test-project', dataset: 'portal' }
const secondGate = (sql: string) => inspectStatic(sql)
const bothGates = (sql: string) => secondGate(checkStatement(sql).sql)
const pathOf = (id: string) => `\`test-project\`.\`portal\`.\`${id}\``
const googleOf = (sql: string, aliases: Readonly<Record<string, string>> = {}) => {
  return rewriteSql(sql, new Map(secondGate(sql).tables.map((name) => [name, pathOf(aliases[name] ?? name)])))
}

/** What a gate throws, or undefined. */
function refusalOf(gate: () => unknown): unknown {
  try {
    gate()
    return undefined
  } catch (error) {
    return error
  }
}

function expectRefusal(refused: unknown): void {
  expect(refused).toBeInstanceOf(DatastoreError)
  expect([403, 409]).toContain((refused as DatastoreError).status)
}

describe.each(Object.entries<readonly string[]>({ ...hostile, ...hostileGoogle }))(
  'hostile: %s',
  (_family, statements) => {
    test.each(statements.map((sql) => [sql.slice(0, 90), sql]))('%s', (_name, sql) => {
      expectRefusal(refusalOf(() => bothGates(sql)))
      expectRefusal(refusalOf(() => secondGate(sql)))
    })
  },
)

test('the corpus of GoogleSQL is as large as promised', () => {
  expect(Object.values(hostileGoogle).flat().length).toBeGreaterThanOrEqual(200)
})

describe.each(Object.entries(reachesCanary))('a table out of reach: %s', (_family, statements) => {
  test.each(statements)('%s', (sql) => {
    for (const gate of [bothGates, secondGate]) {
      const refused = refusalOf(() => expect(gate(sql).tables.map((name) => name.toLowerCase())).toContain('canary'))
      if (refused) expectRefusal(refused)
    }
  })
})

describe('what is written for BigQuery', () => {
  test.each([
    [
      `SELECT "a", 'it''s', 'C:\\x' FROM t -- x`,
      "SELECT `a` , 'it\\'s' , 'C:\\\\x' FROM `test-project`.`portal`.`t` AS `t`",
    ],
    ['SELECT t.a FROM "x y" t', 'SELECT t . a FROM `test-project`.`portal`.`x y` t'],
    [
      'SELECT a::text, -b::int4 FROM t AS t',
      'SELECT CAST ( a AS STRING ) , - CAST ( b AS INT64 ) FROM `test-project`.`portal`.`t` AS t',
    ],
    [
      'SELECT f.a::numeric(10,2)::text FROM t f',
      'SELECT CAST ( ROUND ( CAST ( f . a AS NUMERIC ) , 2 ) AS STRING ) FROM `test-project`.`portal`.`t` f',
    ],
    ['SELECT CAST(a AS timestamptz) FROM t t', 'SELECT CAST ( a AS TIMESTAMP ) FROM `test-project`.`portal`.`t` t'],
    [`SELECT a || b ILIKE 'x%' AND c`, `SELECT LOWER ( a || b ) LIKE LOWER ( 'x%' ) AND c`],
    [`SELECT a NOT ILIKE 'x'`, `SELECT LOWER ( a ) NOT LIKE LOWER ( 'x' )`],
    [
      `SELECT count(*) FILTER (WHERE a > 1), sum(b) FILTER (WHERE c)`,
      'SELECT COUNTIF ( a > 1 ) , sum ( IF ( c , b , NULL ) )',
    ],
    [`SELECT d + INTERVAL '3 days' - INTERVAL '1' month`, 'SELECT d + INTERVAL 3 DAY - INTERVAL 1 MONTH'],
    [
      `SELECT date_trunc('month', d), date_part('year', d)`,
      'SELECT DATE_TRUNC ( d , MONTH ) , EXTRACT ( YEAR FROM d )',
    ],
    [`SELECT j -> 'a' ->> 0`, `SELECT JSON_VALUE ( JSON_QUERY ( j , '$.\\"a\\"' ) , '$[0]' )`],
    ['SELECT a % 2, f(b) % 3'.replace('f(', 'abs('), 'SELECT MOD ( a , 2 ) , MOD ( abs ( b ) , 3 )'],
    [
      `SELECT a = ANY (ARRAY['x']), a <> ALL (ARRAY[1])`,
      `SELECT a IN UNNEST ( ARRAY [ 'x' ] ) , a NOT IN UNNEST ( ARRAY [ 1 ] )`,
    ],
    ['SELECT 1 UNION SELECT 2 EXCEPT SELECT 3', 'SELECT 1 UNION DISTINCT SELECT 2 EXCEPT DISTINCT SELECT 3'],
    ['SELECT i FROM generate_series(1, 3) AS s(i)', 'SELECT i FROM UNNEST ( GENERATE_ARRAY ( 1 , 3 ) ) AS i'],
    [
      'WITH c(a, b) AS (SELECT 1, x AS y FROM t t) SELECT a FROM c',
      'WITH c AS ( SELECT 1 AS a , x AS b FROM `test-project`.`portal`.`t` t ) SELECT a FROM c',
    ],
    [
      `SELECT TIMESTAMP '2024-01-01 00:00:00', now(), log(100)`,
      `SELECT DATETIME '2024-01-01 00:00:00' , CURRENT_TIMESTAMP ( ) , LOG10 ( 100 )`,
    ],
    ['SELECT "größe", naïve FROM "t-1" x', 'SELECT `größe` , `naïve` FROM `test-project`.`portal`.`t-1` x'],
    ['SELECT "a.b", "a`b" FROM t t', 'SELECT `a_x2E_b` , `a_x60_b` FROM `test-project`.`portal`.`t` t'],
  ])('%s', (sql, expected) => expect(googleOf(sql)).toBe(expected))

  test('an alias of a resource is replaced where it stands, and nowhere else', () => {
    const sql = `SELECT trees.a, 'trees' FROM trees, (WITH x AS (SELECT 1 AS trees) SELECT trees FROM x) trees2 WHERE "trees".b IN (SELECT trees FROM "Trees" t)`
    expect(googleOf(sql, { trees: 'id-1', Trees: 'id-2' })).toBe(
      "SELECT trees . a , 'trees' FROM `test-project`.`portal`.`id-1` AS `trees` , ( WITH x AS ( SELECT 1 AS trees ) SELECT trees FROM x ) trees2 WHERE `trees` . b IN ( SELECT trees FROM `test-project`.`portal`.`id-2` t )",
    )
  })

  test('a table that was not authorized is never written', () => {
    expectRefusal(refusalOf(() => rewriteSql('SELECT * FROM a, b', new Map([['a', pathOf('a')]]))))
  })

  test.each([
    ['SELECT DISTINCT ON (a) a FROM t', /ROW_NUMBER/],
    [`SELECT a AT TIME ZONE 'UTC' FROM t`, /DATETIME\(value, zone\)/],
    ['SELECT * FROM (VALUES (1)) v', /UNION ALL/],
    ['SELECT to_char(a) FROM t', /FORMAT_DATE/],
    [`SELECT a LIKE 'x' ESCAPE '!' FROM t`, /takes away its meaning/],
    [`SELECT r'x' FROM t`, /write '…'/],
    ['SELECT hash FROM t', /"hash"/],
    ['SELECT a::regclass FROM t', /regclass/],
  ])('%s is answered with what to write', (sql, message) => {
    expect(() => secondGate(sql)).toThrow(message)
  })
})

describe('what a statement reads and calls', () => {
  test('tables once, as written; common table expressions are none where they are in scope', () => {
    const sql =
      'WITH w AS (SELECT * FROM "A b") SELECT * FROM w, "A b" x, y WHERE EXISTS (SELECT 1 FROM z) OR 1 IN (SELECT 1 FROM w)'
    expect(secondGate(sql).tables).toEqual(['A b', 'y', 'z'])
  })

  test('functions in lower case', () => {
    expect(
      secondGate('SELECT UPPER(a) || b, COUNT(*), SAFE.SUBSTR(a, 1), sum(x) OVER (), CURRENT_DATE FROM t').functions,
    ).toEqual(['upper', 'count', 'substr', 'sum'])
  })

  test.each([
    ['SELECT * FROM INFORMATION_SCHEMA.TABLES', 'Access denied: Not authorized to access system tables'],
    ['SELECT SESSION_USER()', 'Access denied: Not authorized to call function session_user'],
  ])('%s is worded as CKAN words it', (sql, message) => {
    expect(refusalOf(() => secondGate(sql))).toMatchObject({ status: 403, message })
  })

  test('what is in a string or a comment stays there', () => {
    expect(
      secondGate(`SELECT 'FROM portal.canary; f(x)', 1 /* session_user() /* */ FROM canary */ -- f(x)`),
    ).toMatchObject({ tables: [], functions: [] })
  })
})

describe('lists of functions', () => {
  test.each([
    ['SELECT upper(a), UpPeR(a) FROM t', true],
    ['SELECT count(a) FROM t', true],
    ['SELECT CoUnT(a) FROM t', false],
    ['SELECT lower(a) FROM t', false],
    [`SELECT NET.HOST('x')`, true],
    ['SELECT NET.REG_DOMAIN(a) FROM t', false],
    ['SELECT a + 1, CAST(a AS text), EXTRACT(YEAR FROM d), CASE WHEN a THEN 1 END, [1][OFFSET(0)] FROM t', true],
  ])('a list of upper, "count" and net.host: %s → %s', (sql, passes) => {
    const list = functionList('upper\n"count"\nnet.host')
    expect(refusalOf(() => inspectStatic(sql, list)) === undefined).toBe(passes)
  })

  test.each(['external_query', 'ml.predict', 'portal.f', 'keys.new_keyset', 'read_csv'])('no list opens %s', (name) => {
    expect(() => functionList(`upper\n${name}`)).toThrow(ConfigurationError)
  })

  test('the limits concern listed functions', () => {
    for (const name of [...Object.keys(argumentLimits), ...Object.keys(growth)]) {
      expect(defaultFunctions.names.has(name) || syntax.has(name), name).toBe(true)
    }
  })
})

describe('a dry run has the last word', () => {
  const limits = { ...place, tables: new Set(['a']), maxBytes: 1000 }
  const ours = { projectId: 'test-project', datasetId: 'portal', tableId: 'a' }
  const dryRun = {
    ...{ statementType: 'SELECT', referencedTables: [ours], referencedRoutines: [], totalBytesProcessed: 1000 },
  }

  test('a query over authorized tables within the budget', () => expect(checkDryRun(dryRun, limits)).toBeUndefined())

  test.each([
    ['another statement', { ...dryRun, statementType: 'SCRIPT' }, 403],
    ['another table', { ...dryRun, referencedTables: [ours, { ...ours, tableId: 'A' }] }, 403],
    ['another dataset', { ...dryRun, referencedTables: [{ ...ours, datasetId: 'x' }] }, 403],
    ['another project', { ...dryRun, referencedTables: [{ ...ours, projectId: 'x' }] }, 403],
    ['a routine', { ...dryRun, referencedRoutines: [{ ...place, routineId: 'f' }] }, 403],
    ['too many bytes', { ...dryRun, totalBytesProcessed: 1001 }, 409],
    ['no estimate', { ...dryRun, totalBytesProcessed: Number.NaN }, 409],
  ])('%s is refused', (_name, answer, status) => {
    expect(refusalOf(() => checkDryRun(answer, limits))).toMatchObject({ status })
  })
})

const kinds = fc.constantFrom('word', 'name', 'string', 'number', 'sign') as fc.Arbitrary<
  'word' | 'name' | 'string' | 'number' | 'sign'
>
const texts = {
  word: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
  name: fc.stringMatching(/^[A-Za-z0-9 é-]{1,8}$/),
  string: fc.string({ unit: 'binary', maxLength: 12 }),
  number: fc.constantFrom('1', '1.5', '.5', '2e10', '3.'),
  sign: fc.constantFrom(
    '(',
    ')',
    '[',
    ']',
    ',',
    '.',
    '+',
    '-',
    '*',
    '/',
    '<',
    '>',
    '=',
    '<=',
    '>=',
    '<>',
    '!=',
    '||',
    '&',
    '|',
  ),
}
const token = kinds.chain((kind) => texts[kind].map((text) => ({ kind, text })))

test('BigQuery reads the very words that were written for it', () => {
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
      expect(googleTokens(googleSql(tokens))).toEqual(tokens)
    }),
    { numRuns: 2000 },
  )
})

test('no hostile core gets through, whatever legal SQL is around it', () => {
  const google = Object.values(hostileGoogle).flat()
  const expressions = google.flatMap((sql) => /^SELECT ([^,]*\w\(.*\))$/.exec(sql)?.[1] ?? [])
  const tables = google.flatMap((sql) => /^SELECT \* FROM (\S+)$/.exec(sql)?.[1] ?? [])
  expect(expressions.length + tables.length).toBeGreaterThan(50)
  const statements = fc.oneof(
    wrapped([...cores.expressions, ...expressions], aroundExpression),
    wrapped([...cores.tables, ...tables], aroundTable),
  )
  fc.assert(
    fc.property(statements, ({ core, sql }) => {
      for (const gate of [bothGates, secondGate]) {
        let found: readonly string[] = []
        const refused = refusalOf(() => {
          found = gate(sql).tables
        })
        if (refused) expectRefusal(refused)
        else
          expect(core, `${sql} reads ${found.join()}`).toMatch(
            /^(canary|CANARY|\(SELECT count\(secret\) FROM canary\))$/,
          )
      }
    }),
    { numRuns: 400 },
  )
})

/** Words of all kinds in any order, close enough to statements that some are. */
const soup = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          'a',
          'b',
          '"t"',
          't',
          'canary',
          'c',
          '1',
          "'x'",
          'upper(a)',
          'count(*)',
          '*',
          'f(a)',
          'a.b',
        ),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          ',',
          '(',
          ')',
          'SELECT',
          'FROM',
          'JOIN',
          'WITH c AS (',
          'AS',
          '.',
          'UNION ALL',
          'ON true',
        ),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'WHERE',
          'IN (',
          'EXISTS (',
          'SELECT 1 FROM',
          'CASE WHEN a THEN',
          'END',
          'LIMIT 1',
          'ORDER BY',
          '[',
          ']',
          'unnest(',
          'OVER (',
          'DISTINCT',
        ),
      },
    ),
    { maxLength: 14 },
  )
  .map((words) => `SELECT ${words.join(' ')}`)

const reason = reasonWithoutBigquery()
const why = reason ? `: ${reason}` : ''

describe.skipIf(reason)(`by Google's own analyzer${why}`, () => {
  let analyzer: Analyzer
  beforeAll(async () => {
    analyzer = await startAnalyzer()
  }, 300_000)
  afterAll(() => analyzer?.close())

  test('no table is read and no function called that was not told', async () => {
    let passed = 0
    const statements = fc.oneof(
      soup,
      wrapped(['a', '1', 'upper(b)'], aroundExpression).map(({ sql }) => sql),
      wrapped(['t', 'canary'], aroundTable).map(({ sql }) => sql),
    )
    await fc.assert(
      fc.asyncProperty(statements, async (sql) => {
        let told: ReturnType<typeof secondGate> | undefined
        expect([undefined, 403, 409]).toContain(
          (
            refusalOf(() => {
              told = secondGate(sql)
            }) as DatastoreError | undefined
          )?.status,
        )
        if (!told) return
        const written = googleOf(sql)
        // What it can't parse, BigQuery can't run.
        const read = await analyzer.tables(written).catch(() => undefined)
        if (!read) return
        passed += 1
        const names = told.tables.map((name) => `test-project.portal.${name}`)
        expect(names).toEqual(
          expect.arrayContaining(
            read.filter((name) => name.includes('.') || !/\bc AS|\bcanary AS|\br\(|r AS/.test(written)),
          ),
        )
        for (const [, name = ''] of written.replace(/'[^']*'/g, "''").matchAll(/(\w+) \(/g)) {
          const isKeyword =
            /^(as|in|from|join|over|on|where|by|and|or|not|then|when|else|select|all|exists|distinct|except|union|intersect|having)$/i.test(
              name,
            )
          if (!isKeyword) expect(told.functions).toContain(name.toLowerCase())
        }
      }),
      { numRuns: 400 },
    )
    expect(passed).toBeGreaterThan(30)
  }, 120_000)
})

describe.skipIf(reason)(`legitimate statements, run${why}`, () => {
  let services: BigqueryServices
  beforeAll(async () => {
    services = await startBigquery({ strict: true })
    for (const sql of setupGoogle) expect((await ask(sql)).status).toBe(200)
  }, 300_000)
  afterAll(() => services?.close())

  interface Asked {
    status: number
    body: { error?: { message: string }; statistics?: { query?: { statementType: string; referencedTables?: [] } } }
  }

  async function ask(sql: string, dryRun = false): Promise<Asked> {
    const { url, project, dataset } = services
    const query = { query: sql, useLegacySql: false, defaultDataset: { projectId: project, datasetId: dataset } }
    const [path, body] = dryRun ? ['jobs', { configuration: { dryRun, query } }] : ['queries', query]
    const response = await fetch(`${url}/bigquery/v2/projects/${project}/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${sql.startsWith('SELECT') || sql.startsWith('WITH') ? 'ro' : 'rw'}`,
      },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Asked['body'] }
  }

  for (const [family, statements] of Object.entries(legitimate)) {
    describe(family, () => {
      for (const sql of statements) {
        const difference = differences.find(([pattern]) => pattern.test(sql))?.[1]
        if (difference) {
          test(`refused (${difference}): ${sql}`, async () => {
            const refused = refusalOf(() => bothGates(sql))
            if (refused) expectRefusal(refused)
            else expect((await ask(googleOf(checkStatement(sql).sql))).status).toBe(400)
          })
          continue
        }
        test(`${sql}`, async () => {
          const { tables } = bothGates(sql)
          expect([TREES, WEATHER]).toEqual(expect.arrayContaining([...tables]))
          const written = googleOf(checkStatement(sql).sql)
          const dry = await ask(written, true)
          expect(dry.body.error).toBeUndefined()
          const { statementType = '', referencedTables = [] } = dry.body.statistics?.query ?? {}
          checkDryRun(
            { statementType, referencedTables, referencedRoutines: [], totalBytesProcessed: 0 },
            { ...place, tables: new Set(tables) },
          )
          const { status, body } = await ask(written)
          expect(body.error).toBeUndefined()
          expect(status).toBe(200)
        })
      }
    })
  }
})

test('endless statements are for the time limit', () => {
  for (const sql of endless)
    expect([undefined, 403, 409]).toContain((refusalOf(() => bothGates(sql)) as DatastoreError | undefined)?.status)
})

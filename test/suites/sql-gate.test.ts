import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ValidationError } from '../../src/core/errors.ts'
import { MeasuredText, TextWornOut } from '../../src/core/measured-text.ts'
import { checkStatement } from '../../src/services/sql-gate/index.ts'
import { legitimate, TREES } from './sql/legitimate.ts'

function refusal(sql: string): ValidationError {
  try {
    checkStatement(sql)
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError)
    return error as ValidationError
  }
  throw new Error(`not refused: ${sql}`)
}

describe('one statement', () => {
  test.each([
    ['SELECT 1;', 'SELECT 1'],
    ['SELECT 1 ;; ', 'SELECT 1'],
    ['  SELECT 1 -- done', 'SELECT 1'],
    ['/* first */ SELECT 1 /* then; */ ; -- end;', 'SELECT 1'],
    [`SELECT 'a;b', "c;d" -- e;f\nFROM t /* g;h */`, `SELECT 'a;b', "c;d" -- e;f\nFROM t`],
    [`SELECT '-- no comment' AS "/* nor this"`, `SELECT '-- no comment' AS "/* nor this"`],
    ['SELECT 1 /* a /* nested */ one */ + 1', 'SELECT 1 /* a /* nested */ one */ + 1'],
    ['(SELECT 1)', '(SELECT 1)'],
    ['VALUES (1), (2)', 'VALUES (1), (2)'],
  ])('%s', (sql, expected) => expect(checkStatement(sql).sql).toBe(expected))

  test.each(['SELECT 1; SELECT 2', `SELECT 'a\\'b'`, '', ' ; ', '-- nothing'])('not single: %s', (sql) => {
    expect(refusal(sql)).toMatchObject({
      status: 409,
      message: 'Query is not a single statement.',
      detail: { query: ['Query is not a single statement.'] },
    })
  })
})

describe('LIMIT and OFFSET', () => {
  test.each([
    ['SELECT a FROM t LIMIT 5', { limit: 5, countSql: 'SELECT a FROM t' }],
    ['SELECT a FROM t LIMIT 5 OFFSET 10;', { limit: 5, offset: 10, countSql: 'SELECT a FROM t' }],
    ['SELECT a FROM t offset 10 limit 0', { limit: 0, offset: 10, countSql: 'SELECT a FROM t' }],
    ['SELECT a FROM t ORDER BY b /* x */ LIMIT 5 -- y', { limit: 5, countSql: 'SELECT a FROM t ORDER BY b' }],
    ['SELECT 1 UNION SELECT 2 LIMIT 3', { limit: 3, countSql: 'SELECT 1 UNION SELECT 2' }],
    [
      'WITH c AS (SELECT 1 LIMIT 9) SELECT * FROM c LIMIT 2',
      { limit: 2, countSql: 'WITH c AS (SELECT 1 LIMIT 9) SELECT * FROM c' },
    ],
    ['(SELECT 1) LIMIT 3', { limit: 3, countSql: '(SELECT 1)' }],
    ['SELECT a FROM t OFFSET 10', { offset: 10 }],
    ['SELECT a FROM t', {}],
    ['(SELECT a FROM t LIMIT 3)', {}],
    ['SELECT * FROM (SELECT a FROM t LIMIT 3) x', {}],
    ['SELECT a FROM t LIMIT 5.5', {}],
    ['SELECT a FROM t LIMIT ALL', {}],
    ['SELECT a FROM t LIMIT 99999999999999999999', {}],
    [`SELECT 'x LIMIT 5'`, {}],
    ['SELECT a AS "limit 5" FROM t', {}],
  ])('%s', (sql, expected) => {
    const { limit, offset, countSql } = checkStatement(sql)
    expect({ limit, offset, countSql }).toEqual({
      limit: undefined,
      offset: undefined,
      countSql: undefined,
      ...expected,
    })
  })
})

describe('refusals explain themselves', () => {
  const refusals = [
    ['SELECT median(a) OVER (PARTITION BY b) FROM t', 'this window function is not supported'],
    ["SELECT 'abc' ~ 'b'", 'the operator ~ is not supported; use regexp_matches(text, pattern)'],
    ["SELECT 'abc' !~* 'b'", 'the operator ~ is not supported'],
    ["SELECT 'abc' NOT SIMILAR TO '%b%'", 'SIMILAR TO is not supported; use regexp_matches(text, pattern)'],
    ['SELECT a FROM', 'syntax error at end of input (line 1, column 14)'],
    ['SELECT 1\n, from x', 'syntax error at or near "x" (line 2, column 8)'],
    ['-- one\nSELECT a b c FROM t', 'syntax error at or near "c" (line 2, column 12)'],
    ['DROP TABLE x', 'at or near "DROP": only SELECT, WITH and VALUES statements can be run (line 1, column 1)'],
    [';SELECT 1', 'syntax error at or near ";" (line 1, column 1)'],
    [`SELECT 'x`, 'unterminated string or quoted name (line 1, column 8)'],
    ['SELECT /* x', 'unterminated comment (line 1, column 8)'],
    [`SELECT E'x'`, `E'…' strings are not supported (line 1, column 8)`],
    ['SELECT $$x$$', 'dollar-quoted strings and parameters are not supported'],
    ['SELECT a FROM t QUALIFY rank() OVER (ORDER BY a) = 1', 'QUALIFY is not supported'],
    ['SELECT * EXCLUDE (a) FROM t', 'EXCLUDE is not supported'],
    ['SELECT substring(a FROM 1 FOR 2) FROM t', 'use substring(text, start, length)'],
    ['SELECT try_cast(a AS int) FROM t', 'TRY_CAST is not supported'],
    ['SELECT a FROM t GROUP BY ALL', 'GROUP BY ALL'],
    ['SELECT a FROM t GROUP BY GROUPING SETS ((a), ())', 'GROUPING SETS is not supported'],
    ['SELECT 1 FETCH FIRST 5 ROWS ONLY', 'FETCH FIRST is not supported'],
    ['SELECT a IS NOT DISTINCT FROM b', 'IS NOT DISTINCT FROM is not supported'],
    ['SELECT a INTO x FROM t', 'a query can only read'],
    ['WITH x AS (INSERT INTO t VALUES (1)) SELECT 1', 'a query can only read'],
    [`SELECT '${'x'.repeat(66_000)}'`, 'Query is too long: at most 65536 characters.'],
    [`SELECT ${'('.repeat(65)}1${')'.repeat(65)}`, 'Query is nested too deeply: at most 64 levels.'],
    [`SELECT ${'1+'.repeat(2000)}1`, 'Query is too long: at most 2000 words and signs'],
  ] as const
  test.each(refusals.map(([sql, sentence]) => [sql.slice(0, 60), sql, sentence]))('%s', (_name, sql, sentence) => {
    const { message, detail } = refusal(sql)
    expect(message).toContain(sentence)
    expect(detail.query).toEqual([message])
    if (detail.info)
      expect(JSON.stringify(detail.info)).toMatch(/^\{"orig":\["syntax error, line \d+, column \d+"\]\}$/)
  })

  test('nesting is counted in brackets and CASE, not in text', () => {
    const deep = `SELECT ${'('.repeat(64)}'((((' || ")))"${')'.repeat(64)} FROM t`
    expect(checkStatement(deep).sql).toBe(deep)
    expect(refusal(`SELECT ${'CASE WHEN a THEN '.repeat(65)}1${' END'.repeat(65)}`).message).toContain(
      'nested too deeply',
    )
  })
})

test('tables are named as the parser sees them', () => {
  expect(checkStatement(`SELECT * FROM "${TREES}" t JOIN weather w ON true`).tables).toEqual([TREES, 'weather'])
})

describe('the parser never holds up everybody for long', () => {
  const items = (count: number, item: (index: number) => string, between = ', ') =>
    Array.from({ length: count }, (_, index) => item(index)).join(between)

  test.each([
    ['5,000 numbers', `SELECT * FROM t WHERE a IN (${items(5000, String)}) LIMIT 7`],
    ['1,500 ids', `SELECT * FROM t WHERE a IN (${items(1500, () => `'${TREES}'`)}) LIMIT 7`],
    ['signed numbers over lines', `SELECT array[${items(900, (i) => `-${i}`, ',\n')}] LIMIT 7`],
  ])('%s', (_name, sql) => {
    const started = performance.now()
    const { limit, sql: statement } = checkStatement(sql)
    // 200 ms and more without the shortening of lists.
    expect(performance.now() - started).toBeLessThan(150)
    expect({ limit, statement }).toEqual({ limit: 7, statement: sql })
  })

  test('positions behind a long list stay right', () => {
    expect(refusal(`SELECT * FROM t WHERE a IN (\n${items(500, String)}\n) WHERE`).message).toContain(
      '(line 3, column 3)',
    )
  })
})

describe('whatever is nested, the parser is stopped before it has done too much', () => {
  /** Each goes around itself. The first parser goes back in many of them, and doubles its work with each level. */
  const nests: readonly (readonly [before: string, core: string, after: string])[] = [
    ['1 in (select ', '1', ')'],
    ['(select max(a) from t where b > ', '1', ')'],
    ['exists (select 1 from t where ', 'true', ')'],
    ["(interval '1 day' + ", 'a', ')'],
    ['(', 'a', " at time zone 'UTC')"],
    ['(', 'a', '::int)'],
    ['(', "a::json->'x'", "->'y')"],
    ['case when a = 1 then ', '2', ' else 3 end'],
    ['case when ', 'a', ' then 1 end'],
    ['case ', 'a', ' when 1 then 2 end'],
    ['coalesce(a, ', 'b', ')'],
    ['cast(', 'a', ' as numeric(10, 2))'],
    ['extract(year from ', 'a', ')'],
    ['array[', '1', ']'],
    ['(', '1', ', 2)'],
    ['(a = 1 or (b = 2 and ', 'true', '))'],
    ['not (', 'a', ')'],
    ['(- ', 'a', ')'],
    ['(a between 1 and ', '2', ')'],
    ['sum(', 'a', ') over (order by b)'],
    ['count(*) filter (where ', 'a', ')'],
    ['a[', '1', ']'],
    ["(a like 'x' || ", 'b', ')'],
    ["trim(both ' ' from ", 'a', ')'],
    ['(a is distinct from ', 'b', ')'],
    ['string_agg(a, b order by ', 'c', ')'],
    ['array(select ', '1', ')'],
    ['(with c as (select ', '1', ') select * from c)'],
    ['(values (', '1', '))'],
    ['a = any (select ', '1', ')'],
  ]
  const tails = ['', ' @']

  const verdict = (sql: string): string => {
    try {
      checkStatement(sql)
      return 'passes'
    } catch (error) {
      return error instanceof ValidationError
        ? error.message.replace(/ at or near[\s\S]*| at end of[\s\S]*|: .*/, '')
        : String(error)
    }
  }
  const known = ['passes', 'Query is too complex.', 'Query is nested too deeply', '(SyntaxError) syntax error']

  test.each(nests)('%s … %s', (before, core, after) => {
    for (const depth of [7, 30]) {
      for (const tail of tails) {
        const nested = before.repeat(depth) + core + tail + after.repeat(depth)
        for (const sql of [`select ${nested}`, `select a from t where ${nested}`, `select * from (select ${nested}) x`])
          expect(known).toContain(verdict(sql))
      }
    }
  })

  test('nested in each other', () => {
    const mixed = fc.array(fc.constantFrom(...nests), { minLength: 4, maxLength: 32 })
    fc.assert(
      fc.property(mixed, (list) => {
        const nested = list.reduce((inner, [before, , after]) => before + inner + after, '1')
        expect(known).toContain(verdict(`select ${nested} from t`))
      }),
      { numRuns: 25 },
    )
  })

  test('a nest that people write passes', () => {
    for (const [before, core, after] of nests.slice(0, 4))
      expect(verdict(`select ${before.repeat(5)}${core}${after.repeat(5)}`)).toBe('passes')
  })

  test('a text that may be looked at three times', () => {
    const text = new MeasuredText('select', 3)
    expect([text.length, text.charAt(0), text.charCodeAt(1), text.substr(2, 9)]).toEqual([6, 's', 101, 'lect'])
    expect(() => text.charAt(0)).toThrow(TextWornOut)
  })
})

test('it runs where there is nothing but the language', async () => {
  const { outputFiles } = await build({
    stdin: { contents: `export * from './src/services/sql-gate/index.ts'`, resolveDir: process.cwd() },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'gate',
    logLevel: 'silent',
  })
  const context = createContext({})
  runInContext(outputFiles[0]?.text ?? '', context)
  for (const sql of Object.values(legitimate).flat()) {
    const passed: unknown = runInContext(`gate.checkStatement(${JSON.stringify(sql)}).sql`, context)
    expect(passed).toBe(checkStatement(sql).sql)
  }
})

import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { placeIn } from '../../../src/infrastructure/engines/duckdb/sql-failure.ts'

describe('the place of a mistake', () => {
  let instance: DuckDBInstance
  let connection: DuckDBConnection
  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:')
    connection = await instance.connect()
    await connection.run('CREATE TABLE t (a INTEGER, "b c" VARCHAR)')
  })
  afterAll(() => {
    connection?.closeSync()
    instance?.closeSync()
  })

  const many = (item: string) => Array.from({ length: 80 }, () => item).join(', ')
  /** The statement, and the text of it that is to be pointed at; undefined: nothing is. */
  const cases: [string, string, string | undefined][] = [
    ['a column', 'SELECT a, nosuch FROM t', 'nosuch'],
    ['in the second line', 'SELECT a,\n  nosuch\nFROM t', 'nosuch'],
    ['behind letters of two bytes', `SELECT 'üéß', nosuch FROM t`, 'nosuch'],
    ['behind wide letters', `SELECT '木😀日本', nosuch FROM t`, 'nosuch'],
    ['behind marks without a width', `SELECT 'e\u0301e\u0301', nosuch FROM t`, 'nosuch'],
    ['far to the right', `SELECT ${many('a')}, nosuch FROM t`, 'nosuch'],
    ['far to the left', `SELECT nosuch, ${many('a')} FROM t`, 'nosuch'],
    ['of types', `SELECT a + "b c" FROM t`, '+ "b c"'],
    ['of a value', `SELECT 'x'::INTEGER FROM range(3)`, '::INTEGER'],
    ['without a group', 'SELECT a, count(*) FROM t', 'a, count'],
    ['behind text like its own', `SELECT 'LINE 1: x', nosuch FROM t`, 'nosuch'],
    ['that the engine does not place', 'SELECT a FROM t UNION SELECT 1, 2', undefined],
  ]
  for (const [what, sql, text] of cases) {
    for (const wrapped of [
      sql,
      `SELECT * FROM (${sql}\n)`,
      `WITH x AS (SELECT 1) SELECT * FROM (${sql}\n) AS q LIMIT 3`,
    ]) {
      test(`${what}: ${wrapped.slice(0, 40)}`, async () => {
        const error = await connection.run(wrapped).catch((reason: Error) => reason)
        const before = text === undefined ? '' : sql.slice(0, sql.indexOf(text))
        const lines = before.split('\n')
        const expected = text === undefined ? '' : ` (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`
        expect(placeIn(sql, (error as Error).message)).toBe(expected)
      })
    }
  }
})

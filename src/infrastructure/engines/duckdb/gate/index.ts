import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { NotAuthorized, ValidationError } from '../../../../core/errors.ts'
import type { InspectedSql } from '../../engine.ts'
import { type FunctionList, readFunctionList } from '../../sql/function-list.ts'
import { defaultFunctions, isRepeatable } from './functions.ts'
import { type Findings, invalid } from './rules.ts'
import { statement } from './shapes.ts'
import { checkStructs } from './sizes.ts'

/**
 * The second gate for SQL: asks the parser that will run the statement what it is, and lets only known shapes through.
 * Answers every base table that it reads and every function that it calls. The caller authorizes the tables and must
 * run exactly this text, on a connection that can't write or reach outside (contract §8.6).
 *
 * Tables may only be named alone, without a schema or catalog. A name counts as a table wherever it is not certainly a
 * CTE in scope.
 *
 * @throws {NotAuthorized} 403 what is not on an allow-list: kinds of statement, clause, expression, type, function;
 *   system tables
 * @throws {ValidationError} 409 syntax errors, more than one statement, too deep or too many joins
 */
export async function inspect(connection: DuckDBConnection, sql: string, allowed: FunctionList): Promise<InspectedSql> {
  const found: Findings = {
    ...{ sql, allowed, tables: new Map(), functions: new Set(), relations: new Set(), columns: new Map() },
    ...{ joins: 0, growth: 1, stars: 1, structs: 0 },
  }
  statement(await parse(connection, sql), { found, ctes: new Set(), depth: 0, subqueries: 0 })
  checkStructs(found)
  const functions = [...found.functions]
  return { sql, tables: [...found.tables.values()], functions, repeatable: functions.every(isRepeatable) }
}

async function parse(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const result = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql])
  const tree = readTree(String(result.getRows()[0]?.[0]))
  if (tree.error) throw refused(tree, sql)
  if (tree.statements?.length !== 1) throw invalid('Query is not a single statement.')
  return tree.statements[0]
}

/**
 * The functions that SQL may call: the default list, or the one in `text`.
 *
 * @throws {ConfigurationError} one line for each name in `text` that DuckDB does not know
 */
export async function functionList(text?: string): Promise<FunctionList> {
  if (text === undefined) return defaultFunctions
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const result = await connection.runAndReadAll('SELECT DISTINCT lower(function_name) FROM duckdb_functions()')
    return readFunctionList(
      text,
      new Set([...result.getRows().map(([name]) => String(name)), ...defaultFunctions.names]),
    )
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

interface Tree {
  error?: boolean
  error_type?: string
  error_message?: string
  position?: string
  statements?: unknown[]
}

function readTree(text: string): Tree {
  try {
    return JSON.parse(text)
  } catch {
    // The only text that is not JSON: a number beyond the range of DOUBLE becomes a bare Infinity.
    throw invalid('Query holds a number that is out of range.')
  }
}

function refused(tree: Tree, sql: string): Error {
  if (tree.error_type !== 'parser') return new NotAuthorized('Not authorized to run anything but a query')
  const before = sql.slice(0, Number(tree.position ?? 0)).split('\n')
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
  const query = `(SyntaxError) ${tree.error_message?.split('\n')[0]} (${place})`
  return new ValidationError({ query: [query], info: { orig: [`syntax error, ${place}`] } }, { message: query })
}

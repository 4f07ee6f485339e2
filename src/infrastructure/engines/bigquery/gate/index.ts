import type { InspectedSql } from '../../engine.ts'
import type { FunctionList } from '../../sql/function-list.ts'
import { growthOf } from './calls-allowed.ts'
import { defaultFunctions, MAX_GROWTH, syntax } from './functions.ts'
import { googleSql, googleTokens, quoted } from './google-sql.ts'
import { agree, disagreement } from './nodes.ts'
import { canBeCalled } from './operands.ts'
import { looksShown } from './outline.ts'
import { toGoogle } from './portable.ts'
import { portableTokens } from './portable-tokens.ts'
import { type Scanned, scan } from './scan.ts'
import { invalid, isWord, notAuthorized, type Token } from './tokens.ts'
import { readTree } from './tree.ts'

/** A statement that the gate has let through, as GoogleSQL. */
interface Checked {
  tokens: readonly Token[]
  scanned: Scanned
}

/**
 * The second gate for SQL, as far as no question to Google is needed: a statement in the portable dialect is written as
 * GoogleSQL, and that text read by two readers that know nothing of each other, a scan of its words and the parser of
 * `node-sql-parser`. Both must see the same tables and calls, each call must be on the list, each node of a known kind.
 * The caller authorizes the tables, rewrites the statement with them, and asks for a dry run (`checkDryRun`).
 *
 * @throws {NotAuthorized} 403 what is not on an allow-list: statements, clauses, functions; system tables, paths
 * @throws {ValidationError} 409 syntax errors, what BigQuery lacks, what is too large
 */
export function inspectStatic(sql: string, allowed: FunctionList = defaultFunctions): InspectedSql {
  const { tokens, scanned } = check(sql, allowed)
  const tables = scanned.tables.filter(({ isCte }) => !isCte).map(({ index }) => tokens[index]?.text as string)
  return { sql, tables: [...new Set(tables)], functions: [...new Set(scanned.calls.map(({ name }) => name))] }
}

/**
 * The GoogleSQL of a statement, with its tables as they are called in BigQuery.
 *
 * @param tables by the name that the statement uses, each authorized: its full name in backticks
 * @throws as `inspectStatic`
 */
export function rewriteSql(
  sql: string,
  tables: ReadonlyMap<string, string>,
  allowed: FunctionList = defaultFunctions,
): string {
  const { tokens, scanned } = check(sql, allowed)
  const written = new Map<number, string>()
  for (const { index, isCte, hasAlias } of scanned.tables) {
    if (isCte) continue
    const name = tokens[index]?.text as string
    const path = tables.get(name)
    if (path === undefined) throw notAuthorized('read resource')
    written.set(index, hasAlias ? path : `${path} AS ${quoted(name)}`)
  }
  return tokens.map((token, index) => written.get(index) ?? googleSql([token])).join(' ')
}

function check(sql: string, allowed: FunctionList): Checked {
  const given = portableTokens(sql)
  const start = given.find(({ text }) => text !== '(')
  if (given.length === 0) throw invalid('Query is not a single statement.')
  if (!isWord(start, 'select', 'with', 'values')) throw notAuthorized('run anything but a query')
  if (given.some(looksShown)) throw invalid('Query holds a name such as zqn1: put it in double quotes.')
  const tokens = toGoogle(given)
  const read = googleTokens(googleSql(tokens))
  const scanned = scan(read, allowed)
  const seen = readTree(read)
  const own = (names: readonly string[]) =>
    names.filter((name) => !syntax.has(name) && !clocks.has(name) && canBeCalled({ kind: 'word', text: name }))
  const calls = scanned.calls.map(({ name }) => name)
  const sameTables = agree(
    scanned.tables.map(({ name }) => name),
    seen.tables,
  )
  if (!sameTables || !agree(own(calls), own(seen.calls))) throw disagreement()
  const growth = scanned.calls.reduce((product, call) => product * growthOf(call), 1)
  if (growth > MAX_GROWTH) throw invalid(`Query makes texts longer too often: at most ${MAX_GROWTH} times in all.`)
  return { tokens, scanned }
}

const clocks = new Set(['current_date', 'current_datetime', 'current_time', 'current_timestamp'])

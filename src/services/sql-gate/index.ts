import { placedError, refusal, syntaxError } from './explain.ts'
import { tablesOf } from './parse.ts'
import { type Token, tokenize } from './tokens.ts'

/** A statement that has passed the first gate. */
export interface CheckedStatement {
  /** The statement alone: what stood before and after it (comments, `;`) is gone, so it can be put in parentheses. */
  sql: string
  /** What its outermost `LIMIT` and `OFFSET` say when they are plain whole numbers at its end. */
  limit?: number
  offset?: number
  /** The statement without these two; only where `limit` is known. */
  countSql?: string
  /** Table names as this parser sees them, names of CTEs among them. A hint: the engine's gate decides. */
  tables: readonly string[]
}

const MAX_LENGTH = 64 * 1024
const MAX_NESTING = 64
/** With the constants of long lists: DuckDB takes 0.1 s for 5,000 in one list, and minutes for 32,000. */
const MAX_TOKENS = 12_000
const NOT_SINGLE = 'Query is not a single statement.'

/**
 * The first of two gates for SQL: the same for every engine, in nothing but the language. It lets one SELECT, WITH
 * or VALUES statement of modest size through and explains what it refuses; which tables and functions may be used is
 * for the engine's own gate (contract §8.6, §9.7).
 *
 * The two characters `\'` are refused anywhere, as CKAN does: this parser reads them as an escaped quote, engines as
 * the end of the string, and a text in which the two disagree about where strings end can't be judged.
 *
 * @throws {ValidationError} 409 `{ query: […] }`; a syntax error adds `info: { orig: [place] }` without the SQL text
 */
export function checkStatement(sql: string): CheckedStatement {
  if (sql.length > MAX_LENGTH) throw refusal(`Query is too long: at most ${MAX_LENGTH} characters.`)
  if (sql.includes("\\'")) throw refusal(NOT_SINGLE)
  const tokens = statementTokens(sql, tokenize(sql))
  if (tokens.length > MAX_TOKENS) throw refusal(`Query is too long: at most ${MAX_TOKENS} words and signs.`)
  refuseMisread(sql, tokens)
  const start = first(tokens).start
  const statement = sql.slice(start, last(tokens).end)
  const deepest = tokens.reduce((depth, token) => Math.max(depth, token.depth), 0)
  if (deepest > MAX_NESTING) throw refusal(`Query is nested too deeply: at most ${MAX_NESTING} levels.`)
  if (!/^(select|with|values|\()$/.test(first(tokens).text)) {
    throw syntaxError(sql, tokens, start, 'only SELECT, WITH and VALUES statements can be run')
  }
  return { sql: statement, ...limits(statement, tokens, start), tables: tablesOf(sql, tokens) }
}

/**
 * What engines run, but not as PostgreSQL does, for which such queries are written: there `'abc' ~ 'b'` is true. The
 * signs of `~~`, another name of LIKE, are alike everywhere.
 */
function refuseMisread(sql: string, tokens: readonly Token[]): void {
  tokens.forEach(({ text, start }, index) => {
    const [before, after] = [tokens[index - 1]?.text, tokens[index + 1]?.text]
    const isMatch = text === '~' && before !== '~' && after !== '~'
    if (isMatch) throw placedError(sql, start, 'the operator ~ is not supported; use regexp_matches(text, pattern)')
    const isSimilar = text === 'similar' && after === 'to'
    if (isSimilar) throw placedError(sql, start, 'SIMILAR TO is not supported; use regexp_matches(text, pattern)')
  })
}

/** The tokens of the one statement, without the `;` around it. */
function statementTokens(sql: string, tokens: Token[]): readonly Token[] {
  const parts = tokens.map((token) => token.text === ';')
  const from = parts.indexOf(false)
  const to = parts.lastIndexOf(false)
  if (from === -1 || parts.slice(from, to).includes(true)) throw refusal(NOT_SINGLE)
  if (from > 0) throw syntaxError(sql, tokens, first(tokens).start)
  return tokens.slice(from, to + 1)
}

/** `LIMIT n`, `OFFSET n` or both at the very end of the statement, and what is left without them. */
function limits(statement: string, tokens: readonly Token[], start: number): Omit<CheckedStatement, 'sql' | 'tables'> {
  const found: { limit?: number; offset?: number } = {}
  let rest = tokens
  for (;;) {
    const [keyword, number] = rest.slice(-2)
    const name = keyword?.text
    if (keyword?.depth !== 0 || number?.kind !== 'number' || (name !== 'limit' && name !== 'offset')) break
    const value = Number(statement.slice(number.start - start, number.end - start))
    if (!Number.isSafeInteger(value) || found[name] !== undefined) return {}
    found[name] = value
    rest = rest.slice(0, -2)
  }
  const another = rest.some((token) => token.depth === 0 && /^(limit|offset|fetch|for)$/.test(token.text))
  if (another || rest.length === 0) return {}
  return found.limit === undefined ? found : { ...found, countSql: statement.slice(0, last(rest).end - start) }
}

function first(tokens: readonly Token[]): Token {
  return tokens[0] as Token
}

function last(tokens: readonly Token[]): Token {
  return tokens.at(-1) as Token
}

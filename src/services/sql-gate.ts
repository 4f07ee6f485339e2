import parserModule from 'node-sql-parser/build/postgresql.js'
import { ValidationError } from '../core/errors.ts'

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

interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'sign'
  /** A word or sign in lower case; empty for the rest. */
  text: string
  start: number
  end: number
  depth: number
}

const MAX_LENGTH = 64 * 1024
const MAX_NESTING = 64
/** The parser takes about 20 µs a token on the thread that serves everybody. */
const MAX_TOKENS = 2000
/** From this many items on, a list of constants is shown to the parser as its first item. */
const LONG_LIST = 8
const NOT_SINGLE = 'Query is not a single statement.'

const comment = /--[^\n\r]*/y
const space = /[ \t\n\r\f\v]+/y
const kinds: readonly (readonly [Token['kind'], RegExp])[] = [
  ['string', /'[^']*(?:''[^']*)*'/y],
  ['quoted', /"[^"]*(?:""[^"]*)*"/y],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['word', /[A-Za-z_\x80-\uffff][\w$\x80-\uffff]*/y],
  ['sign', /[^'"]/y],
]

/**
 * What analysts write and this gate's parser lacks, told by the words around the place where it stops; `»` stands
 * before the word at which it does.
 */
const unsupported: readonly (readonly [RegExp, string])[] = [
  [/\bqualify\b/, 'QUALIFY is not supported; put the window function in a subquery and filter outside'],
  [/»exclude\b/, 'EXCLUDE is not supported; name the columns'],
  [/\b(tablesample|using »?sample)\b/, 'TABLESAMPLE is not supported'],
  [/\b(un)?pivot\b/, 'PIVOT and UNPIVOT are not supported; use CASE, FILTER or UNION ALL'],
  [/\bgrouping »?sets\b/, 'GROUPING SETS is not supported; use ROLLUP, CUBE or UNION ALL'],
  [/\bsubstring \( .*»from\b/, 'SUBSTRING(… FROM …) is not supported; use substring(text, start, length)'],
  [/\boverlay \(/, 'OVERLAY is not supported'],
  [/\btry_cast \(/, 'TRY_CAST is not supported; use CAST'],
  [/»fetch\b|\bfetch »?(first|next)\b/, 'FETCH FIRST is not supported; use LIMIT'],
  [/»for\b/, 'FOR UPDATE and FOR SHARE are not supported'],
  [/\b(\w+) \( .*\bover \(/, 'this window function is not supported'],
  [/\bis not distinct »?from\b/, 'IS NOT DISTINCT FROM is not supported; use NOT (a IS DISTINCT FROM b)'],
  [/\b(range|groups) »?(between|unbounded|current|\d)/, 'RANGE and GROUPS frames are not supported; use ROWS'],
  [/\bwith »?ordinality\b/, 'WITH ORDINALITY is not supported'],
  [/\blambda\b/, 'lambda functions are not supported'],
  [/\btimestamptz »/, 'TIMESTAMPTZ literals are not supported; use CAST'],
  [/\b(group|order) by »?all\b/, 'GROUP BY ALL and ORDER BY ALL are not supported; name the columns'],
  [/\bat »?\( »?(version|timestamp)\b/, 'AT (VERSION …) is not supported'],
  [/»(\^|\* \*|\/ \/)/, 'this operator is not supported; use power() and floor()'],
  [/»\{/, 'struct literals are not supported'],
  [/»[[:]/, 'list literals without ARRAY, and slices, are not supported'],
]

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
  const start = first(tokens).start
  const statement = sql.slice(start, last(tokens).end)
  const deepest = tokens.reduce((depth, token) => Math.max(depth, token.depth), 0)
  if (deepest > MAX_NESTING) throw refusal(`Query is nested too deeply: at most ${MAX_NESTING} levels.`)
  if (!/^(select|with|values|\()$/.test(first(tokens).text)) {
    throw syntaxError(sql, tokens, start, 'only SELECT, WITH and VALUES statements can be run')
  }
  return { sql: statement, ...limits(statement, tokens, start), tables: parse(sql, tokens) }
}

function tokenize(sql: string): Token[] {
  const tokens: Token[] = []
  const open: string[] = []
  let at = 0
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    return pattern.test(sql)
  }
  while (at < sql.length) {
    if (match(space)) at = space.lastIndex
    else if (match(comment)) at = comment.lastIndex
    else if (sql.startsWith('/*', at)) at = skipBlockComment(sql, at)
    else {
      const found = kinds.find(([, pattern]) => match(pattern))
      if (!found) throw placedError(sql, at, 'unterminated string or quoted name')
      const [kind, { lastIndex: end }] = found
      const text = kind === 'word' || kind === 'sign' ? sql.slice(at, end).toLowerCase() : ''
      const depth = nest(open, text)
      refuseLexeme(sql, text, at, end)
      tokens.push({ kind, text, start: at, end, depth })
      at = end
    }
  }
  return tokens
}

function skipBlockComment(sql: string, start: number): number {
  let depth = 0
  const edge = /\/\*|\*\//g
  edge.lastIndex = start
  for (let found = edge.exec(sql); found; found = edge.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  throw placedError(sql, start, 'unterminated comment')
}

const closers: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{', end: 'case' }
const openers = new Set(Object.values(closers))

/** Keeps the stack of what is open; answers how deep a token stands, its own bracket included. */
function nest(open: string[], text: string): number {
  if (openers.has(text)) open.push(text)
  const depth = open.length
  if (open.length > 0 && open.at(-1) === closers[text]) open.pop()
  return depth
}

/** Spellings that parsers read differently, or that only bring text past a reader. */
function refuseLexeme(sql: string, text: string, at: number, end: number): void {
  const next = sql[end]
  if (/^[ebxn]$/.test(text) && next === "'")
    throw placedError(sql, at, `${text.toUpperCase()}'…' strings are not supported`)
  if (text === 'u' && /^&['"]/.test(sql.slice(end, end + 2))) throw placedError(sql, at, "U&'…' is not supported")
  if (text === '$') throw placedError(sql, at, 'dollar-quoted strings and parameters are not supported')
  if (text === '?' || text === '#') throw placedError(sql, at, `the sign ${text} is not supported`)
  if (text === '`') throw placedError(sql, at, 'backquotes are not supported; quote names with "')
  if (text === '\0') throw placedError(sql, at, 'a zero character is not allowed')
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

const parser = new parserModule.Parser()

/** Asks the parser; answers the table names. Throws unless it sees one statement that only reads. */
function parse(sql: string, tokens: readonly Token[]): string[] {
  const shown = withoutLongLists(sql, tokens)
  const prefix = first(tokens).text === 'values' ? 'select * from (' : ''
  const text = prefix + shown + (prefix && ') v')
  try {
    const { ast, tableList } = parser.parse(text, { database: 'Postgresql' })
    const statements: readonly { type?: string; into?: unknown }[] = Array.isArray(ast) ? ast : [ast]
    const [statement] = statements
    if (statements.length !== 1 || !statement) throw refusal(NOT_SINGLE)
    const reads = statement.type === 'select' && tableList.every((entry) => entry.startsWith('select::'))
    if (!reads || writesInto(statement.into))
      throw syntaxError(sql, tokens, first(tokens).start, 'a query can only read')
    return [...new Set(tableList.map((entry) => entry.slice(entry.lastIndexOf('::') + 2)))]
  } catch (error) {
    if (error instanceof ValidationError) throw error
    const place = errorOffset(error)
    if (place === undefined) throw refusal('Query is too complex.')
    throw syntaxError(sql, tokens, Math.max(first(tokens).start, place - prefix.length + first(tokens).start))
  }
}

function writesInto(into: unknown): boolean {
  return typeof into === 'object' && into !== null && 'type' in into
}

/** Where a parser's syntax error is; undefined for anything else, such as an exhausted stack. */
function errorOffset(error: unknown): number | undefined {
  const { location } = error as { location?: { start?: { offset?: number } } }
  return location?.start?.offset
}

/**
 * The statement as the parser gets it: of a long list of constants only the first, the others blanked, so that
 * positions stay and the parser's work is bounded.
 */
function withoutLongLists(sql: string, tokens: readonly Token[]): string {
  const start = first(tokens).start
  const pieces: string[] = []
  let kept = start
  let count = tokens.length
  for (let i = 0; i < tokens.length; i++) {
    const end = /^[([]$/.test(tokens[i]?.text ?? '') ? endOfConstants(tokens, i + 1) : 0
    if (end === 0) continue
    const from = tokens[i + 1]?.text ? i + 2 : i + 1
    const cut = tokens[from]?.end ?? kept
    const to = tokens[end]?.start ?? cut
    pieces.push(sql.slice(kept, cut), sql.slice(cut, to).replace(/[^\n\r]/g, ' '))
    kept = to
    count -= end - from
    i = end
  }
  if (count > MAX_TOKENS)
    throw refusal(`Query is too long: at most ${MAX_TOKENS} words and signs beside lists of constants.`)
  return pieces.join('') + sql.slice(kept, last(tokens).end)
}

/** Index of the bracket that ends a long list of constants starting at `i`, or 0. */
function endOfConstants(tokens: readonly Token[], i: number): number {
  for (let items = 1; ; items++) {
    if (/^[+-]$/.test(tokens[i]?.text ?? '')) i++
    const kind = tokens[i]?.kind
    if (kind !== 'string' && kind !== 'number') return 0
    const separator = tokens[i + 1]?.text
    if (separator === ')' || separator === ']') return items >= LONG_LIST ? i + 1 : 0
    if (separator !== ',') return 0
    i += 2
  }
}

function syntaxError(sql: string, tokens: readonly Token[], offset: number, reason?: string): ValidationError {
  const index = tokens.findIndex((token) => token.end > offset)
  const near = tokens[index]
  const word = near
    ? `syntax error at or near "${sql.slice(near.start, Math.min(near.end, near.start + 60))}"`
    : 'syntax error at end of input'
  const around = (from: number, to: number) =>
    tokens.slice(Math.max(0, from), to).map((token) => sql.slice(token.start, token.end))
  const place = index === -1 ? tokens.length : index
  const words = `${around(place - 6, place).join(' ')} »${around(place, place + 2).join(' ')}`.toLowerCase()
  const construct = unsupported.find(([pattern]) => pattern.test(words))?.[1]
  return placedError(sql, offset, [word, reason ?? construct].filter(Boolean).join(': '))
}

function placedError(sql: string, offset: number, sentence: string): ValidationError {
  const lines = sql.slice(0, offset).split('\n')
  const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
  const query = `(SyntaxError) ${sentence} (${place})`
  return new ValidationError({ query: [query], info: { orig: [`syntax error, ${place}`] } }, { message: query })
}

function refusal(sentence: string): ValidationError {
  return new ValidationError({ query: [sentence] }, { message: sentence })
}

function first(tokens: readonly Token[]): Token {
  return tokens[0] as Token
}

function last(tokens: readonly Token[]): Token {
  return tokens.at(-1) as Token
}

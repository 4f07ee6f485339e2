import parserModule from 'node-sql-parser/build/postgresql.js'
import { ValidationError } from '../../core/errors.ts'
import { MeasuredText } from '../../core/measured-text.ts'
import { refusal, syntaxError } from './explain.ts'
import type { Token } from './tokens.ts'

/** From this many items on, a list of constants is shown to the parser as its first item. */
const LONG_LIST = 8
/** Longer strings are shown to the parser as a short one. */
const LONG_STRING = 64
const MAX_TOKENS = 2000

/**
 * How often the parser may look at the text: for some nested constructs it doubles its work with each level, and it
 * works on the thread that serves everybody. What people write takes up to 120 looks a character, a look up to 0.2 µs:
 * the most that a statement can take is some 100 ms.
 */
const looksFor = (text: string): number => Math.min(700_000, 150_000 + 100 * text.length)

const parser = new parserModule.Parser()

/**
 * The table names that the parser sees, those of CTEs among them.
 *
 * @throws {ValidationError} 409 unless it sees one statement that only reads, and when that takes it too much work
 */
export function tablesOf(sql: string, tokens: readonly Token[]): string[] {
  const start = tokens[0]?.start ?? 0
  const shown = showTokens(
    sql,
    withoutLongLists(tokens),
    tokens[0]?.text === 'values' ? ['select * from (', ') v'] : ['', ''],
  )
  try {
    const { ast, tableList } = parser.parse(measured(shown.text), { database: 'Postgresql', trimQuery: false })
    const statements: readonly { type?: string; into?: unknown }[] = Array.isArray(ast) ? ast : [ast]
    const [statement] = statements
    if (statements.length !== 1 || !statement) throw refusal('Query is not a single statement.')
    const reads = statement.type === 'select' && tableList.every((entry) => entry.startsWith('select::'))
    if (!reads || writesInto(statement.into)) throw syntaxError(sql, tokens, start, 'a query can only read')
    return [...new Set(tableList.map((entry) => entry.slice(entry.lastIndexOf('::') + 2)))]
  } catch (error) {
    if (error instanceof ValidationError) throw error
    const offset = errorOffset(error)
    if (offset === undefined) throw refusal('Query is too complex.')
    throw syntaxError(sql, tokens, shown.place(offset))
  }
}

/** The parser asks of its text nothing that is not there. */
function measured(text: string): string {
  return new MeasuredText(text, looksFor(text)) as unknown as string
}

function writesInto(into: unknown): boolean {
  return typeof into === 'object' && into !== null && 'type' in into
}

/** Where a parser's syntax error is; undefined for anything else: a text worn out, an exhausted stack. */
function errorOffset(error: unknown): number | undefined {
  const { location } = error as { location?: { start?: { offset?: number } } }
  return location?.start?.offset
}

/** The statement as the parser gets it: no comments, no long strings, one space at most; and what stands where in `sql`. */
function showTokens(sql: string, tokens: readonly Token[], [before, after]: readonly [string, string]) {
  const starts: number[] = []
  let text = before
  let end = tokens[0]?.start
  for (const token of tokens) {
    if (token.start !== end) text += ' '
    starts.push(text.length)
    text += token.kind === 'string' && token.end - token.start > LONG_STRING ? "'x'" : sql.slice(token.start, token.end)
    end = token.end
  }
  const place = (offset: number): number => {
    const index = starts.findLastIndex((start) => start <= offset)
    const token = tokens[Math.max(0, index)]
    if (!token) return 0
    const within = index < 0 ? 0 : offset - (starts[index] ?? 0)
    const next = tokens[index + 1]
    return token.start + within < token.end || !next
      ? Math.min(token.start + Math.max(0, within), token.end)
      : next.start
  }
  return { text: text + after, place }
}

/** Of each long list of constants only the first item. */
function withoutLongLists(tokens: readonly Token[]): readonly Token[] {
  const kept: Token[] = []
  for (let i = 0; i < tokens.length; i++) {
    kept.push(tokens[i] as Token)
    const end = /^[([]$/.test(tokens[i]?.text ?? '') ? endOfConstants(tokens, i + 1) : 0
    if (end === 0) continue
    const signed = tokens[i + 1]?.text !== ''
    kept.push(...tokens.slice(i + 1, i + (signed ? 3 : 2)))
    i = end - 1
  }
  if (kept.length > MAX_TOKENS)
    throw refusal(`Query is too long: at most ${MAX_TOKENS} words and signs beside lists of constants.`)
  return kept
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

import { placedError } from './explain.ts'

/** A piece of SQL that is neither space nor comment. */
export interface Token {
  kind: 'word' | 'quoted' | 'string' | 'number' | 'sign'
  /** A word or sign in lower case; empty for the rest. */
  text: string
  start: number
  end: number
  /** How many brackets and CASEs are open there, its own included. */
  depth: number
}

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
 * Cuts SQL into words, names, strings, numbers and single signs, exactly where the engine's own parser would.
 *
 * @throws {ValidationError} 409 at a spelling that parsers read differently, and at what is not closed
 */
export function tokenize(sql: string): Token[] {
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

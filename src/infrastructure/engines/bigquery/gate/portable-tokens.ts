import { invalid, type Token } from './tokens.ts'

const MAX_LENGTH = 64 * 1024
const MAX_TOKENS = 12_000
const MAX_NESTING = 64
const MAX_OPERATORS = 800
const operator = /^[^()[\],.]/

const skipped = /(?:[ \t\n\r\f\v]+|--[^\n\r]*)+/y
const kinds: readonly (readonly [Token['kind'], RegExp])[] = [
  ['string', /'[^']*(?:''[^']*)*'/y],
  ['name', /"[^"]*(?:""[^"]*)*"/y],
  ['name', /`[^`]*`/y],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$])/y],
  ['word', /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y],
  ['sign', /::|\|\||<=|>=|<>|!=|<<|>>|->>?|~~|[()[\],.+\-*/<>=%&|^]/y],
]
const prefixed = /^(?:[bern]|br|rb|x|u&)$/i

/**
 * Cuts a statement in the portable dialect of the API: PostgreSQL's quoting, in which `"x"` is a name, `''` a quote and
 * a backslash a character. BigQuery never reads this text, only what is written from the tokens.
 *
 * @throws {ValidationError} 409 at what is not closed, at signs that queries don't need, and where BigQuery's quoting
 *   would begin
 */
export function portableTokens(sql: string): Token[] {
  if (sql.length > MAX_LENGTH) throw invalid(`Query is too long: at most ${MAX_LENGTH} characters.`)
  if (/\\['"`]/.test(sql)) throw invalid('Query is not a single statement.')
  const tokens: Token[] = []
  let at = 0
  let depth = 0
  let operators = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(sql)?.[0]
  }
  while (at < sql.length) {
    const space = match(skipped)
    if (space) {
      at += space.length
      continue
    }
    if (sql.startsWith('/*', at)) {
      at = afterComment(sql, at)
      continue
    }
    const found = kinds
      .map(([kind, pattern]) => ({ kind, text: match(pattern) }))
      .find(({ text }) => text !== undefined)
    if (found?.text === undefined) throw unexpected(sql, at)
    at += found.text.length
    refusePrefix(found.kind, found.text, sql[at])
    depth += found.kind === 'sign' || found.kind === 'word' ? nesting(found.text) : 0
    if (depth > MAX_NESTING) throw invalid(`Query is nested too deeply: at most ${MAX_NESTING} levels.`)
    if (found.kind === 'sign' && operator.test(found.text)) operators += 1
    if (operators > MAX_OPERATORS) throw invalid(`Query is too complex: at most ${MAX_OPERATORS} operators.`)
    if (found.kind === 'number' && !Number.isFinite(Number(found.text)))
      throw invalid('Query holds a number that is out of range.')
    tokens.push({ kind: found.kind, text: contentOf(found.kind, found.text) })
    if (tokens.length > MAX_TOKENS) throw invalid(`Query is too long: at most ${MAX_TOKENS} words and signs.`)
  }
  return tokens
}

function nesting(text: string): number {
  return /^(?:[([]|case)$/i.test(text) ? 1 : /^(?:[)\]]|end)$/i.test(text) ? -1 : 0
}

function contentOf(kind: Token['kind'], text: string): string {
  if (kind !== 'string' && kind !== 'name') return text
  const quote = text[0] as string
  const content = text.slice(1, -1).replaceAll(quote + quote, quote)
  if (content.includes('\0')) throw invalid('Query holds a zero character.')
  if (kind === 'name' && content === '') throw invalid('Query holds an empty name.')
  return content
}

function refusePrefix(kind: Token['kind'], text: string, next: string | undefined): void {
  const quoted = kind === 'word' && (next === "'" || next === '"')
  if (quoted && prefixed.test(text))
    throw invalid(`${text}${next}…${next} strings are not supported; write '…', in which \\ is a character.`)
}

function afterComment(sql: string, start: number): number {
  let depth = 0
  const edge = /\/\*|\*\//g
  edge.lastIndex = start
  for (let found = edge.exec(sql); found; found = edge.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  throw invalid('Query has a comment that is not closed.')
}

function unexpected(sql: string, at: number): Error {
  const character = sql[at] ?? ''
  if (/['"`]/.test(character)) return invalid('Query has a string or a quoted name that is not closed.')
  if (character === ';') return invalid('Query is not a single statement.')
  if (character === '@' || character === '?' || character === '$')
    return invalid('Query parameters and system variables are not supported.')
  const lines = sql.slice(0, at).split('\n')
  const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
  return invalid(`(SyntaxError) the sign ${JSON.stringify(character)} is not supported (${place})`)
}

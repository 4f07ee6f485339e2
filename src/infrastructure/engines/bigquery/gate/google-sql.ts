import { encodeName } from '../names.ts'
import { invalid, type Token } from './tokens.ts'

/** Words that BigQuery takes for a part of its grammar: unquoted ones are written as they are, all others in backticks. */
const plainWord = /^[A-Za-z_][A-Za-z0-9_]*$/

/** A name in backticks, as this engine stores it. */
export function quoted(name: string): string {
  return `\`${encodeName(name)}\``
}

/** A string of GoogleSQL with these characters. */
export function literal(text: string): string {
  const escaped = text.replace(/[\\'"`\p{Cc}\p{Zl}\p{Zp}]/gu, (character) =>
    /[\\'"`]/.test(character) ? `\\${character}` : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `'${escaped}'`
}

/** Writes tokens as GoogleSQL, one space between any two. */
export function googleSql(tokens: readonly Token[]): string {
  return tokens.map(write).join(' ')
}

function write({ kind, text }: Token): string {
  if (kind === 'string') return literal(text)
  if (kind === 'name' || (kind === 'word' && !plainWord.test(text))) return quoted(text)
  return text
}

const lexemes: readonly (readonly [Token['kind'], RegExp])[] = [
  ['string', /'(?:[^'\\\n\r]|\\(?:[\\'"`]|u[0-9a-f]{4}))*'/y],
  ['name', /`[^`\\\n\r]+`/y],
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['sign', /\|\||<=|>=|<>|!=|<<|>>|[()[\],.+\-*/<>=&|^]/y],
]

/**
 * Reads GoogleSQL as BigQuery would: what no rule of its lexical structure, as far as `googleSql` uses it, explains is
 * refused. Prefixed and triple-quoted strings, comments, parameters, hints and pipes are none of it.
 *
 * @throws {ValidationError} 409
 */
export function googleTokens(sql: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < sql.length) {
    if (sql[at] === ' ') {
      at += 1
      continue
    }
    const before = at
    for (const [kind, pattern] of lexemes) {
      pattern.lastIndex = at
      const text = pattern.exec(sql)?.[0]
      if (text === undefined) continue
      at += text.length
      tokens.push({ kind, text: kind === 'string' || kind === 'name' ? unquoted(text) : text })
      break
    }
    const glued = at > before && at < sql.length && sql[at] !== ' '
    if (at === before || glued) throw invalid('Query could not be written in GoogleSQL.')
  }
  return tokens
}

function unquoted(text: string): string {
  const meant = (_: string, code: string) =>
    code.startsWith('u') ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : code
  return text.slice(1, -1).replace(/\\(u[0-9a-f]{4}|.)/g, meant)
}

import { parseColumnType } from '../../../../core/field-types.ts'
import { castType } from '../types.ts'
import { operandStart } from './operands.ts'
import { fold, invalid, isSign, isWord, pairs, sign, type Token, word } from './tokens.ts'

/** Types of BigQuery that PostgreSQL lacks, or calls otherwise. */
const googleTypes = new Set(['int64', 'float64', 'string', 'bytes', 'bignumeric', 'datetime'])

/** `x::type` as `CAST(x AS type)`, and every type of a cast as BigQuery calls the type that columns of it have. */
export function withGoogleCasts(given: readonly Token[]): Token[] {
  return withoutColons(withGoogleTypes(given))
}

function withGoogleTypes(given: readonly Token[]): Token[] {
  let tokens = [...given]
  for (let at = 0; at < tokens.length; at++) {
    if (!isWord(tokens[at], 'cast', 'try_cast', 'safe_cast') || !isSign(tokens[at + 1], '(')) continue
    const end = pairs(tokens).get(at + 1) as number
    const as = castAs(tokens, at + 2, end)
    const { type, next } = readType(tokens, as + 1)
    if (next !== end) throw invalid('Query has a cast to something that is no type.')
    const made = cast(isWord(tokens[at], 'cast') ? 'CAST' : 'SAFE_CAST', tokens.slice(at + 2, as), type)
    tokens = [...tokens.slice(0, at), ...made, ...tokens.slice(end + 1)]
  }
  return tokens
}

function withoutColons(given: readonly Token[]): Token[] {
  let tokens = [...given]
  for (let at = 0; at < tokens.length; at++) {
    if (!isSign(tokens[at], '::')) continue
    const start = operandStart(tokens, at - 1)
    const { type, next } = readType(tokens, at + 1)
    tokens = [...tokens.slice(0, start), ...cast('CAST', tokens.slice(start, at), type), ...tokens.slice(next)]
    at = start
  }
  return tokens
}

interface GoogleType {
  name: string
  /** Decimals to round to: BigQuery's casts take no parameters. */
  scale?: number
}

function cast(called: string, operand: readonly Token[], { name, scale }: GoogleType): Token[] {
  if (name === 'JSON') return [word('PARSE_JSON'), sign('('), ...operand, sign(')')]
  const made = [word(called), sign('('), ...operand, word('AS'), word(name), sign(')')]
  if (scale === undefined) return made
  return [word('ROUND'), sign('('), ...made, sign(','), { kind: 'number', text: String(scale) }, sign(')')]
}

/** The last AS of a cast: its operand may hold others, in brackets. */
function castAs(tokens: readonly Token[], from: number, to: number): number {
  let depth = 0
  for (let at = to - 1; at >= from; at--) {
    if (isSign(tokens[at], ')', ']')) depth += 1
    if (isSign(tokens[at], '(', '[')) depth -= 1
    if (depth === 0 && isWord(tokens[at], 'as')) return at
  }
  throw invalid('Query has a cast without a type.')
}

function readType(tokens: readonly Token[], start: number): { type: GoogleType; next: number } {
  const first = tokens[start]
  if (first?.kind !== 'word' && first?.kind !== 'name') throw invalid('Query has a cast without a type.')
  let text = fold(first.text)
  let next = start + 1
  const take = (...words: readonly string[]) => {
    if (!words.every((expected, index) => isWord(tokens[next + index], expected))) return
    text += ` ${words.join(' ')}`
    next += words.length
  }
  take('precision')
  take('varying')
  const modifiers: string[] = []
  if (isSign(tokens[next], '(')) {
    for (next += 1; !isSign(tokens[next], ')'); next++)
      if (tokens[next]?.kind === 'number') modifiers.push(tokens[next]?.text as string)
    next += 1
  }
  if (modifiers.length > 0) text += `(${modifiers.join(', ')})`
  take('with', 'time', 'zone')
  take('without', 'time', 'zone')
  while (isSign(tokens[next], '[') && isSign(tokens[next + 1], ']')) {
    text += '[]'
    next += 2
  }
  return { type: googleType(text), next }
}

function googleType(text: string): GoogleType {
  if (googleTypes.has(text)) return { name: text.toUpperCase() }
  const type = parseColumnType(text)
  if (!type || type.array) throw invalid(`Casts to the type ${text} are not supported.`)
  if (type.modifier && type.type.family === 'text') {
    throw invalid(`Casts to the type ${text} are not supported; use CAST(… AS text) and SUBSTR.`)
  }
  const scale = type.type.family === 'numeric' ? type.modifier?.[1] : undefined
  return { name: castType(type), ...(scale !== undefined && { scale }) }
}

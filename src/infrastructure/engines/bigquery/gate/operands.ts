import { fold, isSign, isWord, pairs, type Token } from './tokens.ts'

/** Words after which a bracket opens an expression, a list or a query, and no call. */
const notCalled = new Set(
  `all and any as between by case cross distinct else end except filter from full group having in inner intersect is join
  left like ilike limit not nulls offset on or order outer over partition right select set some then union unnest using
  values when where window with within`.split(/\s+/),
)
/** Of these, functions that are called like that as well. */
const alsoFunctions = new Set(['left', 'right', 'unnest'])

/** Whether the token can be the name of a call whose bracket follows it. */
export function canBeCalled(token: Token | undefined): boolean {
  if (token?.kind === 'name') return true
  if (token?.kind !== 'word') return false
  const name = fold(token.text)
  return !notCalled.has(name) || alsoFunctions.has(name)
}

const endsOperand = (token: Token | undefined): boolean =>
  token !== undefined &&
  (token.kind !== 'sign' || isSign(token, ')', ']')) &&
  (token.kind !== 'word' || canBeCalled(token) || isWord(token, 'end'))

/** The index at which the operand starts that ends at `end`: a value, a call, brackets, CASE … END, with its path and subscripts. */
export function operandStart(tokens: readonly Token[], end: number): number {
  const pair = pairs(tokens)
  let at = end
  for (;;) {
    const token = tokens[at]
    if (isSign(token, ']')) {
      at = pair.get(at) ?? at
      if (!endsOperand(tokens[at - 1])) return at
      at -= 1
      continue
    }
    if (isSign(token, ')')) {
      at = pair.get(at) ?? at
      if (canBeCalled(tokens[at - 1]) || isWord(tokens[at - 1], 'exists', 'array')) at -= 1
    } else if (isWord(token, 'end')) at = caseStart(tokens, at)
    else if (
      token?.kind === 'string' &&
      isWord(tokens[at - 1], 'date', 'time', 'timestamp', 'timestamptz', 'datetime', 'interval')
    )
      at -= 1
    if (!isSign(tokens[at - 1], '.') || at < 2) return at
    at -= 2
  }
}

function caseStart(tokens: readonly Token[], end: number): number {
  let depth = 0
  for (let at = end; at >= 0; at--) {
    if (isWord(tokens[at], 'end')) depth += 1
    if (isWord(tokens[at], 'case')) depth -= 1
    if (depth === 0) return at
  }
  return 0
}

/** The index after the operand that starts at `start`. */
export function operandEnd(tokens: readonly Token[], start: number): number {
  const pair = pairs(tokens)
  let at = start
  if (isSign(tokens[at], '-', '+')) at += 1
  if (isSign(tokens[at], '(', '[')) at = (pair.get(at) ?? at) + 1
  else at += 1
  for (;;) {
    if (isSign(tokens[at], '.')) at += 2
    else if (isSign(tokens[at], '(') && canBeCalled(tokens[at - 1])) at = (pair.get(at) ?? at) + 1
    else if (isSign(tokens[at], '[')) at = (pair.get(at) ?? at) + 1
    else return at
  }
}

/** The parts of a list between two brackets, cut at its commas; none when it is empty. */
export function listItems(tokens: readonly Token[]): Token[][] {
  if (tokens.length === 0) return []
  const items: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (isSign(token, '(', '[')) depth += 1
    if (isSign(token, ')', ']')) depth -= 1
    if (depth === 0 && isSign(token, ',')) items.push([])
    else items.at(-1)?.push(token)
  }
  return items
}

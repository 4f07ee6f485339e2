import { listItems } from './operands.ts'
import { invalid, isSign, isWord, pairs, type Token, word } from './tokens.ts'

const lacking = () =>
  invalid('(NotSupported) this column list of a common table expression is not supported; name the columns inside.')

/** `WITH c(a, b) AS (SELECT x, y …)` as `WITH c AS (SELECT x AS a, y AS b …)`. */
export function withNamedColumns(given: readonly Token[]): Token[] {
  let tokens = [...given]
  for (let at = 1; at < tokens.length; at++) {
    const isList = isSign(tokens[at], '(') && (tokens[at - 1]?.kind === 'name' || tokens[at - 1]?.kind === 'word')
    const isNamed = isList && (isWord(tokens[at - 2], 'with', 'recursive') || isSign(tokens[at - 2], ','))
    if (!isNamed) continue
    const pair = pairs(tokens)
    const end = pair.get(at) as number
    const names = listItems(tokens.slice(at + 1, end))
    if (!isWord(tokens[end + 1], 'as') || !isSign(tokens[end + 2], '(') || !names.every((name) => name.length === 1))
      continue
    if (!isWord(tokens[end + 3], 'select')) throw lacking()
    const start = end + (isWord(tokens[end + 4], 'distinct', 'all') ? 5 : 4)
    const items = listItems(tokens.slice(start, selectListEnd(tokens, start, pair)))
    if (items.length !== names.length) throw lacking()
    const renamed = items.flatMap((item, index) => [
      ...(index === 0 ? [] : [{ kind: 'sign', text: ',' } as Token]),
      ...withoutAlias(item),
      word('AS'),
      names[index]?.[0] as Token,
    ])
    const length = items.reduce((sum, item) => sum + item.length, items.length - 1)
    tokens = [...tokens.slice(0, at), ...tokens.slice(end + 1, start), ...renamed, ...tokens.slice(start + length)]
  }
  return tokens
}

const ends = ['from', 'where', 'group', 'having', 'order', 'limit', 'window', 'union', 'intersect', 'except'] as const

function selectListEnd(tokens: readonly Token[], start: number, pair: ReadonlyMap<number, number>): number {
  for (let at = start; ; at++) {
    if (isSign(tokens[at], '(', '[')) at = pair.get(at) as number
    else if (at >= tokens.length || isSign(tokens[at], ')') || isWord(tokens[at], ...ends)) return at
  }
}

function withoutAlias(item: readonly Token[]): readonly Token[] {
  if (item.some((token) => isSign(token, '*') && item.length < 4)) throw lacking()
  return isWord(item.at(-2), 'as') ? item.slice(0, -2) : item
}

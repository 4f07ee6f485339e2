import { invalid, isSign, isWord, pairs, sign, type Token, word } from './tokens.ts'

/** In FROM: `generate_series(a, b) AS s(i)` as `UNNEST(GENERATE_ARRAY(a, b)) AS i`, `unnest(x) AS u(v)` as `UNNEST(x) AS v`. */
export function withSeries(given: readonly Token[]): Token[] {
  const pair = pairs(given)
  const tokens: Token[] = []
  for (let at = 0; at < given.length; at++) {
    const token = given[at] as Token
    const isSeries = isWord(token, 'generate_series')
    const opens = isSign(given[at + 1], '(') && (isSign(given[at - 1], ',') || isWord(given[at - 1], 'from', 'join'))
    if (!opens || !(isSeries || isWord(token, 'unnest'))) {
      tokens.push(token)
      continue
    }
    const end = pair.get(at + 1) as number
    const inside = given.slice(at + 2, end)
    const list = isSeries ? [word('GENERATE_ARRAY'), sign('('), ...inside, sign(')')] : inside
    tokens.push(word('UNNEST'), sign('('), ...list, sign(')'))
    at = end
    const alias = isWord(given[end + 1], 'as') ? end + 2 : end + 1
    const column = given[alias + 2]
    if (given[alias]?.kind === 'sign' || !isSign(given[alias + 1], '(') || !column) continue
    if (!isSign(given[alias + 3], ')')) throw invalid('(NotSupported) UNNEST has one column.')
    tokens.push(word('AS'), column)
    at = alias + 3
  }
  return tokens
}

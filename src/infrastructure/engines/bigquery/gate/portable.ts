import { withGoogleCalls } from './calls.ts'
import { withGoogleCasts } from './casts.ts'
import { withJsonPaths } from './json-paths.ts'
import { withModulo } from './modulo.ts'
import { withNamedColumns } from './named-columns.ts'
import { operandEnd } from './operands.ts'
import { withSeries } from './series.ts'
import { fold, invalid, isSign, isWord, sign, type Token, word } from './tokens.ts'

/** What BigQuery lacks, and what to write. */
const lacking: readonly (readonly [(tokens: readonly Token[], at: number) => boolean, string])[] = [
  [
    (t, at) => isWord(t[at], 'distinct') && isWord(t[at + 1], 'on'),
    'DISTINCT ON is not supported; use ROW_NUMBER() OVER (PARTITION BY …) in a subquery and filter outside',
  ],
  [
    (t, at) => isWord(t[at], 'at') && isWord(t[at + 1], 'time'),
    'AT TIME ZONE is not supported; use DATETIME(value, zone) or TIMESTAMP(value, zone)',
  ],
  [
    (t, at) => isWord(t[at], 'within') && isWord(t[at + 1], 'group'),
    'WITHIN GROUP is not supported; use PERCENTILE_CONT(value, 0.5) OVER () or APPROX_QUANTILES(value, 100)',
  ],
  [
    (t, at) => isWord(t[at], 'natural') && isWord(t[at + 1], 'join', 'left', 'inner', 'full', 'right'),
    'NATURAL JOIN is not supported; use JOIN … USING (columns)',
  ],
  [
    (t, at) => isWord(t[at], 'lateral') && isSign(t[at + 1], '('),
    'LATERAL is not supported; use a subquery in the list of columns',
  ],
  [
    (t, at) => isWord(t[at], 'values') && isSign(t[at + 1], '('),
    'VALUES is not supported; use SELECT … UNION ALL SELECT …',
  ],
  [
    (t, at) => isWord(t[at], 'escape') && t[at + 1]?.kind === 'string',
    'ESCAPE is not supported; a \\ before % or _ takes away its meaning',
  ],
  [(t, at) => isSign(t[at], '^'), 'the operator ^ is not supported; use POW(a, b)'],
  [(t, at) => isSign(t[at], '~~'), 'the operator ~~ is not supported; use LIKE'],
  [(t, at) => isWord(t[at], 'overlaps') && isSign(t[at + 1], '('), 'OVERLAPS is not supported; compare the bounds'],
]

/**
 * A statement in the portable dialect as one of GoogleSQL: casts, ILIKE, intervals, comparisons with lists, set
 * operations and calls are written as BigQuery writes them.
 *
 * @throws {ValidationError} 409 at what BigQuery lacks, saying what to write
 */
export function toGoogle(given: readonly Token[]): Token[] {
  given.forEach((_, at) => {
    const found = lacking.find(([applies]) => applies(given, at))
    if (found) throw invalid(`(NotSupported) ${found[1]}.`)
  })
  return withGoogleCalls(
    withLike(withModulo(withJsonPaths(withGoogleCasts(withNamedColumns(withSeries(withWords(given))))))),
  )
}

/** One word or two in the place of another: intervals, typed literals, set operations, `= ANY`. */
function withWords(given: readonly Token[]): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < given.length; at++) {
    const token = given[at] as Token
    const next = given[at + 1]
    if (isWord(token, 'interval') && next?.kind === 'string') {
      const unit = isWord(given[at + 2], ...units) ? given[at + 2] : undefined
      tokens.push(...interval(next.text, unit))
      at += unit ? 2 : 1
    } else if (isWord(token, 'timestamp') && next?.kind === 'string') tokens.push(word('DATETIME'))
    else if (isWord(token, 'timestamptz') && next?.kind === 'string') tokens.push(word('TIMESTAMP'))
    else if (isWord(token, 'union', 'intersect', 'except') && !isWord(next, 'all', 'distinct'))
      tokens.push(token, word('DISTINCT'))
    else if (
      isSign(token, '=', '<>', '!=', '<', '>', '<=', '>=') &&
      isWord(next, 'any', 'some', 'all') &&
      isSign(given[at + 2], '(')
    ) {
      const isAny = !isWord(next, 'all')
      if (isSign(token, '<', '>', '<=', '>=') || isAny !== isSign(token, '='))
        throw invalid('(NotSupported) this comparison with ANY or ALL is not supported; use IN, NOT IN, MIN or MAX.')
      const isQuery = isWord(given[at + 3], 'select', 'with')
      tokens.push(...(isAny ? [] : [word('NOT')]), word('IN'), ...(isQuery ? [] : [word('UNNEST')]))
      at += 1
    } else tokens.push(token)
  }
  return tokens
}

const units = ['microsecond', 'millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']
const amount = new RegExp(`^\\s*([+-]?)\\s*(\\d+)\\s*(?:(${units.join('|')})s?)?\\s*$`, 'i')

function interval(text: string, unit: Token | undefined): Token[] {
  const [, minus, digits, named] = amount.exec(text) ?? []
  const name = named ?? unit?.text
  if (digits === undefined || name === undefined)
    throw invalid("(NotSupported) write intervals with one unit, such as INTERVAL '3 days'.")
  return [
    word('INTERVAL'),
    ...(minus === '-' ? [sign('-')] : []),
    { kind: 'number', text: digits },
    word(name.toUpperCase()),
  ]
}

/** Where an operand of LIKE can't reach beyond. */
const bounds = new Set(
  'and or not where on when then else select having by case distinct between in is as from limit qualify using'.split(
    ' ',
  ),
)
const isBound = (token: Token | undefined): boolean =>
  token === undefined ||
  (token.kind === 'word' && bounds.has(fold(token.text))) ||
  isSign(token, ',', '=', '<', '>', '<=', '>=', '<>', '!=')

/** `a ILIKE b` as `LOWER(a) LIKE LOWER(b)`. */
function withLike(given: readonly Token[]): Token[] {
  let tokens = [...given]
  for (let at = 0; at < tokens.length; at++) {
    if (!isWord(tokens[at], 'ilike')) continue
    const not = isWord(tokens[at - 1], 'not')
    const leftEnd = not ? at - 1 : at
    let start = leftEnd
    let depth = 0
    for (; start > 0; start--) {
      const before = tokens[start - 1]
      if (isSign(before, ')', ']')) depth += 1
      if (isSign(before, '(', '[')) depth -= 1
      if (depth < 0 || (depth === 0 && isBound(before))) break
    }
    let end = operandEnd(tokens, at + 1)
    while (isSign(tokens[end], '||')) end = operandEnd(tokens, end + 1)
    const lower = (part: readonly Token[]) => [word('LOWER'), sign('('), ...part, sign(')')]
    const like = [...lower(tokens.slice(start, leftEnd)), ...(not ? [word('NOT')] : []), word('LIKE')]
    tokens = [...tokens.slice(0, start), ...like, ...lower(tokens.slice(at + 1, end)), ...tokens.slice(end)]
  }
  return tokens
}

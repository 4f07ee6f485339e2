import { canBeCalled } from './operands.ts'
import { fold, invalid, isSign, isWord, type Token } from './tokens.ts'

const types = [
  'bool',
  'bytes',
  'date',
  'datetime',
  'float64',
  'int64',
  'json',
  'numeric',
  'bignumeric',
  'string',
  'time',
  'timestamp',
]

/** From this many items on, a list of constants is shown as its first item. */
const LONG_LIST = 8
const MAX_WORDS = 4000

export interface Outline {
  text: string
  /** The name that stands for a `q1` of the text. */
  nameOf(shown: string): string
}

/**
 * The structure of a statement, for a parser whose grammar lacks much that BigQuery's has: each call, name and query is
 * where it was, but values are `1` and `'x'`, quoted names are `zqn1`, and words that only qualify (`DISTINCT` and `ORDER BY`
 * in a call, `IGNORE NULLS`, `ASC`) are gone. Nothing that could read or run is left out.
 */
export function outline(tokens: readonly Token[]): Outline {
  const names: string[] = []
  const shown: string[] = []
  const inCall: boolean[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    const [before, next] = [tokens[at - 1], tokens[at + 1]]
    const called = inCall.at(-1) === true
    if (token.kind === 'name') shown.push(`zqn${names.push(token.text)}`)
    else if (token.kind === 'string') shown.push("'x'")
    else if (token.kind === 'number') shown.push('1')
    else if (isSign(token, '(')) {
      shown.push('(')
      inCall.push(canBeCalled(before) && !isWord(before, 'unnest') && !isWord(next, 'select', 'with'))
      at = afterConstants(tokens, at, shown)
    } else if (isSign(token, '[')) {
      const isSubscript =
        isSign(before, ')', ']') ||
        before?.kind === 'name' ||
        (before?.kind === 'word' && canBeCalled(before) && !isWord(before, 'array'))
      shown.push(isSubscript ? '+ (' : '[')
      inCall.push(false)
      if (!isSubscript) at = afterConstants(tokens, at, shown)
    } else if (isSign(token, ')')) {
      inCall.pop()
      shown.push(')')
    } else if (isSign(token, ']')) {
      inCall.pop()
      const opener = shown.length
      shown.push(closes(shown, opener) ? ')' : ']')
    } else if (token.kind === 'sign') {
      if (isSign(token, '.') && isSign(before, ')', ']')) at += 1
      else shown.push(/^(?:[&|^]|<<|>>|\|\|)$/.test(token.text) ? '+' : token.text)
    } else if (isWord(token, 'is') && isComparison(tokens, at)) {
      shown.push('=')
      at += isWord(next, 'not') ? 3 : 2
    } else if (isWord(token, 'nulls') && isWord(next, 'first', 'last')) at += 1
    else if (isWord(token, 'ignore', 'respect') && isWord(next, 'nulls')) at += 1
    else if (isWord(token, 'array') && isSign(next, '[')) continue
    else if (isWord(token, 'recursive') && isWord(before, 'with')) continue
    else if (isWord(token, 'asc', 'desc') && !isSign(before, '.') && before?.kind !== 'sign') continue
    else if (isWord(token, 'distinct') && called && isSign(before, '(')) continue
    else if (called && isWord(token, 'order') && isWord(next, 'by')) {
      shown.push(',')
      at += 1
    } else if (called && isWord(token, 'limit')) shown.push(',')
    else if (isWord(token, 'interval') && isSign(next, '-')) {
      shown.push(token.text)
      at += 1
    } else if (isWord(before, 'as') && isWord(token, ...types) && isSign(next, ')')) shown.push('STRING')
    else shown.push(token.text)
    if (shown.length > MAX_WORDS)
      throw invalid(`Query is too long: at most ${MAX_WORDS} words and signs beside lists of constants.`)
  }
  return { text: shown.join(' '), nameOf: (text) => names[Number(/^zqn(\d+)$/.exec(text)?.[1]) - 1] ?? text }
}

/** Whether the bracket that is open at the end of the shown words is that of a subscript. */
function closes(shown: readonly string[], end: number): boolean {
  let depth = 0
  for (let at = end - 1; at >= 0; at--) {
    if (/^[)\]]$/.test(shown[at] as string)) depth += 1
    else if (/[([]$/.test(shown[at] as string) && depth-- === 0) return shown[at] === '+ ('
  }
  return false
}

const isComparison = (tokens: readonly Token[], at: number): boolean => {
  const offset = isWord(tokens[at + 1], 'not') ? 2 : 1
  return isWord(tokens[at + offset], 'distinct') && isWord(tokens[at + offset + 1], 'from')
}

/** Shows the first item of a long list of constants; answers where the list goes on, at its end. */
function afterConstants(tokens: readonly Token[], open: number, shown: string[]): number {
  let at = open + 1
  for (let items = 1; ; items++) {
    if (isSign(tokens[at], '-', '+')) at += 1
    if (tokens[at]?.kind !== 'string' && tokens[at]?.kind !== 'number') return open
    if (isSign(tokens[at + 1], ')', ']')) {
      if (items < LONG_LIST) return open
      shown.push(tokens[at]?.kind === 'string' ? "'x'" : '1')
      return at
    }
    if (!isSign(tokens[at + 1], ',')) return open
    at += 2
  }
}

/** Words of a quoted name are shown by a number; that no unquoted word looks like one keeps them apart. */
export function looksShown({ kind, text }: Token): boolean {
  return kind === 'word' && /^zqn\d+$/.test(fold(text))
}

import { operandStart } from './operands.ts'
import { invalid, isSign, sign, type Token, word } from './tokens.ts'

/** `x -> 'key'` as `JSON_QUERY(x, '$."key"')`, `x ->> 0` as `JSON_VALUE(x, '$[0]')`. */
export function withJsonPaths(given: readonly Token[]): Token[] {
  let tokens = [...given]
  for (let at = 0; at < tokens.length; at++) {
    if (!isSign(tokens[at], '->', '->>')) continue
    const start = operandStart(tokens, at - 1)
    const name = word(isSign(tokens[at], '->') ? 'JSON_QUERY' : 'JSON_VALUE')
    const made = [name, sign('('), ...tokens.slice(start, at), sign(','), pathOf(tokens[at + 1]), sign(')')]
    tokens = [...tokens.slice(0, start), ...made, ...tokens.slice(at + 2)]
    at = start
  }
  return tokens
}

function pathOf(key: Token | undefined): Token {
  if (key?.kind === 'number' && /^\d+$/.test(key.text)) return { kind: 'string', text: `$[${key.text}]` }
  if (key?.kind !== 'string' || /["\\]/.test(key.text)) {
    throw invalid(
      "(NotSupported) -> and ->> take a constant key or index; use JSON_QUERY(value, '$.key') and JSON_VALUE(value, '$.key').",
    )
  }
  return { kind: 'string', text: `$."${key.text}"` }
}

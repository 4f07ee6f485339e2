import { operandEnd, operandStart } from './operands.ts'
import { invalid, isSign, sign, type Token, word } from './tokens.ts'

/** `a % b` as `MOD(a, b)`. */
export function withModulo(given: readonly Token[]): Token[] {
  let tokens = [...given]
  for (let at = 0; at < tokens.length; at++) {
    if (!isSign(tokens[at], '%')) continue
    const start = operandStart(tokens, at - 1)
    const end = operandEnd(tokens, at + 1)
    // They bind alike, from the left.
    if (isSign(tokens[start - 1], '*', '/'))
      throw invalid('(NotSupported) % beside * or / is not supported; use MOD(a, b).')
    const made = [
      word('MOD'),
      sign('('),
      ...tokens.slice(start, at),
      sign(','),
      ...tokens.slice(at + 1, end),
      sign(')'),
    ]
    tokens = [...tokens.slice(0, start), ...made, ...tokens.slice(end)]
    at = start
  }
  return tokens
}

import type { Configuration } from './configurations.ts'

/** A word to find. With `prefix`, every lexeme that starts with this one counts. */
export interface Word {
  readonly kind: 'word'
  readonly lexeme: string
  readonly prefix: boolean
}

/** What a row's text must hold. */
export type TextExpression =
  | Word
  /** The words in this order, each `distances[i]` tokens after the one before it. */
  | { readonly kind: 'phrase'; readonly words: readonly Word[]; readonly distances: readonly number[] }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly TextExpression[] }
  | { readonly kind: 'not'; readonly part: TextExpression }

/** A tsquery that PostgreSQL would not read either (contract §6: 409 `Invalid query`). */
export class TextQuerySyntaxError extends Error {
  readonly code = 'ERR_TEXT_QUERY'
}

/**
 * What was written as one: its tokens side by side. A day and a time with a `T` between them may be parted in the text,
 * as the values of timestamp columns are.
 */
export function compound(
  tokens: readonly string[],
  configuration: Configuration,
  prefix = false,
): TextExpression | undefined {
  const parted = tokens.flatMap((token) => (/^\d\dt\d\d$/.test(token) ? token.split('t') : [token]))
  const written = phrase(tokens, configuration, prefix)
  return parted.length === tokens.length ? written : combine('or', [written, phrase(parted, configuration, prefix)])
}

/** Tokens side by side. A stop word among them leaves its place open. */
function phrase(tokens: readonly string[], configuration: Configuration, prefix = false): TextExpression | undefined {
  const words: Word[] = []
  const distances: number[] = []
  let distance = 1
  for (const token of tokens) {
    if (configuration.isStopWord(token)) {
      distance++
      continue
    }
    if (words.length > 0) distances.push(distance)
    words.push({ kind: 'word', lexeme: configuration.lexeme(token), prefix })
    distance = 1
  }
  return words.length > 1 ? { kind: 'phrase', words, distances } : words[0]
}

/** Parts joined by an operator; those that vanished are left out, and one alone stands for itself. */
export function combine(
  kind: 'and' | 'or',
  parts: readonly (TextExpression | undefined)[],
): TextExpression | undefined {
  const left = parts.filter((part) => part !== undefined)
  return left.length > 1 ? { kind, parts: left } : left[0]
}

/** Every word of an expression, in order. */
export function wordsOf(expression: TextExpression): readonly Word[] {
  if (expression.kind === 'word') return [expression]
  if (expression.kind === 'phrase') return expression.words
  if (expression.kind === 'not') return wordsOf(expression.part)
  return expression.parts.flatMap(wordsOf)
}

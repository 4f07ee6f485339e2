import type { Configuration } from './configurations.ts'
import type { TextExpression } from './expression.ts'
import { combine, compound, TextQuerySyntaxError, wordsOf } from './expression.ts'
import { tokenize } from './tokenize.ts'
import { parseTsquery } from './tsquery.ts'

/** Words that one query may hold. */
export const WORDS_MAX = 200

/**
 * Reads a query. `plain`: all of its words, no operators (contract §6). Otherwise PostgreSQL's tsquery syntax:
 * `|`, `&`, `!`, `<->`, `<N>`, `:*`, parentheses, quotes; weights (`:A`) are read and ignored.
 * Undefined: it holds nothing to search for, only stop words, and so finds nothing, as in PostgreSQL.
 * Throws `TextQuerySyntaxError`.
 */
export function parseTextQuery(text: string, plain: boolean, configuration: Configuration): TextExpression | undefined {
  const expression = plain ? plainQuery(text, configuration) : parseTsquery(text, configuration)
  if (expression && wordsOf(expression).length > WORDS_MAX) {
    throw new TextQuerySyntaxError(`a text query may hold at most ${WORDS_MAX} words`)
  }
  return expression
}

/** All words of the text; what is written as one (`2011-01-02`, `well-known`) must stand side by side. */
export function plainQuery(text: string, configuration: Configuration): TextExpression | undefined {
  const parts: (TextExpression | undefined)[] = []
  let together: string[] = []
  for (const { text: token, gap } of tokenize(text)) {
    if (together.length > 0 && !joins.test(gap)) {
      parts.push(compound(together, configuration))
      together = []
    }
    together.push(token)
  }
  parts.push(compound(together, configuration))
  return combine('and', parts)
}

const joins = /^[-./:@'’]$/

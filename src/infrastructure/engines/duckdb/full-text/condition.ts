import type { TextExpression, Word } from '../../../../core/text-search/expression.ts'
import { wordsOf } from '../../../../core/text-search/expression.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Leaf } from './leaf.ts'
import type { TextSource } from './source.ts'
import { tokenList } from './tokens.ts'

type Phrase = Extract<TextExpression, { kind: 'phrase' }>

interface Terms {
  /** SQL: the row holds this word. */
  word(word: Word): string
  /** SQL: the row holds these words in this order; undefined: can't be said here. */
  phrase?: (phrase: Phrase) => string
}

/** An expression as an SQL condition. */
export function conditionSql(expression: TextExpression, terms: Terms): string {
  const inner = (part: TextExpression) => conditionSql(part, terms)
  if (expression.kind === 'word') return terms.word(expression)
  if (expression.kind === 'not') return `NOT ${inner(expression.part)}`
  if (expression.kind === 'phrase')
    return terms.phrase ? terms.phrase(expression) : `(${expression.words.map(terms.word).join(' AND ')})`
  return `(${expression.parts.map(inner).join(expression.kind === 'and' ? ' AND ' : ' OR ')})`
}

/** What must hold of a row before its phrases are looked at: never stricter than the expression. */
export function withoutPhrases(expression: TextExpression, word: Terms['word'], negated = false): string {
  if (expression.kind === 'not') return `NOT ${withoutPhrases(expression.part, word, !negated)}`
  if (expression.kind === 'phrase' && negated) return 'FALSE'
  if (expression.kind === 'and' || expression.kind === 'or') {
    const parts = expression.parts.map((part) => withoutPhrases(part, word, negated))
    return `(${parts.join(expression.kind === 'and' ? ' AND ' : ' OR ')})`
  }
  return conditionSql(expression, { word })
}

/** Whether a row that holds none of the words can match. */
export function matchesNone(expression: TextExpression): boolean {
  if (expression.kind === 'not') return !matchesNone(expression.part)
  if (expression.kind === 'and') return expression.parts.every(matchesNone)
  if (expression.kind === 'or') return expression.parts.some(matchesNone)
  return false
}

export function hasPhrase(expression: TextExpression): boolean {
  if (expression.kind === 'not') return hasPhrase(expression.part)
  if (expression.kind === 'and' || expression.kind === 'or') return expression.parts.some(hasPhrase)
  return expression.kind === 'phrase'
}

/** The words that are asked for, not those that are refused. */
export function askedWords(expression: TextExpression, negated = false): readonly Word[] {
  if (expression.kind === 'not') return askedWords(expression.part, !negated)
  if (expression.kind === 'and' || expression.kind === 'or')
    return expression.parts.flatMap((part) => askedWords(part, negated))
  return negated ? [] : wordsOf(expression)
}

/** SQL: a row's text, its columns one to a line, every token between two blanks. */
export function documentSql(source: TextSource, column?: number): string {
  const columns = column === undefined ? source.columns : source.columns.slice(column, column + 1)
  const lines = columns.map(({ text }) => `coalesce(' ' || array_to_string(${tokenList(text)}, ' ') || ' ', '')`)
  return `concat_ws(chr(10), ${lines.join(', ')})`
}

/** SQL: the document holds the words at these distances. */
export function phraseSql(document: string, { words, distances }: Phrase, leafOf: (word: Word) => Leaf): string {
  const pattern = words.map((word, index) => {
    const between = (distances[index] ?? 1) - 1
    return `${formPattern(leafOf(word))} ${index < distances.length && between > 0 ? `(?:[^ \\n]+ ){${between}}` : ''}`
  })
  return `regexp_matches(${document}, ${quoteLiteral(` ${pattern.join('')}`)})`
}

function formPattern({ word, forms }: Leaf): string {
  if (!forms) return escapeDots(word.lexeme) + (word.prefix ? '[^ \\n]*' : '')
  if (forms.size === 0) return '[^\\s\\S]'
  return `(?:${[...forms].map(escapeDots).join('|')})`
}

/** The only character of a token that means something else in a pattern. */
function escapeDots(token: string): string {
  return token.replaceAll('.', '\\.')
}

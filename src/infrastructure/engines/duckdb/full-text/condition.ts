import type { TextExpression, Word } from '../../../../core/text-search/expression.ts'
import { wordsOf } from '../../../../core/text-search/expression.ts'
import type { Phrase } from './phrase.ts'

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

/** Every phrase of an expression. */
export function phrasesOf(expression: TextExpression): readonly Phrase[] {
  if (expression.kind === 'phrase') return [expression]
  if (expression.kind === 'not') return phrasesOf(expression.part)
  return expression.kind === 'word' ? [] : expression.parts.flatMap(phrasesOf)
}

/** The words that are asked for, not those that are refused. */
export function askedWords(expression: TextExpression, negated = false): readonly Word[] {
  if (expression.kind === 'not') return askedWords(expression.part, !negated)
  if (expression.kind === 'and' || expression.kind === 'or')
    return expression.parts.flatMap((part) => askedWords(part, negated))
  return negated ? [] : wordsOf(expression)
}

import type { TextExpression, Word } from '../../../../core/text-search/expression.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Leaf } from './leaf.ts'
import type { TextSource } from './source.ts'
import { searchedText } from './source.ts'
import { tokenList } from './tokens.ts'

/** Words in an order. Postings don't tell places, so the text of the rows that hold all of them is read. */
export type Phrase = Extract<TextExpression, { kind: 'phrase' }>

type LeafOf = (word: Word) => Leaf

/** Forms of a word that are written out in a pattern; where there are more, what they start with stands for them. */
const FORMS_MAX = 500

/**
 * SQL of the text of `t`, joined to the candidates `h`, for `phraseSql`: its columns one to a line, every token between two blanks. It is empty for rows
 * that hold none of the phrases in any reading: most are told by one look, which costs far less than their tokens.
 */
export function documentSql(source: TextSource, phrases: readonly Phrase[], leafOf: LeafOf, column?: number): string {
  const columns = column === undefined ? source.columns : source.columns.slice(column, column + 1)
  if (columns.length === 0) return "''"
  const text = `lower(concat_ws(chr(10), ${columns.map(searchedText).join(', ')}))`
  const possible = phrases.map((phrase) => `regexp_matches(${text}, ${quoteLiteral(loosePattern(phrase, leafOf))})`)
  const lines = columns.map(
    (shown) => `coalesce(' ' || array_to_string(${tokenList(searchedText(shown))}, ' ') || ' ', '')`,
  )
  // Naming both sides of the join keeps the look behind it: the optimizer would send every row of the table through.
  return `CASE WHEN t._id = h._id AND (${possible.join(' OR ')}) THEN concat_ws(chr(10), ${lines.join(', ')}) ELSE '' END`
}

/** SQL: the document holds the words at these distances. */
export function phraseSql(document: string, { words, distances }: Phrase, leafOf: LeafOf): string {
  const pattern = words.map((word, index) => {
    const between = (distances[index] ?? 1) - 1
    return `${formPattern(leafOf(word), '[^ \\n]*')} ${between > 0 ? `(?:[^ \\n]+ ){${between}}` : ''}`
  })
  return `regexp_matches(${document}, ${quoteLiteral(` ${pattern.join('')}`)})`
}

/** What the text of every row that holds the phrase matches. */
function loosePattern({ words, distances }: Phrase, leafOf: LeafOf): string {
  const pattern = words.map((word, index) => {
    const gap = distances[index] === 1 ? '[^\\p{L}\\p{M}\\p{N}]+' : '(?s:.*)'
    return formPattern(leafOf(word), '[\\p{L}\\p{M}\\p{N}.]*') + (index < distances.length ? gap : '')
  })
  return pattern.join('')
}

/** @param rest - What may follow the beginning of a word. */
function formPattern({ word, forms }: Leaf, rest: string): string {
  const beginning = escapeDots(word.lexeme) + (word.prefix ? rest : '')
  if (!forms) return beginning
  const written =
    forms.size <= FORMS_MAX || !word.prefix ? [...forms] : [...forms].filter((form) => !form.startsWith(word.lexeme))
  const patterns = [...written.map(escapeDots), ...(written.length < forms.size ? [beginning] : [])]
  return patterns.length > 0 ? `(?:${patterns.join('|')})` : '[^\\s\\S]'
}

/** The only character of a token that means something else in a pattern. */
function escapeDots(token: string): string {
  return token.replaceAll('.', '\\.')
}

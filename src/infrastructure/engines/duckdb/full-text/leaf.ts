import type { Configuration } from '../../../../core/text-search/configurations.ts'
import type { TextExpression, Word } from '../../../../core/text-search/expression.ts'
import { wordsOf } from '../../../../core/text-search/expression.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { TextColumn } from './source.ts'
import { canHold } from './source.ts'

/** One word of a query and where it is looked for: what postings are fetched for. */
export interface Leaf {
  readonly word: Word
  readonly configuration: Configuration
  /** Positions in the source's columns that may hold it. */
  readonly columns: readonly number[]
  /**
   * The tokens of this lexeme that the text is known to hold. Undefined: tokens are compared with the lexeme itself,
   * because the configuration does not stem it.
   */
  forms: Set<string> | undefined
}

/** The leaves of several expressions, each word in the same columns once. */
export class Leaves {
  readonly list: Leaf[] = []
  readonly #numbers = new Map<string, number>()

  add(expression: TextExpression, configuration: Configuration, columns: readonly TextColumn[], only?: number): void {
    for (const word of wordsOf(expression)) {
      const key = leafKey(word, configuration, only)
      if (this.#numbers.has(key)) continue
      this.#numbers.set(key, this.list.length)
      const asked = only === undefined ? [...columns.keys()] : [only]
      const held = asked.filter((index) => canHold(columns[index] as TextColumn, word.lexeme))
      const forms = configuration.stems && !hasDigit.test(word.lexeme) ? new Set<string>() : undefined
      this.list.push({ word, configuration, columns: held, forms })
    }
  }

  numberOf(word: Word, configuration: Configuration, only?: number): number {
    return this.#numbers.get(leafKey(word, configuration, only)) as number
  }
}

const hasDigit = /\p{N}/u

function leafKey(word: Word, configuration: Configuration, only?: number): string {
  return [configuration.name, word.prefix, only, word.lexeme].join(' ')
}

/** Whether a token counts for a leaf. */
export function isForm({ word, configuration }: Leaf, token: string): boolean {
  const lexeme = configuration.lexeme(token)
  return word.prefix ? lexeme.startsWith(word.lexeme) : lexeme === word.lexeme
}

/** Whether the SQL `term`, a token, counts for a leaf. Its forms must be known. */
export function termCondition({ word, forms }: Leaf, term: string): string {
  if (!forms) return word.prefix ? startsWith(term, word.lexeme) : `${term} = ${quoteLiteral(word.lexeme)}`
  if (forms.size === 0) return 'FALSE'
  return `${term} IN (${[...forms].map(quoteLiteral).join(', ')})`
}

/** What every token of a leaf starts with, as a condition on the SQL `term`: TRUE where nothing can be said. */
export function headCondition({ word, configuration }: Leaf, term: string): string {
  const head = configuration.head(word.lexeme)
  if (!head) return 'TRUE'
  return head.folded ? `starts_with(strip_accents(${term}), ${quoteLiteral(head.text)})` : startsWith(term, head.text)
}

/** What the text of every row that a leaf finds contains; undefined where nothing can be said. */
export function needle({ word, configuration, forms }: Leaf): string | undefined {
  if (!forms) return word.lexeme
  const head = configuration.head(word.lexeme)
  return head && !head.folded ? head.text : undefined
}

/** As a range, which a sorted column can be cut by. */
function startsWith(term: string, prefix: string): string {
  return `(${term} >= ${quoteLiteral(prefix)} AND ${term} < ${quoteLiteral(successor(prefix))})`
}

/** The first text after all that start with `prefix`, in the order of code points. */
function successor(prefix: string): string {
  const characters = [...prefix]
  const last = characters.pop()?.codePointAt(0) ?? 0
  const next = last === 0xd7ff ? 0xe000 : last + 1
  return characters.join('') + String.fromCodePoint(next)
}

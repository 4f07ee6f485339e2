import { NotAuthorized, ValidationError } from '../../../../core/errors.ts'

/** A piece of a statement. `text`: a word or sign as written, a name or string without its quotes. */
export interface Token {
  kind: 'word' | 'name' | 'string' | 'number' | 'sign'
  text: string
}

export const invalid = (sentence: string): ValidationError =>
  new ValidationError({ query: [sentence] }, { message: sentence })

export const notAuthorized = (what: string): NotAuthorized => new NotAuthorized(`Not authorized to ${what}`)

/** Names and keywords are compared in lower case; only ASCII has one in SQL. */
export const fold = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

export const sign = (text: string): Token => ({ kind: 'sign', text })
export const word = (text: string): Token => ({ kind: 'word', text })

export function isSign(token: Token | undefined, ...texts: readonly string[]): boolean {
  return token?.kind === 'sign' && texts.includes(token.text)
}

/** Whether a token is one of these unquoted words, given in lower case. */
export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(fold(token.text))
}

/** For each `(` and `[` the index of what closes it, and the other way round. */
export function pairs(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  const open: number[] = []
  tokens.forEach((token, index) => {
    if (isSign(token, '(', '[')) open.push(index)
    if (!isSign(token, ')', ']')) return
    const start = open.pop()
    const opener = start === undefined ? undefined : tokens[start]
    if (start === undefined || !isSign(opener, token.text === ')' ? '(' : '['))
      throw invalid('Query has a bracket too many.')
    found.set(start, index)
    found.set(index, start)
  })
  if (open.length > 0) throw invalid('Query has a bracket that is not closed.')
  return found
}

/**
 * What a word is, once for JavaScript and for SQL. A token is a run of letters, marks and digits of any script, in lower
 * case; a dot between two digits belongs to it, so that `13.4` and `1.2.3` are one token each and `4` is not found in
 * `13.4`. Everything else separates, signs and apostrophes too: `-5` holds `5`, `O'Brien` holds `o` and `brien`, and
 * `2011-01-02` holds three tokens that a query written the same way looks for side by side. Lower case goes code point
 * by code point, without context: `Σ` becomes `σ` wherever it stands, `İ` becomes `i`.
 */

/** One token, in a syntax that JavaScript (flag `u`) and RE2 read alike. It never backtracks over a token. */
export const TOKEN_PATTERN = '(?:[\\p{L}\\p{M}]|\\p{N}+(?:\\.\\p{N}+)*)+'

const token = new RegExp(TOKEN_PATTERN, 'gu')

export interface Token {
  readonly text: string
  /** What stands between the token before it and this one. */
  readonly gap: string
}

/** The tokens of a text, in order. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let end = 0
  const lower = lowerCase(text)
  for (const match of lower.matchAll(token)) {
    tokens.push({ text: match[0], gap: lower.slice(end, match.index) })
    end = match.index + match[0].length
  }
  return tokens
}

/** As SQL's `lower()`: code point by code point, each to one code point. */
export function lowerCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase()
  let lower = ''
  for (const character of text) lower += String.fromCodePoint(character.toLowerCase().codePointAt(0) ?? 0)
  return lower
}

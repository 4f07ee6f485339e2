import { ValidationError } from '../../core/errors.ts'
import type { Token } from './tokens.ts'

/** More of a word is neither shown nor looked at. */
const MAX_WORD = 60

/**
 * What analysts write and this gate's parser lacks, told by the words around the place where it stops; `»` stands
 * before the word at which it does.
 */
const unsupported: readonly (readonly [RegExp, string])[] = [
  [/\bqualify\b/, 'QUALIFY is not supported; put the window function in a subquery and filter outside'],
  [/»exclude\b/, 'EXCLUDE is not supported; name the columns'],
  [/\b(tablesample|using »?sample)\b/, 'TABLESAMPLE is not supported'],
  [/\b(un)?pivot\b/, 'PIVOT and UNPIVOT are not supported; use CASE, FILTER or UNION ALL'],
  [/\bgrouping »?sets\b/, 'GROUPING SETS is not supported; use ROLLUP, CUBE or UNION ALL'],
  [/\bsubstring \( .*»from\b/, 'SUBSTRING(… FROM …) is not supported; use substring(text, start, length)'],
  [/\boverlay \(/, 'OVERLAY is not supported'],
  [/\btry_cast \(/, 'TRY_CAST is not supported; use CAST'],
  [/»fetch\b|\bfetch »?(first|next)\b/, 'FETCH FIRST is not supported; use LIMIT'],
  [/»for\b/, 'FOR UPDATE and FOR SHARE are not supported'],
  [/\b(\w+) \( .*\bover \(/, 'this window function is not supported'],
  [/\bover \( (partition|order) »by\b/, 'this window function is not supported'],
  [/\bis not distinct »?from\b/, 'IS NOT DISTINCT FROM is not supported; use NOT (a IS DISTINCT FROM b)'],
  [/\b(range|groups) »?(between|unbounded|current|\d)/, 'RANGE and GROUPS frames are not supported; use ROWS'],
  [/\bwith »?ordinality\b/, 'WITH ORDINALITY is not supported'],
  [/\blambda\b/, 'lambda functions are not supported'],
  [/\btimestamptz »/, 'TIMESTAMPTZ literals are not supported; use CAST'],
  [/\b(group|order) by »?all\b/, 'GROUP BY ALL and ORDER BY ALL are not supported; name the columns'],
  [/\bat »?\( »?(version|timestamp)\b/, 'AT (VERSION …) is not supported'],
  [/»(\^|\* \*|\/ \/)/, 'this operator is not supported; use power() and floor()'],
  [/»\{/, 'struct literals are not supported'],
  [/»[[:]/, 'list literals without ARRAY, and slices, are not supported'],
]

/**
 * A syntax error with the place, the word there, and what to write instead where that is known.
 *
 * @param offset where in `sql`, in UTF-16 units
 */
export function syntaxError(sql: string, tokens: readonly Token[], offset: number, reason?: string): ValidationError {
  const index = tokens.findIndex((token) => token.end > offset)
  const near = tokens[index]
  const word = near
    ? `syntax error at or near "${sql.slice(near.start, Math.min(near.end, near.start + MAX_WORD))}"`
    : 'syntax error at end of input'
  const around = (from: number, to: number) =>
    tokens.slice(Math.max(0, from), to).map(({ start, end }) => sql.slice(start, Math.min(end, start + MAX_WORD)))
  const place = index === -1 ? tokens.length : index
  const words = `${around(place - 6, place).join(' ')} »${around(place, place + 2).join(' ')}`.toLowerCase()
  const construct = unsupported.find(([pattern]) => pattern.test(words))?.[1]
  return placedError(sql, offset, [word, reason ?? construct].filter(Boolean).join(': '))
}

/** An error at a place of the statement: 409 with line and column, without the statement's text. */
export function placedError(sql: string, offset: number, sentence: string): ValidationError {
  const lines = sql.slice(0, offset).split('\n')
  const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
  const query = `(SyntaxError) ${sentence} (${place})`
  return new ValidationError({ query: [query], info: { orig: [`syntax error, ${place}`] } }, { message: query })
}

/** An error without a place. */
export function refusal(sentence: string): ValidationError {
  return new ValidationError({ query: [sentence] }, { message: sentence })
}

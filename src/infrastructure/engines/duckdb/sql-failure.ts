import { NotFound, ValidationError } from '../../../core/errors.ts'

/** What went wrong in a caller's statement, and where, without the statement that was put around it. */
export function sqlFailure(error: unknown, sql: string): unknown {
  const message = error instanceof Error ? error.message : ''
  // Both gates found it: it was dropped since.
  if (message.startsWith('Catalog Error: Table with name ')) return new NotFound('A table of the query was not found.')
  const kind = /^([A-Z][A-Za-z ]+) Error: /.exec(message)
  if (!kind || kind[1] === 'INTERNAL' || kind[1] === 'FATAL') return error
  const sentence =
    kind[1] === 'Out of Memory'
      ? 'The query needs more memory than it may use.'
      : `(${kind[1]}) ${(message.slice(kind[0].length).split('\n')[0] ?? '').replace(/ ?Did you mean .*$/, '').trim()}${placeIn(sql, message)}`
  return new ValidationError({ query: [sentence] }, { cause: error })
}

/** Characters that take two columns of a terminal, by which DuckDB sets its mark, and those that take none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u
const NARROW = /\p{M}/u

/**
 * ` (line 1, column 21)`, both from 1: where in the caller's statement the mark under DuckDB's last line points to.
 * Nothing when it points beside the statement, or to what stands there more than once.
 */
export function placeIn(sql: string, message: string): string {
  const marked = /\n\nLINE (\d+): (.*)\n( *)\^$/.exec(message)
  if (!marked) return ''
  const [, line = '', shown = '', indent = ''] = marked
  const at = indexAtWidth(shown, indent.length - `LINE ${line}: `.length)
  // A long line is shown from near the mark to not far behind it.
  const before = shown.slice(0, at).replace(/^\.\.\./, '')
  const after = shown.slice(at).replace(/\.\.\.$/, '')
  const own = sql.split('\n')[Number(line) - 1] ?? ''
  const columns: number[] = []
  for (let index = own.indexOf(after); index !== -1 && after !== ''; index = own.indexOf(after, index + 1)) {
    const ahead = own.slice(0, index)
    if (ahead.endsWith(before) || before.endsWith(ahead)) columns.push(index + 1)
  }
  return columns.length === 1 ? ` (line ${line}, column ${columns[0]})` : ''
}

function indexAtWidth(text: string, width: number): number {
  let left = width
  let index = 0
  for (const character of text) {
    if (left <= 0) break
    left -= WIDE.test(character) ? 2 : NARROW.test(character) ? 0 : 1
    index += character.length
  }
  return index
}

/** Where in a statement an error is: from 0. */
export interface Place {
  start: number
  end: number
  line: number
  column: number
}

/**
 * The place that an error's sentence names, as `(line 1, column 21)`, in the text that was run; or the place of the one
 * thing that it names, as `"trees"` or `function f`, where the text has it once.
 */
export function errorPlace(message: string, sql: string): Place | undefined {
  const [, line, column] = /\bline (\d+),? column (\d+)/i.exec(message) ?? []
  if (line !== undefined) return placeAt(sql, Number(line), Number(column))
  const [, called, quoted] = /\bfunction ([\w$]+)|"([^"]+)"/.exec(message) ?? []
  const name = called ?? quoted
  return name === undefined ? undefined : placeOf(sql, name)
}

function placeAt(sql: string, line: number, column: number): Place | undefined {
  const lines = sql.split('\n')
  if (line < 1 || line > lines.length) return undefined
  const before = lines.slice(0, line - 1).reduce((length, text) => length + text.length + 1, 0)
  const start = Math.min(before + Math.max(0, column - 1), sql.length)
  const word = /^("[^"]*"|'[^']*'|[\w$]+|\S)/.exec(sql.slice(start))?.[0] ?? ''
  return { start, end: start + word.length, line, column }
}

function placeOf(sql: string, name: string): Place | undefined {
  const letters = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const found = [...sql.matchAll(new RegExp(`(?<![\\w$])${letters}(?![\\w$])`, 'giu'))]
  const start = found[0]?.index
  if (start === undefined || found.length > 1) return undefined
  const before = sql.slice(0, start).split('\n')
  return { start, end: start + name.length, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}

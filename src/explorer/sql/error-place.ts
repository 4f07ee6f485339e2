/** Where in a statement an error is: from 0. */
export interface Place {
  start: number
  end: number
  line: number
  column: number
}

/** The place that an error's sentence names, as `(line 1, column 21)`, in the text that was run. */
export function errorPlace(message: string, sql: string): Place | undefined {
  const [, lineText, columnText] = /\bline (\d+),? column (\d+)/i.exec(message) ?? []
  if (lineText === undefined || columnText === undefined) return undefined
  const [line, column] = [Number(lineText), Number(columnText)]
  const lines = sql.split('\n')
  if (line < 1 || line > lines.length) return undefined
  const before = lines.slice(0, line - 1).reduce((length, text) => length + text.length + 1, 0)
  const start = Math.min(before + Math.max(0, column - 1), sql.length)
  const word = /^("[^"]*"|'[^']*'|[\w$]+|\S)/.exec(sql.slice(start))?.[0] ?? ''
  return { start, end: start + word.length, line, column }
}

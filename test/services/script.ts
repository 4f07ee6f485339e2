const QUOTED = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|;/gs

/** What stands around the statements of a script: blocks, conditions, handlers. */
const FRAME =
  /^\s*(?:BEGIN\b(?!\s+TRANSACTION)|EXCEPTION\s+WHEN\s+ERROR\s+THEN\b|ELSE\b|END(?:\s+IF)?\s*$|RAISE\b[^;]*$)/i
const CONDITION = /^\s*IF\s+([\s\S]*?)\s+THEN\b/i

/**
 * The statements of a script in the order in which they stand, without what only says which of them are run: each can be
 * judged alone. The condition of an `IF` is given as a query.
 */
export function statementsOf(script: string): string[] {
  const statements: string[] = []
  for (let piece of piecesOf(script)) {
    for (;;) {
      const condition = CONDITION.exec(piece)
      const frame = condition ?? FRAME.exec(piece)
      if (!frame) break
      if (condition) statements.push(`SELECT ${condition[1]}`)
      piece = piece.slice(frame[0].length)
    }
    if (piece.trim() !== '') statements.push(piece.trim())
  }
  return statements
}

function piecesOf(script: string): string[] {
  const pieces: string[] = []
  let start = 0
  for (const { 0: token, index } of script.matchAll(QUOTED)) {
    if (token !== ';') continue
    pieces.push(script.slice(start, index))
    start = index + 1
  }
  return [...pieces, script.slice(start)]
}

/** Longer patterns are never needed, and their length multiplies the cost of a comparison. */
const MAX_PATTERN = 500
/** Steps that a regular expression may have once its repetitions are written out: each may cost time at each character. */
const MAX_STEPS = 300

/**
 * Whether a comparison with this pattern is cheap. DuckDB tries each `%` at each place and, inside it, all that follow:
 * three in a pattern took 6 s on a text of 400 characters, and no interrupt ends that. Only constant patterns of LIKE
 * without `_` are compared in linear time (`inPieces`); elsewhere one `%` beside the last character is cheap.
 */
export function cheapLike(pattern: string, inPieces: boolean): boolean {
  if (pattern.length > MAX_PATTERN) return false
  if (inPieces && !pattern.includes('_')) return true
  return (pattern.replace(/%+$/, '').match(/%+/g) ?? []).length <= 1
}

/** Whether a regular expression is cheap: RE2 takes linear time, times the steps of the expression. */
export function cheapRegexp(pattern: string): boolean {
  return pattern.length <= MAX_PATTERN && stepsOf(pattern) <= MAX_STEPS
}

const part = /\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\w+:\]|[^\]\\])*\]|\{(\d+)(?:,(\d*))?\}|[\s\S]/g

/** Characters, classes and groups of a regular expression, those that are repeated `{n}` times counted n times. */
function stepsOf(pattern: string): number {
  const open: number[] = []
  let total = 0
  let last = 0
  for (const [text, least, most] of pattern.matchAll(part)) {
    if (text === '(') {
      open.push(total)
      total = 0
      last = 0
    } else if (text === ')') {
      last = total
      total += open.pop() ?? 0
    } else if (least !== undefined) {
      const times = Math.max(Number(least), Number(most || 0), 1)
      total += last * (times - 1)
      last *= times
    } else {
      last = 1
      total += 1
    }
  }
  return open.reduce((sum, outer) => sum + outer, total)
}

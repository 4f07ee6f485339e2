/** How deep a parameter's JSON may nest. Deeper is refused before anything walks it. */
export const MAX_JSON_DEPTH = 64

/** Thrown for JSON that nests deeper than `MAX_JSON_DEPTH`. */
export class JsonTooDeep extends Error {
  constructor() {
    super(`JSON is nested deeper than ${MAX_JSON_DEPTH} levels`)
    this.name = 'JsonTooDeep'
  }
}

/** `JSON.parse` with a bound on nesting. Throws `SyntaxError` or `JsonTooDeep`. */
export function parseJson(text: string): unknown {
  if (exceedsDepth(text, MAX_JSON_DEPTH)) throw new JsonTooDeep()
  return JSON.parse(text)
}

/**
 * As `parseJson`, but numbers of more than 15 significant digits become strings, so that none is lost. For filters,
 * whose values are compared as text of their column's type anyway (contract §5.3).
 */
export function parseJsonKeepingDigits(text: string): unknown {
  const parsed = parseJson(text)
  if (!/\d{16}|\d\.\d{9,}|\d{7,}\.\d/.test(text)) return parsed
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
      token.startsWith('"') || significantDigits(token) <= 15 ? token : `"${token}"`,
    ),
  )
}

function significantDigits(number: string): number {
  const [mantissa = ''] = number.split(/[eE]/)
  return mantissa.replace(/[-.]/g, '').replace(/^0+/, '').length
}

function exceedsDepth(text: string, limit: number): boolean {
  let depth = 0
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index)
    if (quoted) {
      if (char === 0x5c) index++
      else if (char === 0x22) quoted = false
    } else if (char === 0x22) quoted = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > limit) return true
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  return false
}

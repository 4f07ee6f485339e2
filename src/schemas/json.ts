import { JsonScanner } from '../core/json-scanner.ts'

const encoder = new TextEncoder()

/** `JSON.parse` for a parameter's text. Throws `JsonSyntaxError`, also for what nests too deep. */
export function parseJson(text: string): unknown {
  checkJson(encoder.encode(text))
  return JSON.parse(text)
}

/** Throws `JsonSyntaxError` for what is not one JSON value, or nests too deep. Makes no value of it. */
export function checkJson(bytes: Uint8Array): void {
  const scanner = new JsonScanner(bytes)
  scanner.next()
  scanner.value(0)
  scanner.finish()
}

/**
 * As `JSON.parse`, but numbers that a double can't hold become strings, so that none is lost. For filters,
 * whose values are compared as text of their column's type anyway (contract §5.3). The text must be valid JSON.
 */
export function parseKeepingDigits(text: string): unknown {
  if (!/[\d.]{16}|\de\+?\d{3}/i.test(text)) return JSON.parse(text)
  const kept = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') || isExact(token) ? token : `"${token}"`,
  )
  return JSON.parse(kept)
}

/** Whether a double holds the number as written. */
function isExact(number: string): boolean {
  const [mantissa = ''] = number.split(/e/i)
  return mantissa.replace(/[-.]/g, '').replace(/^0+/, '').length <= 15 && Number.isFinite(Number(number))
}

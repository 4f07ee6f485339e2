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

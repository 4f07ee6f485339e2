/** Marks a number's text on its way through `JSON.parse` and `JSON.stringify`: a code point that no text uses. */
const MARK = '\uFDD0'
const NUMBER = '-?\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+)?'
const TOKEN = new RegExp(`"(?:[^"\\\\]|\\\\.)*"|${NUMBER}`, 'g')
const MARKED = new RegExp(`^${MARK}(${NUMBER})$`)
const MARKED_TOKEN = new RegExp(`"${MARK}(${NUMBER})"`, 'g')

/** A number of a JSON text that JavaScript would write otherwise: `1.50`, `1e3`, or one with more digits than it holds. */
export class JsonNumber {
  /** As it was written. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** As JavaScript writes the number, where it holds every digit of it; else as it was written. */
  toString(): string {
    const [mantissa = ''] = this.text.split(/e/i)
    const digits = mantissa.replace(/[-.]/g, '').replace(/^0+/, '').length
    const number = Number(this.text)
    return digits <= 15 && Number.isFinite(number) ? String(number) : this.text
  }

  /** Only `stringifyJson` makes a number of it again. */
  toJSON(): string {
    return `${MARK}${this.text}`
  }
}

/** `JSON.parse`, but numbers that JavaScript would write otherwise become `JsonNumber`s. The text must be valid JSON. */
export function parseJsonNumbers(text: string): unknown {
  let found = false
  const marked = text.replace(TOKEN, (token) => {
    if (token.startsWith('"') || String(Number(token)) === token) return token
    found = true
    return `"${MARK}${token}"`
  })
  if (!found) return JSON.parse(text)
  return JSON.parse(marked, (_, value: unknown) => {
    const number = typeof value === 'string' ? MARKED.exec(value)?.[1] : undefined
    return number === undefined ? value : new JsonNumber(number)
  })
}

/** `JSON.stringify`, with `JsonNumber`s as they were written. */
export function stringifyJson(value: unknown): string {
  const text = JSON.stringify(value)
  return text?.includes(MARK) ? text.replace(MARKED_TOKEN, '$1') : text
}

/** A number that JavaScript would round: its digits, as the server wrote them. */
export class Digits {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): string {
    return this.text
  }
}

export type Value = null | boolean | number | string | Digits | Value[] | { [key: string]: Value }

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown

/** `JSON.parse` that keeps every digit, in browsers that tell a number's source. */
export function parseJson(text: string): unknown {
  const keepDigits: Reviver = (_key, value, context) => {
    const source = typeof value === 'number' ? context?.source : undefined
    return source === undefined || source === String(value) ? value : new Digits(source)
  }
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown)
}

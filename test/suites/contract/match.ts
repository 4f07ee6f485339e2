import { deepStrictEqual, fail, match } from 'node:assert/strict'

/** A value that must be exactly so, where parts would do. */
export class Exactly {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

export const exactly = (value: unknown) => new Exactly(value)

/** Must not be there. */
export const absent = undefined

/**
 * Holds `actual` against `expected`: objects by the members that `expected` names (undefined: must not be there),
 * lists item by item, patterns against texts, functions as conditions, everything else as equal.
 */
export function assertMatches(actual: unknown, expected: unknown, path: string): void {
  if (expected instanceof Exactly) assertEqual(actual, expected.value, path)
  else if (expected instanceof RegExp)
    match(String(actual), expected, `${path} is ${JSON.stringify(actual)}, not ${expected}`)
  else if (typeof expected === 'function') {
    if (!expected(actual)) fail(`${path} is ${JSON.stringify(actual)}, against ${expected}`)
  } else if (typeof expected === 'object' && expected !== null) assertParts(actual, expected, path)
  else assertEqual(actual, expected, path)
}

function assertParts(actual: unknown, expected: object, path: string): void {
  if (typeof actual !== 'object' || actual === null)
    fail(`${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
  if (Array.isArray(expected))
    assertEqual((actual as unknown[]).length, expected.length, `${path}.length of ${JSON.stringify(actual)}`)
  for (const [key, value] of Object.entries(expected)) {
    assertMatches((actual as Record<string, unknown>)[key], value, `${path}.${key}`)
  }
}

export function assertEqual(actual: unknown, expected: unknown, path: string): void {
  try {
    deepStrictEqual(actual, expected)
  } catch {
    fail(`${path} is\n${JSON.stringify(actual)}\nand must be\n${JSON.stringify(expected)}`)
  }
}

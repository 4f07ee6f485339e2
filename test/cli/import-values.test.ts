import { describe, expect, test } from 'vitest'
import { isSame } from '../../src/cli/import/compare.ts'
import { parseJsonNumbers } from '../../src/core/json-number.ts'

/** What CKAN writes, what we write, and whether they mean the same. */
const cases: [string, string, boolean][] = [
  ['"a"', '"a"', true],
  ['"a"', '"A"', false],
  ['""', 'null', false],
  ['10.50', '10.5', true],
  ['1e-07', '1e-7', true],
  ['"10.50"', '10.5', true],
  ['10.5', '10.51', false],
  ['true', '1', false],
  ['"2020-01-01T02:03:04"', '"2020-01-01T02:03:04.000"', true],
  ['"2020-01-01T02:03:04.120"', '"2020-01-01T02:03:04.12"', true],
  ['"2020-01-01T02:03:04+02:00"', '"2020-01-01T00:03:04+00:00"', true],
  ['"2020-01-01 00:03:04+00"', '"2020-01-01T00:03:04Z"', true],
  ['"2020-01-01T02:03:04"', '"2020-01-01T02:03:05"', false],
  ['["a",1.0]', '["a",1]', true],
  ['["a"]', '["a","b"]', false],
  ['{"a":1,"b":[1.50]}', '{"b":[1.5],"a":1}', true],
  ['{"a":1}', '{"a":1,"b":2}', false],
  ['{"a":1}', '1', false],
]

describe('the same value in CKAN and here', () => {
  for (const [one, other, same] of cases) {
    test(`${one} and ${other}: ${same}`, () => {
      expect(isSame(parseJsonNumbers(one), parseJsonNumbers(other))).toBe(same)
      expect(isSame(parseJsonNumbers(other), parseJsonNumbers(one))).toBe(same)
    })
  }
})

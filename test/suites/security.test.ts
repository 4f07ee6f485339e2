import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The tables of claims: a claim, its lock, its tests. */
const claims = readFileSync(`${root}/SECURITY.md`, 'utf8')
  .split('\n## ')
  .filter((section) => section.startsWith('Which lock'))
  .flatMap((section) => section.split('\n'))
  .filter((line) => /^\| (?!claim|---)/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

const paths = (cell = '') => [...cell.matchAll(/`((?:src|test|adapters)\/[^`]+)`/g)].map(([, path]) => path ?? '')

describe('SECURITY.md names for each claim the lock and the test that holds it', () => {
  test('there are claims', () => expect(claims.length).toBeGreaterThan(15))

  test.each(claims)('%s%s', (_, _claim, lock, tests) => {
    expect(paths(tests).filter((path) => path.startsWith('test/'))).not.toEqual([])
    for (const path of [...paths(lock), ...paths(tests)]) expect(existsSync(`${root}/${path}`), path).toBe(true)
  })
})

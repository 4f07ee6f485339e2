import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Operation } from '../../src/api/operation.ts'
import { operations } from '../../src/api/routes.ts'
import { EXAMPLES, type Example, examplePath, readExamples } from '../../src/build/openapi/examples.ts'
import { type LoadTarget, openTarget } from '../load/open.ts'
import { root } from '../suites/source-tree.ts'
import { type Ran, runExample } from './run-example.ts'

/** `RECORD_EXAMPLES=1` writes what the server answers into the examples: read the diff. */
const record = process.env.RECORD_EXAMPLES === '1'

const examples = readExamples(root)
const rows = new Map(operations.map((operation) => [operation.name, operation]))

/** What differs from run to run, or from machine to machine. */
const VOLATILE: Record<string, unknown> = {
  seconds: expect.any(Number),
  size: expect.any(Number),
  idx_size: expect.any(Number),
  db_size: expect.any(Number),
  rejected_url: expect.stringMatching(/^https:.*\/rejected\/[\w-]+$/),
}

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, VOLATILE[key] ?? stable(item)]))
}

describe('the examples', () => {
  let target: LoadTarget

  beforeAll(async () => {
    target = await openTarget({ SITE_URL: 'https://data.example.org' })
  })
  afterAll(() => target?.close())

  const run = async (example: Example): Promise<Ran> => {
    for (const id of ['trees', 'shrubs']) await target.act('delete', { resource_id: id })
    let rejected: string | undefined
    for (const name of example.given) {
      const given = examples.find((item) => `${item.operation}/${item.name}` === name) as Example
      const ran = await runExample(target, rows.get(given.operation) as Operation, given)
      rejected = ran.rejectedFile ?? rejected
    }
    return runExample(target, rows.get(example.operation) as Operation, example, rejected)
  }

  for (const example of examples) {
    test(`${example.operation}: ${example.name}`, async () => {
      const { response } = await run(example)
      if (record) {
        const path = examplePath(root, example.operation, example.name)
        const stored = JSON.parse(readFileSync(path, 'utf8'))
        const isSame = stored.response && matches(response, stored.response)
        if (!isSame) writeFileSync(path, `${JSON.stringify({ ...stored, response }, null, 2)}\n`)
        return
      }
      expect(response).toEqual(stable(example.response))
    })
  }

  test(`there is one of every operation: ${EXAMPLES}/<operation>/<case>.json`, () => {
    const shown = new Set(examples.map(({ operation }) => operation))
    const without = operations.filter(({ name, internal }) => !internal && !shown.has(name)).map(({ name }) => name)
    expect(without, `operations without an example in ${EXAMPLES}`).toEqual([])
  })

  test('are of operations that there are', () => {
    expect(examples.map(({ operation }) => operation).filter((name) => !rows.has(name))).toEqual([])
  })
})

function matches(response: unknown, stored: unknown): boolean {
  try {
    expect(response).toEqual(stable(stored))
    return true
  } catch {
    return false
  }
}

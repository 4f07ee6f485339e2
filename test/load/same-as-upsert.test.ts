import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LoadTarget } from './open.ts'
import { openTarget } from './open.ts'
import { texts } from './texts.ts'

let target: LoadTarget
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

let last = 0
function freshId(): string {
  last += 1
  return `t${last}`
}

/** A table whose numeric column has no digit after the point yet. */
async function table(type: string): Promise<string> {
  const resource_id = freshId()
  const fields = [
    { id: 'k', type: 'text' },
    { id: 'v', type },
  ]
  const records = [{ k: 'first', ...(type.startsWith('numeric') && { v: 5 }) }]
  expect((await target.act('create', { resource_id, fields, primary_key: 'k', records })).status).toBe(200)
  return resource_id
}

const stored = async (id: string) =>
  (await target.dump(`${id}?fields=v&filters=${encodeURIComponent('{"k":"x"}')}`)).split('\r\n')[1]

describe('a text is stored, or refused, by a load as it is by an upsert', () => {
  test.each(Object.entries(texts))('%s', async (type, list) => {
    const found: unknown[] = []
    const expected: unknown[] = []
    for (const text of list.split(',')) {
      const upserted = await table(type)
      const { status } = await target.act('upsert', { resource_id: upserted, records: [{ k: 'x', v: text }] })
      expected.push([text, status, await stored(upserted)])
      for (const body of [`k,v\nx,${text}\n`, `{"k":"x","v":${JSON.stringify(text)}}\n`]) {
        const loaded = await table(type)
        const format = body.startsWith('{') ? 'ndjson' : 'csv'
        const answer = await target.load(`${loaded}?format=${format}`, body)
        found.push([text, answer.status, await stored(loaded)])
        if (format === 'ndjson') expected.push(expected.at(-1))
      }
    }
    expect(found).toEqual(expected)
  })
})

test.each([
  ['a numeric that was whole for long', 'numeric', '1.0\n'.repeat(3500), '1.5', '1.5'],
  ['a numeric that was whole, declared', undefined, '1\n'.repeat(3500), '2.25', '2.25'],
])('%s', async (_, type, before, text, shown) => {
  const id = type ? await table(type) : freshId()
  const lines = before.split('\n').filter(Boolean)
  const body = `k,v\n${lines.map((line, index) => `${index},${line}\n`).join('')}x,${text}\n`
  expect((await target.load(`${id}?format=csv`, body)).status).toBe(200)
  expect(await stored(id)).toBe(`${shown}\n`)
})

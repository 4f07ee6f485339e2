import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ok } from './methods.ts'
import type { LoadTarget } from './open.ts'
import type { RejectedCase } from './rejected.ts'

export const SCHEMA = {
  fields: [
    { name: 'name', type: 'string' },
    { name: 'size', type: 'integer' },
    { name: 'day', type: 'date' },
  ],
}
export const SITE = 'http://localhost'

let last = 0
async function table(target: LoadTarget): Promise<string> {
  last += 1
  const id = `sizes-of-${last}`
  expect((await target.act('create', { resource_id: id, schema: SCHEMA })).status).toBe(200)
  return id
}

/** Whatever stands for a star. */
const withStars = (text: string) =>
  expect.stringMatching(
    new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\*', '("([^"]|"")*"|[^",]*)')}$`),
  )

/** The file of all rows that a load has left out, on any engine. */
export function rejectedSuite(open: () => Promise<LoadTarget>, cases: readonly RejectedCase[]): void {
  let target: LoadTarget
  beforeAll(async () => {
    target = await open()
  })
  afterAll(() => target.close())

  describe('all rows that were left out, as they were', () => {
    for (const { name, query = '', body, rows, file } of cases) {
      test(name, async () => {
        const id = await table(target)
        const result = ok(await target.load(`${id}?on_error=skip&${query}`, body))
        expect(result.rows).toBe(rows)
        expect(result.rejected_url).toMatch(new RegExp(`^${SITE}/datastore/load/${id}/rejected/[0-9a-f-]{36}$`))
        const response = await target.ask(result.rejected_url.slice(SITE.length))
        const text = await response.text()
        expect(text).toEqual(file.includes('*') ? withStars(file) : file)
        expect(Object.fromEntries(response.headers)).toMatchObject({
          'content-type': 'text/csv; charset=utf-8',
          'content-disposition': `attachment; filename="${id}-rejected.csv"`,
          'content-length': String(new TextEncoder().encode(text).length),
          'cache-control': 'no-store',
        })
        expect(text.match(/^\d+,/gm)).toHaveLength(result.rejected)
        const rowsOf = result.bad_cells.map(({ row }: { row: number }) => row)
        expect([...new Set(rowsOf)]).toEqual(text.match(/^\d+(?=,)/gm)?.map(Number))
        expect(await target.leftovers()).toEqual([])
      })
    }
  })
}

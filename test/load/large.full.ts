import { expect, test } from 'vitest'
import { openTarget } from './open.ts'

test('a bad cell at row 900,000 of a million: refused with its place, the table as it was', async () => {
  const target = await openTarget()
  try {
    const schema = { fields: ['a', 'b', 'c'].map((name) => ({ name, type: name === 'b' ? 'string' : 'integer' })) }
    await target.act('create', { resource_id: 'big', schema, records: [{ a: 1, b: 'x', c: 1 }] })
    const line = (row: number) => `${row},text of ${row},${row === 900_000 ? 'n/a' : row % 1000}\n`
    const lines = Array.from({ length: 1_000_000 }, (_, row) => line(row))
    const { status, body } = await target.load('big', `a,b,c\n${lines.join('')}`)
    expect([status, body.error]).toMatchObject([
      409,
      {
        records: ['invalid input syntax for type bigint: "n/a"'],
        records_row: 900_000,
        records_column: 'c',
        bad_rows: 1,
        bad_cells: [{ row: 900_000, line: 900_002, column: 'c', value: 'n/a' }],
      },
    ])
    expect((await target.act('search', { resource_id: 'big', limit: 0 })).body.result.total).toBe(1)
    expect(await target.leftovers()).toEqual([])
    const skipped = await target.load('big?on_error=skip', `a,b,c\n${lines.join('')}`)
    expect(skipped.body.result).toMatchObject({ rows: 999_999, rejected: 1, total: 1_000_000 })
  } finally {
    await target.close()
  }
})

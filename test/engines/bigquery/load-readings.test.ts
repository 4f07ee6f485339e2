import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { columnType } from '../../../src/core/field-types.ts'
import { columnFromDeclaration } from '../../../src/core/table-schema.ts'
import { readCell } from '../../../src/infrastructure/engines/bigquery/load/cell.ts'
import { readDelimited } from '../../../src/infrastructure/engines/bigquery/load/delimited.ts'
import { inferColumns } from '../../../src/infrastructure/engines/bigquery/load/infer.ts'
import { stageRecords } from '../../../src/infrastructure/engines/bigquery/records.ts'
import { encodeRecords } from '../../../src/services/records/index.ts'
import { inferred, late } from '../../load/files.ts'
import { texts } from '../../load/texts.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'delimited-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'file.csv')
  await writeFile(path, text)
  return path
}

const layout = (columns: readonly string[]) => ({ columns, delimiter: ',', quote: '"', header: { lines: 1 } })

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

describe('a text of a file is read, or refused, as one of a record', () => {
  test.each(Object.entries(texts))('%s', (type, list) => {
    const column = columnFromDeclaration('v', columnType(type), type)
    const byRecord = (text: string) => {
      try {
        const bytes = new TextEncoder().encode(JSON.stringify([{ v: text }]))
        const records = encodeRecords(bytes, [column], { unknownKey: 'row', ignore: [] })
        return stageRecords(records, [column])[0]?.cells[0]
      } catch {
        return 'refused'
      }
    }
    const byCell = (text: string) => {
      const reading = readCell(column, text)
      return reading === null || typeof reading === 'string' ? reading : 'refused'
    }
    const cases = list.split(',')
    expect(cases.map((text) => [text, byCell(text)])).toEqual(cases.map((text) => [text, byRecord(text)]))
  })
})

test.each([...inferred, ...late])('the type of $name', async ({ body, types = {} }) => {
  const [header = '', ...lines] = (body as string).split('\n')
  const columns = header.split(',')
  const rows = readDelimited(await fileOf(lines.join('\n')), layout(columns))
  const found = await inferColumns(rows, columns, new Set(columns))
  expect(Object.fromEntries([...found].map(([name, column]) => [name, column.type.type.name]))).toMatchObject(types)
})

describe('records of a delimited file', () => {
  test('come as they were written, whatever is in them and wherever a piece of the file ends', async () => {
    const cell = fc.option(fc.string({ unit: fc.constantFrom('a', 'ü', '😀', '"', ',', '\n', ' ') }), { nil: null })
    const written = (text: string | null) => (text === null ? '' : `"${text.replaceAll('"', '""')}"`)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1 }), fc.nat(3000), async (cells, length) => {
        // The pieces are of 1 MB.
        const filler = 'x'.repeat(1024 * 1024 - 1500 + length)
        const rows = [['first', filler], ...cells]
        const file = rows.map((row) => `${row.map(written).join(',')}\n`).join('')
        const found = await all(readDelimited(await fileOf(file), layout(['a', 'b'])))
        expect(found.map((row) => ('cells' in row ? row.cells : row))).toEqual(rows)
        expect(found.map(({ row }) => row)).toEqual(rows.map((_, row) => row))
        const breaks = (row: readonly (string | null)[]) => row.join('').split('\n').length
        expect(found.at(-1)?.line).toBe(2 + rows.slice(0, -1).reduce((sum, row) => sum + breaks(row), 0))
      }),
      { numRuns: 30 },
    )
  })

  test('what is too long is left out, and what stands behind it is found', async () => {
    const file = `a,1\n"${'x\n'.repeat(2_500_000)}",2\n${'y'.repeat(4_000_000)},3\nb,4\n`
    const found = await all(readDelimited(await fileOf(file), layout(['a', 'b'])))
    const sentence = 'the line is longer than 2 MB'
    expect(found).toMatchObject([
      { row: 0, line: 2, cells: ['a', '1'] },
      { row: 1, line: 3, sentence },
      { row: 2, line: 2_500_004, sentence },
      { row: 3, line: 2_500_005, cells: ['b', '4'] },
    ])
  })

  test('a quote that never ends is told, however much stands behind it', async () => {
    for (const rows of [2, 300_000]) {
      const file = `a,1\n"b,2\n${'c,3,of many\n'.repeat(rows)}`
      const found = await all(readDelimited(await fileOf(file), layout(['a', 'b'])))
      expect(found).toMatchObject([{ row: 0 }, { row: 1, line: 3, isEndless: true }])
    }
  })
})

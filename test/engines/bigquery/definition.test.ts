import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { columnType } from '../../../src/core/field-types.ts'
import type { Column } from '../../../src/core/table-schema.ts'
import { declaredKey } from '../../../src/infrastructure/engines/bigquery/definition.ts'
import type { StoredTable } from '../../../src/infrastructure/engines/bigquery/metadata.ts'
import { tableOf } from '../../../src/infrastructure/engines/bigquery/names.ts'
import { inlineBytes } from '../../../src/infrastructure/engines/bigquery/source.ts'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import { columnsOf, Kit } from '../../suites/engine/kit.ts'
import { openBigquery } from './open.ts'

/** Types of a key, and whether BigQuery takes it as one. */
const keys: [string[], boolean][] = [
  [['int'], true],
  [['text', 'date'], true],
  [['numeric'], true],
  [['numeric(10,2)'], true],
  [['timestamp', 'timestamptz', 'bool'], true],
  [['time'], false],
  [['float8'], false],
  [['jsonb'], false],
  [['int', 'time'], false],
  [Array.from({ length: 16 }, () => 'int'), true],
  [Array.from({ length: 17 }, () => 'int'), false],
]

test.each(keys)('a key of %j is declared: %s', (types, isDeclared) => {
  const columns = types.map((name, index) => ({ name: `c${index}`, type: columnType(name) }) as Column)
  const table = { columns, primaryKey: columns.map(({ name }) => name) } as unknown as StoredTable
  expect(declaredKey(table)).toBe(isDeclared ? columns.map(({ name }) => `\`${name}\``).join(', ') : undefined)
})

test('a row is measured in bytes as the request carries it', () => {
  expect(inlineBytes('["東"]')).toBe(11)
})

describe.skipIf(reasonWithoutBigquery() !== undefined)("what people read in Google's console", () => {
  let opened: Awaited<ReturnType<typeof openBigquery>>
  const kit = new Kit(() => opened.engine)
  beforeAll(async () => {
    opened = await openBigquery()
  }, 120_000)
  afterAll(() => opened?.close())

  const described = (notes?: string) =>
    columnsOf({ k: 'int', 'total (€)': 'text' }).map((column) => (notes ? { ...column, info: { notes } } : column))

  /** The statements sent since this was last called that change descriptions of a table that is there. */
  const statements = () =>
    opened.services.bigquery.requests
      .splice(0)
      .flatMap(({ body }) => JSON.stringify(body ?? '').match(/ALTER TABLE [^;]*SET OPTIONS[^;]*/g) ?? [])

  async function tableDescription(id: string): Promise<unknown> {
    const { url, project, dataset } = opened.services
    const path = `projects/${project}/datasets/${dataset}/tables/${tableOf(id)}`
    const response = await fetch(`${url}/bigquery/v2/${path}`, { headers: { authorization: 'Bearer someone' } })
    return ((await response.json()) as { description?: string }).description
  }

  test('follows a new title and a new dictionary, and is left alone where they stay', {
    timeout: 120_000,
  }, async () => {
    const id = await kit.make({ k: 'int', 'total (€)': 'text' }, [{ k: 1 }])
    const table = `ALTER TABLE \`${tableOf(id)}\``
    const titled = { schemaProperties: { title: 'Trees' } }
    statements()
    await kit.create(id, described('per tree'), titled)
    const column = '`total _x28__x20AC__x29_`'
    const options = "SET OPTIONS (description = 'per tree')"
    expect(statements()).toEqual([
      expect.stringContaining(`${table} SET OPTIONS (description = 'Trees`),
      `${table} ALTER COLUMN \`k\` ${options}, ALTER COLUMN ${column} ${options}`,
    ])
    expect(await tableDescription(id)).toBe(`Trees\nCKAN resource ${id}`)
    await kit.create(id, described('per tree'), titled)
    expect(statements()).toEqual([])
    await kit.create(id, described(), titled)
    expect(statements()).toEqual([expect.stringContaining('`k` SET OPTIONS (description = NULL)')])
    expect(await kit.rows(id)).toHaveLength(1)
  })
})

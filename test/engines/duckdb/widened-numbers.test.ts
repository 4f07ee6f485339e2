import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseColumnType } from '../../../src/core/field-types.ts'
import { columnFromDeclaration, idColumn } from '../../../src/core/table-schema.ts'
import { StaleSchema, type Table } from '../../../src/infrastructure/engines/engine.ts'
import { encodeRecords } from '../../../src/services/records/index.ts'
import { openDuckdb } from './open.ts'

/** A plan made before a column's digits grew must not show the new values with the old number of digits. */
describe('a numeric column that grows under a reader', () => {
  const n = columnFromDeclaration(
    'n',
    parseColumnType('numeric') as NonNullable<ReturnType<typeof parseColumnType>>,
    'numeric',
  )
  const records = (text: string) => encodeRecords(new TextEncoder().encode(text), [n], { unknownKey: 'row' })
  let opened: Awaited<ReturnType<typeof openDuckdb>>
  let before: Table

  beforeAll(async () => {
    opened = await openDuckdb()
    const plan = {
      id: 't',
      basedOn: undefined,
      columns: [n],
      primaryKey: [],
      indexes: [],
      schemaProperties: {},
      hasUpdatedAt: false,
    }
    await opened.engine.create({ ...plan, records: records('[{"n": 1.25}]') })
    before = (await opened.engine.describe('t')) as Table
    await opened.engine.upsert({
      id: 't',
      basedOn: before.schemaRevision,
      method: 'insert',
      records: records('[{"n": 1.23456}]'),
    })
  })
  afterAll(() => opened.close())

  const plan = (table: Table) => ({
    table,
    projection: [idColumn, n],
    textQueries: [],
    sort: [{ by: idColumn, descending: false }],
    distinct: false,
    offset: 0,
  })

  it('refuses the old plan and shows every digit under a new one', async () => {
    const rest = { limit: 10, format: 'csv' as const, includeTotal: true, includeLastId: false }
    await expect(opened.engine.search({ ...plan(before), ...rest })).rejects.toThrow(StaleSchema)
    await expect(opened.engine.dump({ ...plan(before), format: 'csv' })).rejects.toThrow(StaleSchema)
    const now = (await opened.engine.describe('t')) as Table
    const found = await opened.engine.search({ ...plan(now), ...rest })
    expect(new TextDecoder().decode(found.records as Uint8Array)).toBe('1,1.25\n2,1.23456\n')
  })
})

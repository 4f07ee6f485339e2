import { expect, test } from 'vitest'
import { columnType } from '../../../src/core/field-types.ts'
import type { Column } from '../../../src/core/table-schema.ts'
import { declaredKey } from '../../../src/infrastructure/engines/bigquery/definition.ts'
import type { StoredTable } from '../../../src/infrastructure/engines/bigquery/metadata.ts'
import { inlineBytes } from '../../../src/infrastructure/engines/bigquery/source.ts'

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

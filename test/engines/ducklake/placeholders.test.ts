import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { reasonWithoutLake } from '../../services/extensions.ts'
import { columnsOf, freshId, Kit } from '../../suites/engine/kit.ts'
import type { TestLake } from './open.ts'
import { makeLake, openEngine } from './open.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

describe.skipIf(reasonWithoutLake() !== undefined)('a text that DuckLake would fill in, in a field', () => {
  let lake: TestLake
  let engine: Engine
  const kit = new Kit(() => engine)
  beforeAll(async () => {
    lake = await makeLake((folder) => `duckdb:${join(folder, 'catalog.duckdb')}`)
    engine = await openEngine(lake.env)
  })
  afterAll(async () => {
    await engine?.close()
    await lake?.close()
  })

  const withField = (field: object) => {
    const [k, v] = columnsOf({ k: 'int', v: 'text' })
    return [k, { ...v, field: { ...v?.field, ...field } }] as ReturnType<typeof columnsOf>
  }

  const refused: [constraint: string, limit: unknown][] = [
    ['enum', ['a', '{SNAPSHOT_ID}']],
    ['enum', ['a', 'b\0c']],
    ['pattern', '.*\\{.*\\}|x{DATA_PATH}'],
    ['minimum', '{AUTHOR}'],
  ]
  test.each(refused)(
    'the constraint %s: %j is refused with the field, when the table is made and when it is there',
    async (constraint, limit) => {
      const columns = withField({ constraints: { [constraint]: limit } })
      const error = { detail: { fields: [expect.stringContaining(`field "v": the constraint ${constraint} holds `)] } }
      await expect(kit.create(freshId(), columns)).rejects.toMatchObject(error)
      const id = await kit.make({ k: 'int', v: 'text' }, [{ k: 1, v: 'a' }])
      await expect(kit.create(id, columns)).rejects.toMatchObject(error)
    },
  )

  test('what only describes the field is kept', async () => {
    const field = {
      title: '{SNAPSHOT_ID}',
      description: '{DATA_PATH}',
      default: '{AUTHOR}',
      missingValues: ['{COMMIT_MESSAGE}'],
    }
    const id = freshId()
    await kit.create(id, withField(field), { records: [{ k: 1, v: 'a' }] })
    expect((await kit.table(id)).columns.find(({ name }) => name === 'v')?.field).toMatchObject(field)
    expect(await kit.values(id, 'v')).toEqual(['a'])
  })
})

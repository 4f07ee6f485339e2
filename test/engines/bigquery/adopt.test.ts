import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { program } from '../../fixtures/program.ts'
import { type BigqueryServices, reasonWithoutBigquery } from '../../services/bigquery.ts'
import { Kit, refusal } from '../../suites/engine/kit.ts'
import { behind } from './behind.ts'
import { openBigquery, openOn, settingsFor } from './open.ts'
import {
  DOUBLE_IDS,
  FIRST,
  firstForm,
  SECOND,
  secondForm,
  shown,
  UNDESCRIBED,
  unusable,
  WITHOUT_IDS,
} from './python-tables.ts'

const reason = reasonWithoutBigquery()

describe.skipIf(reason !== undefined)(`the Python service's tables${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let services: BigqueryServices
  let engine: Engine
  let close: () => Promise<void>
  const kit = new Kit(() => engine)

  beforeAll(async () => {
    ;({ services, engine, close } = await openBigquery({ strict: true }))
    for (const statement of [...firstForm, ...secondForm, ...unusable]) await behind(services, statement)
  }, 300_000)
  afterAll(() => close?.())

  async function command(...args: string[]) {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, AUTH_TYPE: 'anonymous', ...settingsFor(services) }
    const [node, ...before] = program
    const run = promisify(execFile)(node, [...before, 'adopt-bigquery', ...args], { env })
    return run.catch((error: { stdout: string; stderr: string; code: number }) => error)
  }

  test('are listed before anybody has asked for them', { timeout: 60_000 }, async () => {
    const ids = [FIRST, SECOND, UNDESCRIBED, WITHOUT_IDS, DOUBLE_IDS]
    expect((await engine.list({ limit: 100 })).map(({ id }) => id)).toEqual(ids)
    expect((await engine.list({ after: FIRST, limit: 2 })).map(({ id }) => id)).toEqual([SECOND, UNDESCRIBED])
  })

  test('are told of by adopt-bigquery --dry-run, which writes nothing', { timeout: 120_000 }, async () => {
    const { stdout, stderr } = await command('--dry-run')
    expect(stderr).toContain('3 to adopt, 2 refused')
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t').slice(0, 2)),
    ).toEqual([
      [FIRST, 'to adopt'],
      [SECOND, 'to adopt'],
      [UNDESCRIBED, 'to adopt'],
      [WITHOUT_IDS, 'refused'],
      [DOUBLE_IDS, 'refused'],
    ])
    expect(stdout).toContain(
      '2 rows, 10 columns, primary key Species; column "secret" is not in its schema and not shown',
    )
    expect(stdout).toContain('2 of its 3 rows have no "_id"')
    expect(await behind(services, 'SELECT COUNT(*) FROM `_datastore_metadata`')).toEqual([['0']])
  })

  test.each([
    ['first', FIRST],
    ['second', SECOND],
  ])('of its %s form are adopted when first asked for', { timeout: 120_000 }, async (_form, id) => {
    const table = await kit.table(id)
    expect(table).toMatchObject({
      count: 2,
      primaryKey: ['Species'],
      hasUpdatedAt: true,
      schemaProperties: { title: 'Trees' },
    })
    expect(table.columns.map(({ declaredType }) => declaredType)).toEqual([
      'text',
      'float8',
      'int8',
      'date',
      'timestamptz',
      'time',
      'jsonb',
      'bool',
      'int8',
      'text',
    ])
    expect(table.columns.map(({ field }) => field.type)).toEqual([
      'string',
      'number',
      'integer',
      'date',
      'datetime',
      'time',
      'geojson',
      'boolean',
      'year',
      'duration',
    ])
    expect(table.columns[0]?.field).toMatchObject({ title: 'Species', constraints: { required: true } })
    const projection = ['_id', ...table.columns.map(({ name }) => name)]
    expect((await kit.search(id, { fields: projection })).text).toBe(shown.join(','))

    await kit.upsert(id, '[{"Species":"elm","rings":9007199254740995},{"Species":"fir","height":1e300}]')
    expect(await kit.values(id, '_id')).toEqual([1, 4, 5])
    expect(
      await behind(services, `SELECT rings, secret, _updated_at > TIMESTAMP '2026-02-01' FROM \`${id}\` ORDER BY _id`),
    ).toEqual([
      ['9007199254740993', 'mine', 'false'],
      ['9007199254740995', 'mine', 'true'],
      [null, null, 'true'],
    ])
    await kit.deleteRows(id, { Species: 'fir' })
    expect(await kit.counted(id)).toBe(2)
  })

  test('keep what their service wrote of them', { timeout: 60_000 }, async () => {
    const names = await behind(services, 'SELECT resource_id FROM `_table_metadata` ORDER BY resource_id')
    expect(names).toEqual([[FIRST], ['gone']])
    const { url, project, dataset } = services
    const response = await fetch(`${url}/bigquery/v2/projects/${project}/datasets/${dataset}/tables/${SECOND}`)
    expect(await response.json()).toMatchObject({
      labels: { datastore_managed: 'true' },
      description: expect.stringContaining('"schema_version":1'),
    })
  })

  test('whose rows have no _id, or one twice, are refused with the reason', { timeout: 60_000 }, async () => {
    const sentences = [await refusal(engine.describe(WITHOUT_IDS)), await refusal(engine.describe(DOUBLE_IDS))]
    expect(sentences.map(({ message }) => message)).toEqual([
      `The table "${WITHOUT_IDS}" can't be used: 2 of its 3 rows have no "_id".`,
      `The table "${DOUBLE_IDS}" can't be used: 1 of its 3 rows have the "_id" of another.`,
    ])
  })

  test('are adopted once by two processes at once', { timeout: 120_000 }, async () => {
    const id = 'cc5fbe96-6d4c-4092-8e40-6d7bb86bd006'
    await behind(
      services,
      `CREATE TABLE \`${id}\` (_id INT64, name STRING) OPTIONS (labels = [("datastore_managed", "true")])`,
    )
    await behind(services, `INSERT INTO \`${id}\` VALUES (3, 'oak')`)
    const other = await openOn(services)
    try {
      const [one, two] = await Promise.all([engine.describe(id), other.describe(id)])
      expect(one).toMatchObject({ count: 1, revision: two?.revision })
      const kits = [kit, new Kit(() => other)]
      await Promise.all(kits.map((each, index) => each.upsert(id, [{ name: `fir ${index}` }], { method: 'insert' })))
      expect(await kit.values(id, '_id')).toEqual([3, 4, 5])
      expect(await behind(services, `SELECT COUNT(*) FROM \`_state_${id}\``)).toEqual([['1']])
    } finally {
      await other.close()
    }
    await engine.delete({ id, what: 'table' })
  })

  test('are adopted by adopt-bigquery', { timeout: 120_000 }, async () => {
    const { stdout, stderr } = await command()
    expect(stdout).toContain(`${UNDESCRIBED}\tadopted\t1 rows, 2 columns; column "tags" (ARRAY) can't be shown`)
    expect(stdout).not.toContain(FIRST)
    expect(stderr).toContain('1 adopted, 2 refused')
    expect(await kit.rows(UNDESCRIBED)).toEqual([{ _id: 1, name: 'oak', price: 1.5 }])
    await kit.upsert(UNDESCRIBED, [{ name: 'elm', price: 2 }], { method: 'insert' })
    expect(await kit.values(UNDESCRIBED, '_id')).toEqual([1, 2])
    expect(
      (await refusal(kit.create(UNDESCRIBED, { name: 'text', price: 'numeric(38,9)', tags: 'text' }))).message,
    ).toContain('"tags"')
  })
})

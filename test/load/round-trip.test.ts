import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoadTarget } from './open.ts'
import { openTarget } from './open.ts'

let target: LoadTarget
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

const fields = [
  { id: 'n', type: 'int8' },
  { id: 'd', type: 'numeric' },
  { id: 'f', type: 'float8' },
  { id: 't', type: 'text' },
  { id: 'b', type: 'bool' },
  { id: 'day', type: 'date' },
  { id: 'at', type: 'timestamp' },
  { id: 'z', type: 'timestamptz' },
  { id: 'j', type: 'jsonb' },
  { id: 'list', type: '_text' },
]
const records = [
  {
    n: '9007199254740993',
    d: '12345678901234567890.123456789',
    f: 1e300,
    t: '007',
    b: true,
    day: '2020-02-29',
    at: '2020-01-01T10:00:00.123456',
    z: '2020-01-01T10:00:00Z',
    j: { a: [1] },
    list: ['x', 'y,z'],
  },
  { t: '' },
]

async function parquet(id: string): Promise<Uint8Array<ArrayBuffer>> {
  expect((await target.act('create', { resource_id: id, fields, records })).status).toBe(200)
  return target.bytes(`/datastore/dump/${id}?format=parquet&fields=${fields.map((field) => field.id)}`)
}
const names = fields.map(({ id }) => id).join(',')

test('a Parquet dump loads into a new table with the same values', async () => {
  const { status, body } = await target.load('again?format=parquet', await parquet('made'))
  expect([status, body.error]).toEqual([200, undefined])
  expect(
    Object.fromEntries(body.result.fields.map((field: { id: string; type: string }) => [field.id, field.type])),
  ).toMatchObject({
    n: 'int8',
    d: 'numeric',
    f: 'float8',
    t: 'text',
    b: 'bool',
    day: 'date',
    at: 'timestamp',
    z: 'timestamptz',
  })
  const [before, after] = [await target.dump(`made?fields=${names}`), await target.dump(`again?fields=${names}`)]
  expect(after.split('\r\n')[1]?.split('\n')[0]).toBe(before.split('\r\n')[1]?.split('\n')[0])
})

test('and into one that is there, whose types it is read by', async () => {
  const file = await parquet('source')
  await target.act('create', { resource_id: 'typed', fields })
  expect((await target.load('typed?format=parquet', file)).body).toMatchObject({ result: { rows: 2 } })
  expect(await target.dump(`typed?fields=${names}`)).toBe(await target.dump(`source?fields=${names}`))
  const narrow = fields.map((field) => (field.id === 'n' ? { id: 'n', type: 'int4' } : field))
  await target.act('create', { resource_id: 'narrow', fields: narrow })
  const refused = await target.load('narrow?format=parquet', file)
  expect([refused.status, refused.body.error]).toMatchObject([409, { records_row: 0, records_column: 'n' }])
})

const everyType = [
  ['int2', '7'],
  ['int4', '-2147483648'],
  ['int8', '9223372036854775807'],
  ['numeric', '0.000000000000000001'],
  ['numeric(10,2)', '10.50'],
  ['float4', '1.5'],
  ['float8', '1e-7'],
  ['bool', 'false'],
  ['text', ' x,"y"\n\tz '],
  ['varchar(3)', 'abc'],
  ['date', '0001-01-01'],
  ['time', '10:05:00.25'],
  ['timestamp', '2020-01-01T10:00:00.123456'],
  ['timestamptz', '2020-01-01T10:00:00.5+02:00'],
  ['json', { a: [1, null] }],
  ['jsonb', [1.1, 'x']],
  ['uuid', '12345678-1234-1234-1234-123456789abc'],
  ['interval', '1 day'],
  ['bytea', '\\xdead'],
  ['int4[]', [1, null, 3]],
  ['text[]', ['a,b', 'c"d']],
] as const
const everyField = everyType.map(([type], index) => ({ id: `c${index}`, type }))
const everyRecord = Object.fromEntries(everyType.map(([, value], index) => [`c${index}`, value]))

for (const format of ['csv', 'tsv', 'ndjson', 'parquet']) {
  test(`a ${format} dump of every type loads into a table of the same types`, async () => {
    const fieldNames = everyField.map(({ id }) => id).join(',')
    const made = { fields: everyField, records: [everyRecord, { c8: '' }, {}] }
    expect((await target.act('create', { resource_id: `from-${format}`, ...made })).body.error).toBeUndefined()
    await target.act('create', { resource_id: `to-${format}`, fields: everyField })
    const file = await target.bytes(`/datastore/dump/from-${format}?format=${format}&fields=${fieldNames}`)
    const { body } = await target.load(`to-${format}?format=${format}`, file)
    expect([body.error, body.result?.rows]).toEqual([undefined, 3])
    expect(await target.dump(`to-${format}`)).toBe(await target.dump(`from-${format}`))
  })
}

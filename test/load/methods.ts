import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer, LoadTarget } from './open.ts'

const SCHEMA = {
  fields: [
    { name: 'species', type: 'string', title: 'Species' },
    { name: 'height', type: 'number', constraints: { minimum: 0 } },
    { name: 'planted', type: 'date' },
  ],
  primaryKey: 'species',
}

const BEFORE = '1,oak,12.5,2001-01-01\n2,elm,3,\n'

export function ok({ status, body }: Answer) {
  expect([status, body.error]).toEqual([200, undefined])
  return body.result
}

let last = 0
/** A table with two rows; answers its id. */
export async function makeTrees(target: LoadTarget): Promise<string> {
  last += 1
  const id = `trees-${last}`
  const records = [
    { species: 'oak', height: 12.5, planted: '2001-01-01' },
    { species: 'elm', height: 3 },
  ]
  const { status } = await target.act('create', { resource_id: id, schema: SCHEMA, aliases: `forest-${last}`, records })
  expect(status).toBe(200)
  return id
}

/** What each method makes of a file, and what is refused whole, on any engine. */
export function methodsSuite(open: () => Promise<LoadTarget>): void {
  let target: LoadTarget
  beforeAll(async () => {
    target = await open()
  })
  afterAll(() => target.close())

  const trees = () => makeTrees(target)
  const rows = async (id: string) => (await target.dump(`${id}?fields=_id,species,height,planted`)).split('\r\n')[1]

  describe('methods', () => {
    const cases: [string, string, string, object, string][] = [
      ['insert appends', '', 'height,species\n7,ash\n', { rows: 1, total: 3 }, `${BEFORE}3,ash,7,\n`],
      ['insert widens numbers', '', 'species,height\nash,7.123456\n', { rows: 1 }, `${BEFORE}3,ash,7.123456,\n`],
      [
        'upsert updates and inserts, and leaves what the file does not have',
        'method=upsert',
        'species,height\noak,13\nash,7\n',
        { rows: 2, total: 3 },
        '1,oak,13,2001-01-01\n2,elm,3,\n3,ash,7,\n',
      ],
      [
        'upsert: the last of a key wins',
        'method=upsert',
        'species,height\nash,1\nash,2\n',
        { total: 3 },
        `${BEFORE}3,ash,2,\n`,
      ],
      ['replace', 'method=replace', 'species,planted\nyew,2020-02-02\n', { rows: 1, total: 1 }, '3,yew,,2020-02-02\n'],
      [
        'the forms that writes take',
        '',
        'species,height,planted\nash, 1e1 ,12/31/2020\n',
        { rows: 1 },
        `${BEFORE}3,ash,10,2020-12-31\n`,
      ],
      [
        'skip leaves bad rows out',
        'on_error=skip',
        'species,height\nash,x\nyew,2\nfir\nbox,y\n',
        { rows: 1, rejected: 3 },
        `${BEFORE}3,yew,2,\n`,
      ],
      [
        'ndjson',
        'format=ndjson',
        '{"species":"ash","height":7}\n{"planted":"2020-01-01","species":"yew"}\n',
        { rows: 2 },
        `${BEFORE}3,ash,7,\n4,yew,,2020-01-01\n`,
      ],
      [
        'ndjson with skip',
        'format=ndjson&on_error=skip',
        '{"species":"ash","height":"x"}\n{"species":{"a":1}}\n{"species":"yew"}\n',
        { rows: 1, rejected: 2 },
        `${BEFORE}3,yew,,\n`,
      ],
      ['columns of the system are passed over', '', '_id,species\n77,ash\n', { rows: 1 }, `${BEFORE}3,ash,,\n`],
    ]
    for (const [name, query, body, result, after] of cases) {
      test(name, async () => {
        const id = await trees()
        expect(ok(await target.load(`${id}?${query}`, body))).toMatchObject(result)
        expect(await rows(id)).toBe(after)
        const info = ok(await target.act('info', { id }))
        expect(info).toMatchObject({ meta: { aliases: [id.replace('trees', 'forest')] } })
      })
    }

    test('replace keeps the dictionary, and no _id comes twice', async () => {
      const id = await trees()
      ok(await target.load(`${id}?method=replace`, 'species\na\nb\n'))
      ok(await target.load(`${id}?method=replace`, 'species\nc\n'))
      expect(await rows(id)).toBe('5,c,,\n')
      const { body } = await target.load(`${id}?method=replace`, 'species\nd\n')
      expect(body.result.schema.fields[0]).toMatchObject({ title: 'Species' })
      expect(ok(await target.act('search', { resource_id: id, q: 'd' })).total).toBe(1)
    })

    test('replace with a schema brings other columns', async () => {
      const id = await trees()
      const schema = JSON.stringify({ fields: [{ name: 'species' }, { name: 'count', type: 'integer' }] })
      const result = ok(
        await target.load(`${id}?method=replace&schema=${encodeURIComponent(schema)}`, 'count,species\n1,oak\n'),
      )
      expect(result.fields).toMatchObject([
        { id: 'species', type: 'text' },
        { id: 'count', type: 'int8' },
      ])
      expect(await target.dump(id)).toBe('_id,species,count\r\n3,oak,1\n')
    })
  })

  describe('what is refused leaves the table as it was', () => {
    const long = `species,height\n${Array.from({ length: 30_000 }, (_, row) => `s${row},${row}\n`).join('')}`
    const cases: [string, string, string, object][] = [
      [
        'a bad cell far behind',
        '',
        `${long}ash,x\n`,
        {
          records: ['invalid input syntax for type numeric: "x"'],
          records_row: 30_000,
          records_column: 'height',
          bad_rows: 1,
          bad_cells: [{ row: 30_000, line: 30_002, column: 'height', value: 'x' }],
        },
      ],
      [
        'several bad cells',
        '',
        'species,height,planted\n"a\nb",x,y\n\nc,1,2020-02-30\n',
        {
          bad_rows: 2,
          bad_cells: [
            { row: 0, line: 2, column: 'height' },
            { row: 0, line: 2, column: 'planted' },
            { row: 1, line: 5, column: 'planted', sentence: 'date/time field value out of range: "2020-02-30"' },
          ],
        },
      ],
      ['a column that the table does not have', '', 'species,age\noak,1\n', { fields: ['fields "age" do not exist'] }],
      [
        'a key that is there',
        '',
        'species,height\nash,1\noak,2\n',
        { records: [/duplicate key value/], records_row: 1 },
      ],
      ['a key that comes twice', '', 'species,height\nash,1\nash,2\n', { records_row: 1 }],
      ['a constraint', '', 'species,height\nash,-1\n', { records_row: 0, records_column: 'height' }],
      ['upsert without the key', 'method=upsert', 'height\n1\n', { key: [/"species" are missing/] }],
      [
        'upsert of records with different keys',
        'method=upsert&format=ndjson',
        '{"species":"a","height":1}\n{"species":"b"}\n',
        { records: [/same keys/] },
      ],
      [
        'a schema for rows to append',
        'schema={"fields":[{"name":"species"}]}',
        'species\na\n',
        { schema: [/has a schema/] },
      ],
      ['a replacement with a bad cell', 'method=replace', 'species,height\nash,x\n', { records_row: 0 }],
      [
        'an ndjson value of the wrong kind',
        'format=ndjson',
        '{"species":"ash","height":1}\n{"species":"yew","height":true}\n',
        { records_row: 1, records_column: 'height' },
      ],
      [
        'an unknown key in ndjson',
        'format=ndjson',
        '{"species":"ash"}\n{"spices":"yew"}\n',
        { records: ['row "2" has extra keys "spices"'] },
      ],
    ]
    const loosely = (value: unknown): unknown =>
      value instanceof RegExp
        ? expect.stringMatching(value)
        : Array.isArray(value)
          ? value.map(loosely)
          : typeof value === 'object' && value !== null
            ? expect.objectContaining(
                Object.fromEntries(Object.entries(value).map(([key, item]) => [key, loosely(item)])),
              )
            : value
    for (const [name, query, body, error] of cases) {
      test(name, async () => {
        const id = await trees()
        const answer = await target.load(`${id}?${encodeURI(query)}`, body)
        expect([answer.status, answer.body.error]).toEqual([409, loosely(error)])
        expect(await rows(id)).toBe(BEFORE)
        expect(await target.leftovers()).toEqual([])
      })
    }
  })
}

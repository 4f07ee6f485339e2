import { describe, expect, test } from 'vitest'
import { DatastoreError } from '../../src/core/errors.ts'
import { JsonNumber } from '../../src/core/json-number.ts'
import { CreateParams } from '../../src/schemas/datastore-create.ts'
import { DeleteParams } from '../../src/schemas/datastore-delete.ts'
import { InfoParams } from '../../src/schemas/datastore-info.ts'
import { RecordsDeleteParams } from '../../src/schemas/datastore-records-delete.ts'
import { SearchParams } from '../../src/schemas/datastore-search.ts'
import { UpsertParams } from '../../src/schemas/datastore-upsert.ts'
import { DumpParams } from '../../src/schemas/dump.ts'
import { type RawParams, readParams } from '../../src/schemas/read-params.ts'

type Schema = Parameters<typeof readParams>[0]
const ID = { resource_id: 'r' }

/** `search limit="7"`: one parameter as sent, and what it becomes. Undefined: as if it were not sent. */
const coerced: [Schema, string, unknown, unknown][] = [
  [SearchParams, 'distinct', true, true],
  [SearchParams, 'distinct', 2, true],
  [SearchParams, 'distinct', 0, false],
  [SearchParams, 'distinct', 'YES', true],
  [SearchParams, 'distinct', 'on', false],
  [SearchParams, 'distinct', [], false],
  [SearchParams, 'include_total', '', true],
  [SearchParams, 'include_total', null, true],
  [SearchParams, 'include_total', 'f', false],
  [SearchParams, 'limit', '7', 7],
  [SearchParams, 'limit', ' +7 ', 7],
  [SearchParams, 'limit', 7.0, 7],
  [SearchParams, 'limit', '', undefined],
  [SearchParams, 'limit', '  ', undefined],
  [SearchParams, 'limit', null, undefined],
  [SearchParams, 'limit', '99999999999999999999', Number.MAX_SAFE_INTEGER],
  [SearchParams, 'offset', '1_000', 1000],
  [SearchParams, 'records_format', '', 'objects'],
  [SearchParams, 'records_format', 'tsv', 'tsv'],
  [SearchParams, 'filters', '{"a": 1}', { a: 1 }],
  [SearchParams, 'filters', [{ a: 1 }], [{ a: 1 }]],
  [SearchParams, 'filters', 'null', undefined],
  [
    SearchParams,
    'filters',
    '{"a": 12345678901234567890, "b": [0.1234567890123456789, 1.5]}',
    { a: new JsonNumber('12345678901234567890'), b: [new JsonNumber('0.1234567890123456789'), 1.5] },
  ],
  [SearchParams, 'filters', '{"a": "12345678901234567890 \\" 1"}', { a: '12345678901234567890 " 1' }],
  [SearchParams, 'q', '{"a": "b"}', { a: 'b' }],
  [SearchParams, 'q', '{broken', '{broken'],
  [SearchParams, 'q', '12', '12'],
  [SearchParams, 'q', 12, '12'],
  [SearchParams, 'fields', '"a", b,"c, d"', ['a', 'b', 'c, d']],
  [SearchParams, 'fields', '"a,b', ['"a', 'b']],
  [SearchParams, 'fields', ['"a"', ' b '], ['a', 'b']],
  [SearchParams, 'fields', '', []],
  [SearchParams, 'sort', '"a b" desc, c', ['"a b" desc', 'c']],
  [SearchParams, 'revision', '1767225600001', 1767225600001],
  [SearchParams, 'revision', '', undefined],
  [SearchParams, 'as_of', '2026-02-28', '2026-02-28T00:00:00.000Z'],
  [SearchParams, 'as_of', '2026-02-28 12:30', '2026-02-28T12:30:00.000Z'],
  [SearchParams, 'as_of', '2026-02-28T12:30:15.1239Z', '2026-02-28T12:30:15.123Z'],
  [SearchParams, 'as_of', '2026-02-28T00:30:00+02:00', '2026-02-27T22:30:00.000Z'],
  [SearchParams, 'as_of', '2026-02-28T00:30:00 0200', '2026-02-27T22:30:00.000Z'],
  [SearchParams, 'as_of', '2026-02-28t00:30-01', '2026-02-28T01:30:00.000Z'],
  [DumpParams, 'as_of', '', undefined],
  [SearchParams, 'resource_id', 7, '7'],
  [SearchParams, 'resource_id', ['a'], '["a"]'],
  [UpsertParams, 'method', '', ''],
  [UpsertParams, 'calculate_record_count', 'background', 'background'],
  [UpsertParams, 'calculate_record_count', 'N', false],
  [UpsertParams, 'calculate_record_count', '', 'background'],
  [CreateParams, 'primary_key', '', []],
  [CreateParams, 'primary_key', null, undefined],
  [
    CreateParams,
    'indexes',
    ['a, b', ['c', '"d"']],
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [CreateParams, 'indexes', 'a, b', [['a'], ['b']]],
  [DumpParams, 'filters', '', undefined],
  [DumpParams, 'fields', '', undefined],
  [DeleteParams, 'filters', null, undefined],
]

describe('§1.4 coercions', () => {
  for (const [schema, name, sent, value] of coerced) {
    test(`${name} = ${JSON.stringify(sent)}`, () => {
      const { params } = readParams(schema, { ...ID, [name]: sent })
      expect((params as Record<string, unknown>)[name]).toEqual(value)
    })
  }
})

/** What was sent, and what the 409 says of it. */
const mistakes: [Schema, RawParams, Record<string, unknown>][] = [
  [SearchParams, {}, { resource_id: ['Missing value'] }],
  [SearchParams, { resource_id: '' }, { resource_id: ['Missing value'] }],
  [SearchParams, { resource_id: null }, { resource_id: ['Missing value'] }],
  [SearchParams, { ...ID, id: 'other' }, { resource_id: ['resource_id and id are the same parameter, but differ'] }],
  [
    SearchParams,
    { ...ID, limit: 'x', offset: -1, nope: 1 },
    {
      limit: ['Invalid integer', 'Please enter an integer value'],
      offset: ['invalid value "-1"'],
      __extras: ['invalid value "nope"'],
    },
  ],
  [SearchParams, { ...ID, revision: 'x' }, { revision: ['Invalid integer', 'Please enter an integer value'] }],
  [SearchParams, { ...ID, revision: -1 }, { revision: ['Must be a natural number'] }],
  ...['yesterday', '2026-02-30', '2026-13-01', '2026-02-28T25:00', '2026', 7, ['2026-02-28']].map(
    (sent): [Schema, RawParams, Record<string, unknown>] => [
      SearchParams,
      { ...ID, as_of: sent },
      { as_of: ['Must be a date, or a date and time, as in ISO 8601'] },
    ],
  ),
  ...[SearchParams, DumpParams].map((schema): [Schema, RawParams, Record<string, unknown>] => [
    schema,
    { ...ID, revision: 1, as_of: '2026-02-28' },
    { as_of: ['as_of cannot be used with revision'] },
  ]),
  [SearchParams, { ...ID, limit: -1 }, { limit: ['Must be a natural number'] }],
  [SearchParams, { ...ID, limit: 1.5 }, { limit: ['Invalid integer'] }],
  [SearchParams, { ...ID, filters: '{' }, { filters: ['Cannot parse JSON'] }],
  [SearchParams, { ...ID, filters: '' }, { filters: ['Cannot parse JSON'] }],
  [SearchParams, { ...ID, filters: `${'['.repeat(65)}${']'.repeat(65)}` }, { filters: ['Cannot parse JSON'] }],
  [SearchParams, { ...ID, fields: 7 }, { fields: ['Not a list'] }],
  [SearchParams, { ...ID, fields: ['a', 7] }, { fields: ['Neither a string nor a list: 7'] }],
  [
    SearchParams,
    { ...ID, records_format: 'xml' },
    { records_format: ["Value must be one of ['objects', 'lists', 'csv', 'tsv']"] },
  ],
  [UpsertParams, { ...ID, method: 'x' }, { method: ["Value must be one of ['upsert', 'insert', 'update']"] }],
  [UpsertParams, { ...ID, records: '{}' }, { records: ['Not a list'] }],
  [
    UpsertParams,
    { ...ID, calculate_record_count: 'x' },
    { calculate_record_count: ['Value must be boolean or one of: background'] },
  ],
  [DeleteParams, { ...ID, filter: {} }, { __extras: ['invalid value "filter"'] }],
  [DeleteParams, { ...ID, filters: '{}' }, { filters: ['filters must be either a dict or null.'] }],
  [DeleteParams, { ...ID, filters: {}, fields: 'a' }, { fields: ['fields cannot be used with filters'] }],
  [RecordsDeleteParams, ID, { filters: ['Missing value'] }],
  [RecordsDeleteParams, { ...ID, filters: null }, { filters: ['Must be a dict'] }],
  [RecordsDeleteParams, { ...ID, filters: [] }, { filters: ['Must be a dict'] }],
  [CreateParams, {}, { resource_id: ['resource_id or resource required'] }],
  [CreateParams, { ...ID, resource: { package_id: 'p' } }, { resource: ['resource cannot be used with resource_id'] }],
  [CreateParams, { resource: {} }, { package_id: ['Missing value'] }],
  [
    CreateParams,
    { ...ID, schema: {}, fields: [] },
    { schema: ["provide either 'fields' (legacy) or 'schema' (frictionless), not both"] },
  ],
]

describe('§1.4, §8 mistakes, all at once', () => {
  for (const [schema, raw, detail] of mistakes) {
    test(JSON.stringify(raw).slice(0, 80), () => {
      expect(failure(schema, raw)).toMatchObject({ status: 409, type: 'Validation Error', detail })
    })
  }
})

describe('§2.2 nested lists of the wrong shape: 400', () => {
  const sentence = (type: string) =>
    `Only lists of dicts can be placed against subschema ('fields',), not <class '${type}'>`
  const cases: [unknown, string][] = [
    ['[{"id": "a"}]', sentence('str')],
    [{ id: 'a' }, sentence('dict')],
    [['a'], sentence('list')],
    [7, sentence('int')],
    [[{ id: 'a' }, 'b'], 'Values in lists need to be dicts'],
  ]
  for (const [fields, message] of cases) {
    test(JSON.stringify(fields), () => {
      const data = { resource_id: 'r', fields }
      expect(failure(CreateParams, { ...ID, fields })).toMatchObject({
        status: 400,
        type: 'Integrity Error',
        message,
        detail: { data },
      })
    })
  }
})

describe('§10.2 row 7 unknown parameters', () => {
  test('create names them in warnings', () => {
    const { extras, warnings } = readParams(CreateParams, { ...ID, colour: 'red' })
    expect({ extras, warnings }).toEqual({
      extras: { colour: 'red' },
      warnings: ['The parameter "colour" is unknown here and was ignored.'],
    })
  })
  test('info says nothing', () => expect(readParams(InfoParams, { ...ID, colour: 'red' }).warnings).toEqual([]))
})

function failure(schema: Schema, raw: RawParams): DatastoreError {
  try {
    readParams(schema, raw)
  } catch (error) {
    if (error instanceof DatastoreError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

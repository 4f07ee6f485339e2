import { type Static, Type } from '@sinclair/typebox'
import { CkanField, force, oneOf, param, params, resourceId, string, TableSchemaDocument } from './shared.ts'

/** Parameters of `/datastore/load/<id>`, in the address; the body is the file. `resource_id` comes from the path. */
export const LoadParams = params(
  {
    resource_id: resourceId({ description: 'Id of the resource.', alias: undefined }),
    method: oneOf(['insert', 'upsert', 'replace'], {
      description:
        '`insert` appends; `upsert` updates rows of the same key and inserts the others; `replace` swaps all rows at once.',
      default: 'insert',
    }),
    format: Type.Optional(
      oneOf(['csv', 'tsv', 'ndjson', 'json', 'parquet'], {
        description: 'Format of the file. Told by its name or `Content-Type` unless given; else csv.',
        blankIsAbsent: true,
      }),
    ),
    on_error: oneOf(['abort', 'skip'], {
      description:
        '`abort` (the default) stores nothing when a cell is bad; `skip` leaves such rows out, counts them and keeps them for download.',
      default: 'abort',
    }),
    encoding: Type.Optional(
      string({
        description: 'Encoding of a text file: `utf-8`, `utf-16le`, `utf-16be`, `latin1`.',
        blankIsAbsent: true,
      }),
    ),
    delimiter: Type.Optional(
      string({
        description: 'One character between the cells of a csv file. Told by the first lines unless given.',
        blankIsAbsent: true,
      }),
    ),
    schema: Type.Optional(
      param(Type.Unknown(), 'json', {
        description:
          'A Frictionless Table Schema for a new table, or for one whose rows are replaced. Found in the whole file unless given.',
        blankIsAbsent: true,
      }),
    ),
    force: force(),
  },
  { unknown: 'reject' },
)
export type LoadParams = Static<typeof LoadParams>

/** Parameters of `/datastore/load/<id>/rejected/<file>`, both from the path. */
export const RejectedParams = params(
  {
    resource_id: resourceId({ description: 'Id of the resource.', alias: undefined }),
    rejected_file: string({ description: 'What the address in `rejected_url` ends with.' }),
  },
  { unknown: 'ignore' },
)
export type RejectedParams = Static<typeof RejectedParams>

/** A cell that could not be stored, or with no column a row. */
const BadCell = Type.Object({
  row: Type.Integer({ description: 'From 0.' }),
  line: Type.Optional(Type.Integer({ description: 'Of the file, from 1.' })),
  column: Type.Optional(Type.String()),
  value: Type.Optional(Type.String()),
  sentence: Type.String(),
})

export const LoadResult = Type.Object({
  resource_id: Type.String(),
  method: Type.String(),
  format: Type.String(),
  rows: Type.Integer({ description: 'Rows that were stored.' }),
  rejected: Type.Integer({ description: 'Rows that were left out.' }),
  bad_cells: Type.Optional(Type.Array(BadCell)),
  rejected_url: Type.Optional(
    Type.String({ description: 'Where all rows that were left out are to be had as a csv file, for 24 hours.' }),
  ),
  total: Type.Integer({ description: 'Rows of the table.' }),
  bytes: Type.Integer({ description: 'Size of the file, unpacked.' }),
  seconds: Type.Number(),
  schema: TableSchemaDocument,
  fields: Type.Array(CkanField),
})
export type LoadResult = Static<typeof LoadResult>

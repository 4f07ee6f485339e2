import { type Static, Type } from '@sinclair/typebox'
import {
  bool,
  filters,
  list,
  natural,
  offset,
  oneOf,
  oneVersion,
  params,
  parts,
  resourceId,
  selection,
  version,
} from './shared.ts'

/** Parameters of `/datastore/dump/<id>` (contract §8.9, §10.2 row 45). `resource_id` comes from the path. */
export const DumpParams = params(
  {
    resource_id: resourceId({ description: 'Id or alias of the table.', alias: undefined }),
    ...selection,
    filters: Type.Optional(filters({ blankIsAbsent: true })),
    fields: Type.Optional(
      list({ description: 'Columns to answer, in this order. All by default.', blankIsAbsent: true }),
    ),
    format: oneOf(['csv', 'tsv', 'json', 'xml', 'ndjson', 'parquet', 'gzip'], {
      description: 'Format of the file. `gzip` is CSV, compressed.',
      default: 'csv',
    }),
    parts: parts(),
    bom: bool({ description: 'Begin with a byte-order mark.', default: false }),
    limit: Type.Optional(natural({ description: 'Rows to answer. All by default.' })),
    offset: Type.Optional(offset({ description: 'Rows to skip.' })),
    ...version,
  },
  { unknown: 'ignore', rules: [oneVersion] },
)
export type DumpParams = Static<typeof DumpParams>

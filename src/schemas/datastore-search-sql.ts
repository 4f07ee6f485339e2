import { type Static, Type } from '@sinclair/typebox'
import { Links } from './datastore-search.ts'
import { bool, CkanField, oneOf, params, parts, RecordsResult, string } from './shared.ts'

const sql = string({
  description: 'One SELECT or WITH statement. Table names are resource ids or aliases, in double quotes.',
  examples: ['SELECT species, max(height) AS h FROM "trees" GROUP BY species'],
})

/** Parameters of datastore_search_sql (contract §8.6). */
export const SearchSqlParams = params(
  {
    sql,
    records_format: Type.Optional(
      oneOf(['objects', 'lists', 'csv', 'tsv'], { description: 'How rows are written. `objects` by default.' }),
    ),
  },
  { unknown: 'ignore' },
)
export type SearchSqlParams = Static<typeof SearchSqlParams>

/** Parameters of `/datastore/dump/query` (contract §9.9). */
export const DumpSqlParams = params(
  {
    sql,
    format: oneOf(['csv', 'tsv', 'ndjson', 'json', 'gzip', 'parquet'], {
      description: 'Format of the file. `gzip` is CSV, compressed.',
      default: 'csv',
    }),
    parts: parts(),
    bom: bool({ description: 'Begin with a byte-order mark.', default: false }),
  },
  { unknown: 'ignore' },
)
export type DumpSqlParams = Static<typeof DumpSqlParams>

export const SearchSqlResult = Type.Object({
  sql: Type.String(),
  fields: Type.Array(CkanField),
  records: RecordsResult,
  records_format: Type.Optional(Type.String()),
  records_truncated: Type.Optional(Type.Literal(true)),
  limit: Type.Optional(Type.Integer()),
  offset: Type.Optional(Type.Integer()),
  total: Type.Optional(Type.Integer()),
  _links: Type.Optional(Links),
})
export type SearchSqlResult = Static<typeof SearchSqlResult>

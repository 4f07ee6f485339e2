import { type Static, Type } from '@sinclair/typebox'
import { Links } from './datastore-search.ts'
import { CkanField, params, RecordsResult, string } from './shared.ts'

/** Parameters of datastore_search_sql (contract §8.6). */
export const SearchSqlParams = params(
  {
    sql: string({
      description: 'One SELECT or WITH statement. Table names are resource ids or aliases, in double quotes.',
      examples: ['SELECT species, max(height) AS h FROM "trees" GROUP BY species'],
    }),
  },
  { unknown: 'ignore' },
)
export type SearchSqlParams = Static<typeof SearchSqlParams>

export const SearchSqlResult = Type.Object({
  sql: Type.String(),
  fields: Type.Array(CkanField),
  records: RecordsResult,
  records_truncated: Type.Optional(Type.Literal(true)),
  limit: Type.Optional(Type.Integer()),
  offset: Type.Optional(Type.Integer()),
  total: Type.Optional(Type.Integer()),
  _links: Type.Optional(Links),
})
export type SearchSqlResult = Static<typeof SearchSqlResult>

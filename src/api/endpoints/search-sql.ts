import { type SearchSqlParams, SearchSqlResult } from '../../schemas/datastore-search-sql.ts'
import * as sql from '../../services/sql.ts'
import { pageLinks } from '../links.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_search_sql (contract §8.6, §9.7). A statement with a constant LIMIT has `_links`, which rewrite its OFFSET. */
export async function searchSql(
  { context, params, extras }: Input<SearchSqlParams>,
  { authorizeTable }: Grants['statement'],
): Promise<Answer> {
  const answered = await sql.searchSql(serviceContext(context), params, authorizeTable, callOptions(context))
  const { limit, offset = 0, total } = answered.result as { limit?: number; offset?: number; total?: number }
  const { sqlAt } = answered
  const echo = Object.fromEntries(Object.entries(extras).filter(([name]) => !(name in SearchSqlResult.properties)))
  if (limit === undefined || !sqlAt) return toAnswer(answered, { result: echo })
  const asked = params.records_format && { records_format: params.records_format }
  const links = pageLinks(context, { limit, offset, total }, (start = 0) => ({ sql: sqlAt(start), ...asked }))
  return toAnswer(answered, { result: { ...echo, _links: links } })
}

import type { SearchParams } from '../../schemas/datastore-search.ts'
import * as read from '../../services/read.ts'
import { searchTableMetadata } from '../../services/table-metadata.ts'
import { pageLinks, withOffset } from '../links.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_search, also on the list of tables (contract §8.5, §7.3). */
export async function search(
  { context, params, raw }: Input<SearchParams>,
  granted: Grants['searchable'],
): Promise<Answer> {
  const answered =
    'listing' in granted
      ? await searchTableMetadata(serviceContext(context), params, granted.listing, callOptions(context))
      : await read.search(serviceContext(context), granted.table, params, callOptions(context))
  const { limit, offset, total } = answered.result as { limit: number; offset: number; total?: number }
  const _links = pageLinks(context, { limit, offset, total }, withOffset(raw))
  return toAnswer(answered, { result: { ...(typeof raw.sort === 'string' && { sort: raw.sort }), _links } })
}

import type { SearchParams } from '../../schemas/datastore-search.ts'
import * as read from '../../services/read.ts'
import { pageLinks, withOffset } from '../links.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_search (contract §8.5). */
export async function search(
  { context, params, raw }: Input<SearchParams>,
  { table }: Grants['table'],
): Promise<Answer> {
  const answered = await read.search(serviceContext(context), table, params, callOptions(context))
  const { limit, offset, total } = answered.result as { limit: number; offset: number; total?: number }
  return toAnswer(answered, { result: { _links: pageLinks(context, { limit, offset, total }, withOffset(raw)) } })
}

import type { InfoParams } from '../../schemas/datastore-info.ts'
import * as read from '../../services/read.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_info (contract §8.7). `Last-Modified` says when the table was last written to. */
export async function info({ context, params }: Input<InfoParams>, { table }: Grants['table']): Promise<Answer> {
  const answer = toAnswer(await read.info(serviceContext(context), table, params, callOptions(context)))
  const updated = new Date(table.updatedAt)
  return Number.isNaN(updated.valueOf()) ? answer : { ...answer, headers: { 'Last-Modified': updated.toUTCString() } }
}

import type { DeleteParams } from '../../schemas/datastore-delete.ts'
import type { RecordsDeleteParams } from '../../schemas/datastore-records-delete.ts'
import * as write from '../../services/write.ts'
import { tellCatalogue } from '../catalogue.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_delete: rows, columns, or the table (contract §8.3, §9.5). */
export async function deleteTableOrRows(
  { context, params }: Input<DeleteParams>,
  { table, decision }: Grants['resource'],
): Promise<Answer> {
  const answered = await write.deleteTableOrRows(serviceContext(context), table, params, callOptions(context))
  const kind = params.filters ? 'written' : params.fields ? 'created' : 'dropped'
  const change = { kind, resourceId: table.id, schema: answered.result.schema } as const
  return toAnswer(answered, { warnings: await tellCatalogue(context, decision, change) })
}

/** datastore_records_delete: rows only (contract §8.4). */
export async function deleteRecords(
  { context, params }: Input<RecordsDeleteParams>,
  { table, decision }: Grants['resource'],
): Promise<Answer> {
  const answered = await write.deleteRecords(serviceContext(context), table, params, callOptions(context))
  return toAnswer(answered, {
    warnings: await tellCatalogue(context, decision, { kind: 'written', resourceId: table.id }),
  })
}

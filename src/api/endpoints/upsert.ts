import type { UpsertParams } from '../../schemas/datastore-upsert.ts'
import * as write from '../../services/write.ts'
import { tellCatalogue } from '../catalogue.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_upsert (contract §8.2, §9.4). */
export async function upsert(
  { context, params }: Input<UpsertParams>,
  { table, decision }: Grants['resource'],
): Promise<Answer> {
  const answered = await write.upsert(serviceContext(context), table, params, callOptions(context))
  if (params.dry_run) return toAnswer(answered)
  return toAnswer(answered, {
    warnings: await tellCatalogue(context, decision, { kind: 'written', resourceId: table.id }),
  })
}

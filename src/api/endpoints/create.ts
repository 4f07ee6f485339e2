import type { CkanResource, Decision } from '../../auth/provider.ts'
import { ConflictError } from '../../core/errors.ts'
import type { CreateParams } from '../../schemas/datastore-create.ts'
import * as write from '../../services/write.ts'
import { tellCatalogue, withNewResource } from '../catalogue.ts'
import type { Answer, Grants, Input } from '../operation.ts'
import { callOptions, serviceContext, toAnswer } from './answer.ts'

/** datastore_create (contract §8.1, §9.2). */
export async function create(input: Input<CreateParams>, { decision }: Grants['declaration']): Promise<Answer> {
  const { context, params } = input
  if (!params.resource) return declare(input, params.resource_id as string, decision)
  return withNewResource(context, params.resource, async (resource) => {
    context.resource = resource.id
    const { engine } = context.service
    const taken = await engine.describe(resource.id, { ...callOptions(context), toWrite: true })
    if (taken) throw new ConflictError(`There is a table "${resource.id}" already: the new resource can't have it.`)
    return declare(input, resource.id, { ...decision, resource }, resource)
  })
}

async function declare(
  { context, params, raw, extras }: Input<CreateParams>,
  resourceId: string,
  decision: Decision,
  made?: CkanResource,
): Promise<Answer> {
  const answered = await write.create(serviceContext(context), resourceId, params, callOptions(context))
  const change = { kind: 'created', resourceId, schema: answered.result.schema } as const
  const warnings = await tellCatalogue(context, decision, change)
  const packageId = decision.resource?.package_id
  const result = {
    ...(packageId !== undefined && { package_id: packageId }),
    ...(made && { resource: made }),
    ...(params.aliases && { aliases: raw.aliases }),
    ...(params.indexes && { indexes: raw.indexes }),
    ...(Object.keys(extras).length > 0 && { __extras: extras }),
  }
  return toAnswer(answered, { result, warnings })
}

import type { CkanResource, Decision, TableChange } from '../auth/provider.ts'
import { ValidationError } from '../core/errors.ts'
import type { Context } from './context.ts'
import { credentialOf } from './credential.ts'
import { describeDefect } from './errors.ts'

/**
 * Tells the provider that keeps a catalogue of a stored write. What it could not do becomes warnings: the write stands.
 */
export async function tellCatalogue(
  context: Context,
  { resource }: Decision,
  change: Pick<TableChange, 'kind' | 'resourceId' | 'schema'>,
): Promise<string[]> {
  const { provider } = context.service
  const credential = credentialOf(context)
  return (await provider.tableChanged?.({ ...change, credential, resource, signal: context.request.signal })) ?? []
}

/** Makes the catalogue's record for a `datastore_create` with `resource`, runs `work` on it, and takes it back when that fails. */
export async function withNewResource<T>(
  context: Context,
  properties: Record<string, unknown>,
  work: (resource: CkanResource) => Promise<T>,
): Promise<T> {
  const { provider, logger } = context.service
  if (!provider.createResource) {
    throw new ValidationError({ resource: ['There is no catalogue here to make a resource in. Use resource_id.'] })
  }
  const question = { credential: credentialOf(context), signal: context.request.signal }
  const resource = await provider.createResource(properties, question)
  try {
    return await work(resource)
  } catch (error) {
    // The client may be gone by now: the record must still be taken back.
    await provider.deleteResource?.(resource.id, { credential: question.credential }).catch((failure: unknown) => {
      logger.error('resource left behind', { resource: resource.id, ...describeDefect(failure) })
    })
    throw error
  }
}

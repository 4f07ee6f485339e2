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

/**
 * Makes the catalogue's record for a `datastore_create` with `resource`, runs `work` on it, and takes it back when that
 * fails or the client is gone.
 *
 * @throws ValidationError when there is no catalogue, or the record is to have an id that may be another's.
 */
export async function withNewResource<T>(
  context: Context,
  properties: Record<string, unknown>,
  work: (resource: CkanResource) => Promise<T>,
): Promise<T> {
  const { provider, logger } = context.service
  const { signal } = context.request
  if (!provider.createResource) {
    throw new ValidationError({ resource: ['There is no catalogue here to make a resource in. Use resource_id.'] })
  }
  if ('id' in properties) {
    throw new ValidationError({ resource: ['A new resource is given its id. Use resource_id for one that exists.'] })
  }
  const question = { credential: credentialOf(context) }
  signal.throwIfAborted()
  const resource = await provider.createResource(properties, question)
  try {
    signal.throwIfAborted()
    return await work(resource)
  } catch (error) {
    await provider.deleteResource?.(resource.id, question).catch((failure: unknown) => {
      logger.error('resource left behind', { resource: resource.id, ...describeDefect(failure) })
    })
    throw error
  }
}

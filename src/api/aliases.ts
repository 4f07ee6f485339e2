import { NotAuthorized, NotFound, ValidationError } from '../core/errors.ts'
import type { Context } from './context.ts'

const MAX_ALIASES = 100
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Refuses aliases under which a table would answer for another resource (contract §7.2): a new one must not be the id
 * of a resource that the caller may not update, nor look like the id of one that is still to come.
 *
 * @param id - The table; none while its resource is still to be made.
 * @param ask - Asks whether the caller may update the resource with that id.
 * @throws ValidationError, NotAuthorized, or what `ask` throws beside a no.
 */
export async function guardAliases(
  { request, service }: Context,
  id: string | undefined,
  aliases: readonly string[] | undefined,
  ask: (id: string) => Promise<unknown>,
): Promise<void> {
  if (!aliases) return
  if (aliases.length > MAX_ALIASES)
    throw new ValidationError({ alias: [`A table can have ${MAX_ALIASES} aliases at most`] })
  if (service.provider.open) return
  const table =
    id === undefined ? undefined : await service.engine.describe(id, { signal: request.signal, toWrite: true })
  const held = table?.id === id ? table?.aliases : undefined
  for (const alias of new Set(aliases)) {
    if (held?.includes(alias)) continue
    await ask(alias).catch((error) => {
      if (error instanceof NotFound && !UUID.test(alias)) return
      if (error instanceof NotFound || error instanceof NotAuthorized)
        throw new NotAuthorized(`Not authorized to use "${alias}" as an alias: it is for the resource of that id`)
      throw error
    })
  }
}

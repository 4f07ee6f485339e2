import { NotFound, ServiceUnavailable } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import type { CkanClient } from '../../infrastructure/ckan-client.ts'
import type { CkanResource } from '../provider.ts'
import { isRecord, misunderstood } from './ask.ts'

type Caller = { credential?: string }

export interface ResourcesOptions {
  client: CkanClient
  logger: Pick<Logger, 'error'>
  /** How long CKAN may still be at work on what it has not answered. */
  patienceSeconds: number
}

export interface Resources {
  /**
   * Makes a resource for a table, under an id that is made here: so it is known when CKAN's answer is not. What may
   * have been made then is taken back behind the caller's back.
   *
   * @throws What CKAN says, or ServiceUnavailable.
   */
  create(properties: Record<string, unknown>, caller: Caller): Promise<CkanResource>
  delete(id: string, caller: Caller): Promise<void>
  /** Takes back what is still to be taken back. */
  close(): Promise<void>
}

/** CKAN's actions `resource_create` and `resource_delete`. */
export function createResources({ client, logger, patienceSeconds }: ResourcesOptions): Resources {
  const underWay = new Set<Promise<void>>()
  const waiting = new Set<() => void>()
  let closed = false

  const remove = async (id: string, { credential }: Caller): Promise<void> => {
    await client.call('resource_delete', { id }, { credential })
  }

  const pause = () =>
    new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, closed ? 0 : patienceSeconds * 1000)
      waiting.add(end)
    })

  /** Twice, for CKAN may make it only after it was to be deleted. */
  const takeBack = async (id: string, caller: Caller): Promise<void> => {
    try {
      await remove(id, caller)
    } catch {
      await pause()
      await remove(id, caller).catch((error) => {
        if (error instanceof NotFound) return
        const reason = error instanceof Error ? error.message : 'unknown'
        logger.error('A resource may be left behind in CKAN', { resource: id, reason })
      })
    }
  }

  return {
    async create(properties, { credential }) {
      const id = crypto.randomUUID()
      // Without url_type and datastore_active CKAN shows no preview, and the next write meets the read-only guard
      // (contract §3.2). The url is what CKAN's own datastore_create gives such a resource.
      const fixed = { id, url_type: 'datastore', datastore_active: true }
      const wanted = { url: '_datastore_only_resource', ...properties, ...fixed }
      try {
        const made = await client.call('resource_create', wanted, { credential })
        if (!isRecord(made) || made.id !== id) throw misunderstood('resource_create')
        return made
      } catch (error) {
        if (error instanceof ServiceUnavailable) {
          const work = takeBack(id, { credential }).finally(() => underWay.delete(work))
          underWay.add(work)
        }
        throw error
      }
    },

    delete: remove,

    async close() {
      closed = true
      for (const end of waiting) end()
      await Promise.all(underWay)
    },
  }
}

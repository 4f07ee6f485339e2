import { hexadecimal } from '../../core/bytes.ts'
import type { Logger } from '../../core/log.ts'
import type { Cache } from '../../infrastructure/cache.ts'
import { type CkanClient, isObject } from '../../infrastructure/ckan-client.ts'
import type { TableChange } from '../provider.ts'

export interface SyncOptions {
  client: CkanClient
  cache: Cache
  logger: Pick<Logger, 'warning'>
  /** Least seconds between two updates of a resource's `last_modified`; 0 updates it with every write. */
  syncSeconds: number
  /** How old the record in a `TableChange` may be. */
  recordTtlSeconds: number
}

export interface Sync {
  /** Patches CKAN's record where it differs. Answers warnings; never throws. */
  changed(change: TableChange): Promise<string[]>
  /** Sends what is still to be sent. */
  close(): Promise<void>
}

type Properties = Record<string, unknown>

/** Keeps `datastore_active`, `schema` and `last_modified` of CKAN's resources in step with their tables. */
export function createSync({ client, cache, logger, syncSeconds, recordTtlSeconds }: SyncOptions): Sync {
  /** Resources whose `last_modified` has just been sent, and the newest write that it does not tell of. */
  const windows = new Map<string, { timer: ReturnType<typeof setTimeout>; unsent?: () => Promise<unknown> }>()

  const patch = async ({ resourceId, credential }: TableChange, properties: Properties): Promise<string[]> => {
    try {
      await client.call('resource_patch', { id: resourceId, ...properties }, { credential })
      return []
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown'
      logger.warning("CKAN's record of a resource could not be updated", { resourceId, reason })
      return [`The change is stored, but CKAN's record of the resource could not be updated: ${reason}`]
    }
  }

  /** True when `last_modified` may be sent now; otherwise it will be, once the window closes. */
  const mayTouch = (change: TableChange): boolean => {
    if (syncSeconds === 0) return true
    const window = windows.get(change.resourceId)
    if (!window) {
      openWindow(change.resourceId)
      return true
    }
    const properties = { last_modified: ckanTime() }
    window.unsent = () => patch(change, properties)
    return false
  }

  const openWindow = (resourceId: string) => {
    const timer = setTimeout(() => {
      const unsent = windows.get(resourceId)?.unsent
      windows.delete(resourceId)
      if (!unsent) return
      openWindow(resourceId)
      void unsent()
    }, syncSeconds * 1000)
    // On Node a timer would keep a process alive that has nothing else to do.
    if (typeof timer === 'object') timer.unref()
    windows.set(resourceId, { timer })
  }

  /** What CKAN does not know yet. Its record may be as old as a remembered decision, so what was sent since wins. */
  const news = async (change: TableChange): Promise<Properties> => {
    const sent = await cache.get<Properties>(keyOf(change))
    const known: Properties = { ...change.resource, ...sent }
    return Object.fromEntries(Object.entries(stateAfter(change)).filter(([key, value]) => !sameJson(known[key], value)))
  }

  return {
    async changed(change) {
      const state = await news(change)
      const touch = mayTouch(change)
      const properties = touch ? { ...state, last_modified: ckanTime() } : state
      if (Object.keys(properties).length === 0) return []
      const warnings = await patch(change, properties)
      if (warnings.length === 0 && Object.keys(state).length > 0)
        await cache.set(keyOf(change), stateAfter(change), recordTtlSeconds)
      return warnings
    },

    async close() {
      const open = [...windows.values()]
      windows.clear()
      for (const { timer } of open) clearTimeout(timer)
      await Promise.all(open.map(({ unsent }) => unsent?.()))
    },
  }
}

function keyOf({ resourceId }: TableChange): string {
  return `sync:${hexadecimal(new TextEncoder().encode(resourceId))}`
}

/** A dropped table leaves `schema`: the data dictionary is kept for the next load. */
function stateAfter({ kind, schema }: TableChange): Properties {
  if (kind === 'written') return {}
  if (kind === 'dropped') return { datastore_active: false }
  return { datastore_active: true, ...(schema !== undefined && { schema }) }
}

/** CKAN reads digits after the point as microseconds, and knows no zone. */
const ckanTime = (): string => new Date().toISOString().replace('Z', '000')

function sameJson(known: unknown, value: unknown): boolean {
  if (typeof known !== 'string' || typeof value !== 'object') return canonical(known) === canonical(value)
  try {
    return canonical(JSON.parse(known)) === canonical(value)
  } catch {
    return false
  }
}

const canonical = (value: unknown): string | undefined =>
  JSON.stringify(value, (_, part) => (isObject(part) ? Object.fromEntries(Object.entries(part).sort()) : part))

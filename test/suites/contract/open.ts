import { createDatastore, type Datastore } from '../../../src/app.ts'
import { createLogger } from '../../../src/core/log.ts'
import type { Engine } from '../../../src/infrastructure/engines/engine.ts'
import { type CkanServer, startCkan } from '../../fixtures/ckan-server.ts'
import { prepareCkan } from './03-authorization.ts'
import type { Settings } from './case.ts'
import type { Fetch } from './run.ts'

export interface Opened {
  open(settings: Settings): Promise<Fetch>
  close(): Promise<void>
}

/**
 * Datastores in this process, one for each set of settings that is asked for, with a CKAN beside them where one decides.
 *
 * @param engine - Makes the settings of the engine under test, or the engine itself: a store of its own for each call.
 */
export function openInProcess(engine: (index: number) => Promise<Engine> | Settings | Promise<Settings>): Opened {
  const datastores = new Map<string, Promise<Datastore>>()
  let ckan: Promise<CkanServer> | undefined
  const startPreparedCkan = async () => {
    const server = await startCkan()
    prepareCkan(server)
    return server
  }
  const start = async (settings: Settings, index: number) => {
    if (settings.CKAN_URL !== undefined) ckan ??= startPreparedCkan()
    const made = await engine(index)
    const isEngine = typeof made.describe === 'function'
    const env = {
      AUTH_TYPE: 'anonymous',
      ...(!isEngine && (made as Settings)),
      ...settings,
      ...(ckan && { CKAN_URL: (await ckan).url }),
    }
    const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
    return createDatastore({ env, logger, ...(isEngine && { engine: made as Engine }) })
  }
  return {
    async open(settings) {
      const key = JSON.stringify(settings)
      let datastore = datastores.get(key)
      if (!datastore) {
        datastore = start(settings, datastores.size)
        datastores.set(key, datastore)
      }
      return (await datastore).fetch
    },
    async close() {
      for (const datastore of datastores.values()) await (await datastore).close()
      await (await ckan)?.close()
    },
  }
}

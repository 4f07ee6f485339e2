import { createCkanClient } from '../../infrastructure/ckan-client.ts'
import type { AuthProvider } from '../provider.ts'
import type { ProviderContext } from '../registry.ts'
import { createAsking } from './ask.ts'
import { rememberDecisions } from './decisions.ts'
import { createResources } from './resources.ts'
import { createSync } from './sync.ts'

export const needs = ['ckanUrl'] as const

/**
 * CKAN decides (contract §9.1): every question goes to its action `datastore_authorize` with the caller's token, and
 * tables are told to CKAN. Without an answer nobody gets in: 503.
 */
export default function ckan({ config, logger, cache }: ProviderContext): AuthProvider {
  const { ckanUrl = '', httpTimeoutSeconds, authCacheTtl, ckanSyncSeconds } = config
  const client = createCkanClient({ ckanUrl, httpTimeoutSeconds })
  const { ask, probe } = createAsking(client, ckanUrl, logger)
  const sync = createSync({
    client,
    cache,
    logger,
    syncSeconds: ckanSyncSeconds,
    recordTtlSeconds: authCacheTtl,
  })
  const resources = createResources({ client, logger, patienceSeconds: httpTimeoutSeconds })

  return {
    name: 'ckan',
    authorize: rememberDecisions(ask, { cache, ttlSeconds: authCacheTtl }),

    createResource: resources.create,
    deleteResource: resources.delete,

    // The change is stored: a caller who hangs up does not keep it from CKAN.
    tableChanged: async (change) => (config.ckanSync ? sync.changed(change) : []),
    healthcheck: probe,
    async close() {
      await Promise.all([sync.close(), resources.close()])
    },
  }
}

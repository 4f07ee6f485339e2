import { createCkanClient } from '../../infrastructure/ckan-client.ts'
import type { AuthProvider } from '../provider.ts'
import type { ProviderContext } from '../registry.ts'
import { createAsking, isRecord, misunderstood } from './ask.ts'
import { rememberDecisions } from './decisions.ts'
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

  return {
    name: 'ckan',
    authorize: rememberDecisions(ask, { cache, ttlSeconds: authCacheTtl }),

    async createResource(resource, options) {
      // Without url_type and datastore_active CKAN shows no preview, and the next write meets the read-only guard
      // (contract §3.2). The url is what CKAN's own datastore_create gives such a resource.
      const wanted = { url: '_datastore_only_resource', ...resource, url_type: 'datastore', datastore_active: true }
      const made = await client.call('resource_create', wanted, options)
      if (!isRecord(made)) throw misunderstood('resource_create')
      return made
    },

    async deleteResource(id, options) {
      await client.call('resource_delete', { id }, options)
    },

    // The change is stored: a caller who hangs up does not keep it from CKAN.
    tableChanged: async (change) => (config.ckanSync ? sync.changed(change) : []),
    healthcheck: probe,
    close: () => sync.close(),
  }
}

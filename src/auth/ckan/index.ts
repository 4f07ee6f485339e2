import { NotAuthorized, NotFound, ServiceUnavailable } from '../../core/errors.ts'
import { createCkanClient, isObject, UnknownAction } from '../../infrastructure/ckan-client.ts'
import { reportOutage } from '../../infrastructure/outage.ts'
import { denial } from '../denial.ts'
import type { AuthProvider, CkanPackage, CkanResource, Decision, Question } from '../provider.ts'
import type { ProviderContext } from '../registry.ts'
import { rememberDecisions } from './decisions.ts'
import { createSync } from './sync.ts'

const ACTION = 'datastore_authorize'
/** An id that no resource has. */
const NOBODYS_ID = '00000000-0000-0000-0000-000000000000'

export const needs = ['ckanUrl'] as const

/**
 * CKAN decides (contract §9.1): every question goes to its action `datastore_authorize` with the caller's token, and
 * tables are told to CKAN. Without an answer nobody gets in: 503.
 */
export default function ckan({ config, logger, cache }: ProviderContext): AuthProvider {
  const { ckanUrl = '', httpTimeoutSeconds, authCacheTtl } = config
  const client = createCkanClient({ ckanUrl, httpTimeoutSeconds })
  const missing = reportOutage(logger)
  const outage = reportOutage(logger)

  const call = async ({ credential, signal, permission, ...target }: Question) => {
    const { resourceId, packageId } = target
    const body = { ...(packageId ? { package_id: packageId } : { resource_id: resourceId }), permission }
    try {
      return await client.call(ACTION, body, { credential, signal })
    } catch (error) {
      report(error)
      throw error
    }
  }

  const report = (error: unknown) => {
    if (error instanceof UnknownAction) missing.begin(remedy(ckanUrl))
    else if (error instanceof ServiceUnavailable) outage.begin('Nothing can be authorized', { reason: error.message })
    else answered()
  }

  const answered = () => {
    missing.end(`CKAN has the action ${ACTION} now.`)
    outage.end('CKAN answers again.')
  }

  const ask = async (question: Question): Promise<Decision> => {
    const result = await call(question).catch((error) => {
      throw inOurWords(error, question)
    })
    const decision = readDecision(result, question)
    answered()
    return decision
  }

  const sync = createSync({
    client,
    cache,
    logger,
    syncSeconds: config.ckanSyncSeconds,
    recordTtlSeconds: authCacheTtl,
  })

  return {
    name: 'ckan',
    authorize: rememberDecisions(ask, { cache, ttlSeconds: authCacheTtl }),

    async createResource(resource, options) {
      // Without these two CKAN shows no preview, and takes the next write for an accident (contract §3.2).
      const made = { url: '_datastore_only_resource', ...resource, url_type: 'datastore', datastore_active: true }
      const created = await client.call('resource_create', made, options)
      if (!isResource(created)) throw misunderstood('resource_create')
      return created
    },

    async deleteResource(id, options) {
      await client.call('resource_delete', { id }, options)
    },

    // The change is stored: a caller who hangs up does not keep it from CKAN.
    tableChanged: async (change) => (config.ckanSync ? sync.changed(change) : []),

    async healthcheck(signal) {
      await call({ permission: 'read', resourceId: NOBODYS_ID, signal }).catch((error) => {
        if (error instanceof ServiceUnavailable || signal?.aborted) throw error
      })
      answered()
    },

    close: () => sync.close(),
  }
}

function remedy(ckanUrl: string): string {
  const question = JSON.stringify({ resource_id: NOBODYS_ID, permission: 'read' })
  return [
    `CKAN has no action ${ACTION}: enable ckanext-datastore-authz in ckan.plugins. "Action name not known" is gone from`,
    `curl -s ${ckanUrl}/api/3/action/${ACTION} -H 'Content-Type: application/json' -d '${question}'`,
    'once it is there.',
  ].join(' ')
}

/** CKAN's own words where they say something, with the id where they do not. */
function inOurWords(error: unknown, question: Question): unknown {
  if (error instanceof NotAuthorized && error.message === new NotAuthorized('').message) return denial(question)
  if (!(error instanceof NotFound)) return error
  const { resourceId, packageId } = question
  return new NotFound(`${packageId ? 'Package' : 'Resource'} "${packageId ?? resourceId}" was not found.`)
}

/** A yes is only a yes when it is about what was asked. */
function readDecision(result: unknown, { resourceId, packageId }: Question): Decision {
  if (!isObject(result)) throw misunderstood(ACTION)
  const resource = isResource(result.resource) ? result.resource : undefined
  const dataset = isPackage(result.package) ? result.package : undefined
  const about = packageId ? [dataset?.id, dataset?.name] : [resource?.id]
  if (!about.includes(packageId ?? resourceId)) throw misunderstood(ACTION)
  return { resource, package: dataset && withoutResources(dataset) }
}

/** A dataset may list thousands of resources: nothing here reads them, and the cache would hold them. */
function withoutResources({ resources: _, ...dataset }: CkanPackage): CkanPackage {
  return dataset
}

const isResource = (value: unknown): value is CkanResource => isObject(value) && typeof value.id === 'string'
const isPackage = (value: unknown): value is CkanPackage => isObject(value) && typeof value.id === 'string'

function misunderstood(action: string): ServiceUnavailable {
  return new ServiceUnavailable(`CKAN gave an answer to ${action} that is not understood.`, { retryAfterSeconds: 5 })
}

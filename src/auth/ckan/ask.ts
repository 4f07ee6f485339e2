import { DatastoreError, NotFound, ServiceUnavailable } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { type CkanClient, isObject, UnknownAction, WordlessDenial } from '../../infrastructure/ckan-client.ts'
import { reportOutage } from '../../infrastructure/outage.ts'
import { denial } from '../denial.ts'
import type { CkanPackage, CkanResource, Decision, Question } from '../provider.ts'

const ACTION = 'datastore_authorize'
/** An id that no resource has. */
const NOBODYS_ID = '00000000-0000-0000-0000-000000000000'

export interface Asking {
  /** Puts one question to CKAN (contract §9.1). Throws CKAN's no, or `ServiceUnavailable`. */
  ask(question: Question): Promise<Decision>
  /** Throws `ServiceUnavailable` unless CKAN answers questions: a no is an answer. */
  probe(): Promise<void>
}

/** CKAN's action `datastore_authorize`. That it can't be reached is logged once, and once that it can again. */
export function createAsking(client: CkanClient, ckanUrl: string, logger: Pick<Logger, 'info' | 'error'>): Asking {
  const missing = reportOutage(logger)
  const outage = reportOutage(logger)

  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const result = await work
      answered()
      return result
    } catch (error) {
      if (error instanceof UnknownAction) missing.begin(remedy(ckanUrl))
      else if (error instanceof ServiceUnavailable) outage.begin('Nothing can be authorized', { reason: error.message })
      else if (error instanceof DatastoreError) answered()
      throw error
    }
  }

  const answered = () => {
    missing.end(`CKAN has the action ${ACTION} now`)
    outage.end('CKAN answers again')
  }

  const put = async (question: Question): Promise<Decision> => {
    const { permission, resourceId, packageId, credential, signal } = question
    if (!packageId === !resourceId) throw new TypeError('exactly one of resourceId and packageId is needed')
    const target = packageId ? { package_id: packageId } : { resource_id: resourceId }
    try {
      const result = await client.call(ACTION, { ...target, permission }, { credential, signal, isQuestion: true })
      const decision = readDecision(result, question)
      if (!decision) throw misunderstood(ACTION)
      return decision
    } catch (error) {
      throw inOurWords(error, question)
    }
  }

  return {
    ask: (question) => watched(put(question)),
    async probe() {
      await watched(put({ permission: 'read', resourceId: NOBODYS_ID })).catch((error) => {
        if (error instanceof ServiceUnavailable) throw error
      })
    },
  }
}

function remedy(ckanUrl: string): string {
  const question = JSON.stringify({ resource_id: NOBODYS_ID, permission: 'read' })
  return [
    `CKAN has no action ${ACTION}: enable ckanext-datastore-authz in ckan.plugins. To check:`,
    `curl -s ${ckanUrl}/api/3/action/${ACTION} -H 'Content-Type: application/json' -d '${question}'`,
    '(any answer but "Action name not known" will do)',
  ].join(' ')
}

/** CKAN's own words where they say something, and the id that was asked for where they do not. */
function inOurWords(error: unknown, question: Question): unknown {
  if (error instanceof WordlessDenial) return denial(question)
  if (!(error instanceof NotFound)) return error
  const { resourceId, packageId } = question
  return new NotFound(`${packageId ? 'Package' : 'Resource'} "${packageId ?? resourceId}" was not found.`)
}

/** A yes, if that is what it is: it must be about what was asked. */
export function readDecision(result: unknown, { resourceId, packageId }: Question): Decision | undefined {
  if (!isObject(result)) return undefined
  const resource = isRecord(result.resource) ? result.resource : undefined
  const dataset = isRecord(result.package) ? result.package : undefined
  const about = packageId ? [dataset?.id, dataset?.name] : [resource?.id]
  if (!about.includes(packageId ?? resourceId)) return undefined
  return { resource, package: dataset && withoutResources(dataset) }
}

/** A dataset may list thousands of resources: nothing here reads them, and the cache would hold them. */
function withoutResources({ resources: _, ...dataset }: CkanPackage): CkanPackage {
  return dataset
}

/** One of CKAN's records: what has an id. */
export const isRecord = (value: unknown): value is CkanResource & CkanPackage =>
  isObject(value) && typeof value.id === 'string'

export function misunderstood(action: string): ServiceUnavailable {
  return new ServiceUnavailable(`CKAN gave an answer to ${action} that is not understood.`, { retryAfterSeconds: 5 })
}

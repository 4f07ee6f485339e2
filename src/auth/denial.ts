import { NotAuthorized } from '../core/errors.ts'
import type { Question } from './provider.ts'

/** CKAN's no (contract §3.1), for providers that must word it themselves. */
export function denial({ permission, resourceId, packageId }: Question, user?: string): NotAuthorized {
  const who = user ? `User ${user} not authorized` : 'Not authorized'
  const privilege = packageId ? 'package_update' : permission === 'read' ? 'resource_show' : 'resource_update'
  const what = packageId ? `package ${packageId}` : `resource ${resourceId}`
  return new NotAuthorized(`${who} to perform ${privilege} on ${what}`)
}

/** A no to the caller's credential, whatever it asks for. The words name no resource. */
export class CredentialRefused extends NotAuthorized {}

import { readFile } from 'node:fs/promises'
import { ConfigurationError } from '../../../core/errors.ts'

/** What Google's clients are made with. */
export interface GoogleOptions {
  projectId: string
  apiEndpoint?: string
  credentials?: Record<string, unknown>
  authClient?: unknown
}

/**
 * @param credentials - The JSON of a service account's key, or the path of a file with it; undefined: Application Default
 * Credentials, or none at all for an endpoint without TLS, which is an emulator on the same machine.
 * @throws ConfigurationError without a word of what was given.
 */
export async function googleOptions(
  projectId: string,
  credentials: string | undefined,
  apiEndpoint: string | undefined,
): Promise<GoogleOptions> {
  const place = { projectId, ...(apiEndpoint !== undefined && { apiEndpoint }) }
  if (credentials !== undefined) return { ...place, credentials: await readKey(credentials) }
  if (!apiEndpoint?.startsWith('http://')) return place
  const { PassThroughClient } = await import('google-auth-library')
  return { ...place, authClient: new PassThroughClient() }
}

async function readKey(credentials: string): Promise<Record<string, unknown>> {
  const isJson = credentials.trimStart().startsWith('{')
  try {
    const key: unknown = JSON.parse(isJson ? credentials : await readFile(credentials.trim(), 'utf8'))
    if (typeof key === 'object' && key !== null && 'client_email' in key) return key as Record<string, unknown>
  } catch {
    // The sentence below says all that may be said.
  }
  throw new ConfigurationError([
    'BIGQUERY_CREDENTIALS and BIGQUERY_CREDENTIALS_RO must be the JSON of a service account key, or the path of a readable file with it',
  ])
}

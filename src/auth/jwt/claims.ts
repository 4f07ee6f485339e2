import type { JWTPayload } from 'jose'
import { CredentialRefused, denial } from '../denial.ts'
import type { Permission, Question } from '../provider.ts'

const SCOPES: Record<Permission, string> = {
  read: 'datastore:read',
  create: 'datastore:write',
  update: 'datastore:write',
  delete: 'datastore:write',
}

/** OAuth's own name, that of some login services, and that of others for what an application may do. */
const SCOPE_CLAIMS = ['scope', 'scp', 'permissions']

/**
 * Holds a question against the claims that narrow a token: `scope`, `scp` or `permissions`, and `resources`. Of the first
 * three, items that start with `datastore:` count, in whichever letters: one written otherwise must not count as none.
 * `resources` has ids, or prefixes that end in `*`. A token with none of them may do everything.
 *
 * @param requireScope - Refuse a token without any `datastore:` item.
 * @throws NotAuthorized when the token does not reach that far, or a claim can't be read.
 */
export function checkClaims(payload: JWTPayload, question: Question, requireScope: boolean): void {
  const scopes = SCOPE_CLAIMS.flatMap((claim) => words(payload, claim))
    .map((item) => item.toLowerCase())
    .filter((item) => item.startsWith('datastore:'))
  const scoped = scopes.includes(SCOPES[question.permission]) || (scopes.length === 0 && !requireScope)
  const reached = payload.resources === undefined || reaches(words(payload, 'resources'), question.resourceId)
  if (!scoped || !reached) throw denial(question, payload.sub)
}

/** The items of a claim: a list of texts, or one text with blanks between them. */
function words(payload: JWTPayload, claim: string): string[] {
  const value = payload[claim]
  if (value === undefined) return []
  if (typeof value === 'string') return value.split(/\s+/).filter(Boolean)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw new CredentialRefused(`invalid JWT: the claim "${claim}" must be a list of texts`)
}

function reaches(patterns: string[], resourceId?: string): boolean {
  if (!resourceId) return false
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? resourceId.startsWith(pattern.slice(0, -1)) : resourceId === pattern,
  )
}

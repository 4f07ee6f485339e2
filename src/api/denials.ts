import { CredentialRefused, denial } from '../auth/denial.ts'
import { DatastoreError, NotAuthorized, NotFound, TableNotFound } from '../core/errors.ts'
import type { Operation } from './operation.ts'

/**
 * A provider's no to a read, so that the caller learns nothing but what it typed: the provider was asked about the
 * table's id, and who typed an alias must not hear whose it is. An outage stays what it is.
 */
export function inTheirWords(
  error: unknown,
  { asked, id, operation }: { asked: string; id: string; operation: Operation },
): unknown {
  if (!isNo(error)) return error
  if (operation.hidesDenial || error instanceof NotFound) return new TableNotFound(asked, operation.noun)
  if (asked === id || error instanceof CredentialRefused) return error
  return denial({ permission: 'read', resourceId: asked })
}

/** The same for one of the tables that a statement reads (contract §8.6). */
export function inWordsOfSql(error: unknown): unknown {
  if (!isNo(error) || error instanceof CredentialRefused) return error
  return error instanceof NotFound
    ? new NotFound('A resource that the statement reads was not found.')
    : new NotAuthorized('Not authorized to read resource.')
}

function isNo(error: unknown): error is DatastoreError {
  return error instanceof DatastoreError && error.status < 500
}

import { NotFound, NotImplemented } from '../core/errors.ts'
import type { CallOptions, Engine, Table, Version } from '../infrastructure/engines/engine.ts'

/** Which version of a table is asked for; the one that stands, unless told. */
export interface VersionParams {
  revision?: number
  /** ISO 8601, UTC. */
  as_of?: string
}

/** Revisions that `datastore_info` lists. */
const LISTED = 20

export function isVersioned({ revision, as_of }: VersionParams): boolean {
  return revision !== undefined || as_of !== undefined
}

/**
 * The table as it is asked for, to be read as any other. The caller must be allowed to read it as it is.
 *
 * @throws NotImplemented where the engine keeps no older versions; NotFound where there is no such version, or none any more.
 */
export async function versionOf(
  engine: Engine,
  table: Table,
  { revision, as_of: asOf }: VersionParams,
  options: CallOptions,
): Promise<Table> {
  if (revision === undefined && asOf === undefined) return table
  if (!engine.supports.history || !engine.describeVersion) {
    throw new NotImplemented(`The ${engine.name} engine keeps no older revisions: a table can only be read as it is.`)
  }
  const version: Version = asOf === undefined ? { revision: revision as number } : { asOf }
  const found = await engine.describeVersion(table, version, options)
  if (found) return found
  const asked = asOf === undefined ? `no revision ${revision}` : `no revision as of ${asOf}`
  throw new NotFound(
    `Resource "${table.id}" has ${asked}, or none any more. Those that can be read are listed by datastore_info.`,
  )
}

/** The newest revisions that can be read; undefined where the engine keeps no older ones. */
export async function listRevisions(
  engine: Engine,
  table: Table,
  options: CallOptions,
): Promise<{ revision: number; committed_at: string }[] | undefined> {
  if (!engine.supports.history) return undefined
  const revisions = await engine.revisions?.(table, { limit: LISTED }, options)
  return revisions?.map(({ revision, committedAt }) => ({ revision, committed_at: committedAt }))
}

import type { Session } from '../duckdb/client.ts'
import type { StoredTable } from '../duckdb/metadata.ts'
import { readById } from '../duckdb/metadata.ts'
import type { Revision, Table, Version } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'

/** One row for each commit of a table: which snapshot of the lake shows the table so. `revision` is null where it was dropped. */
const REVISIONS = 'datastore.main._table_revisions'

export async function prepareRevisions(session: Session): Promise<void> {
  await session.run(
    `CREATE TABLE IF NOT EXISTS ${REVISIONS} (resource_id VARCHAR NOT NULL, revision BIGINT, snapshot_id BIGINT NOT NULL, ` +
      'committed_at VARCHAR NOT NULL, write_id VARCHAR NOT NULL)',
  )
}

/** What a commit makes of one table. */
export interface NewRevision {
  id: string
  /** Undefined: the table was dropped. */
  revision: number | undefined
  /** The table's `updatedAt`: `datastore_info` shows it as the revision's time, now and when it is an older one. */
  committedAt: string
}

/** One commit, as its own transaction writes it down. */
export interface Commit {
  revisions: readonly NewRevision[]
  /** That the commit makes. */
  snapshot: number
  /** By which the commit is found again. */
  writeId: string
}

export async function noteRevisions(session: Session, { revisions, snapshot, writeId }: Commit): Promise<void> {
  const rows = revisions.map(({ id, revision, committedAt }) => {
    const [table, time, write] = [id, committedAt, writeId].map(quoteLiteral)
    return `(${table}, ${revision ?? 'NULL'}, ${snapshot}, ${time}, ${write})`
  })
  await session.run(`INSERT INTO ${REVISIONS} VALUES ${rows.join(', ')}`)
}

/** Whether the commit with this id is there. */
export async function isNoted(session: Session, writeId: string): Promise<boolean> {
  const row = await session.row(`SELECT 1 FROM ${REVISIONS} WHERE write_id = ${quoteLiteral(writeId)}`)
  return row !== undefined
}

export async function oldestSnapshot(session: Session, { ask }: Pick<Catalog, 'ask'>): Promise<number> {
  const [oldest] = (await session.row(ask((of) => `SELECT min(snapshot_id) FROM ${of('ducklake_snapshot')}`))) ?? []
  return Number(oldest)
}

/** Drops what no snapshot shows any more. The last commit before the oldest snapshot is still to be seen in it. */
export async function forgetRevisions(session: Session, oldest: number): Promise<void> {
  await session.run(
    `DELETE FROM ${REVISIONS} AS old WHERE (revision IS NULL AND snapshot_id <= ${oldest}) OR EXISTS (FROM ${REVISIONS} AS later ` +
      `WHERE later.resource_id = old.resource_id AND later.snapshot_id > old.snapshot_id AND later.snapshot_id <= ${oldest})`,
  )
}

/** Commits of a table since it was made: what had its id before it is another table. */
const commitsOf = ({ id }: Pick<Table, 'id'>) =>
  `FROM ${REVISIONS} WHERE resource_id = ${quoteLiteral(id)} AND revision IS NOT NULL AND snapshot_id > ` +
  `(SELECT coalesce(max(snapshot_id), -1) FROM ${REVISIONS} WHERE resource_id = ${quoteLiteral(id)} AND revision IS NULL)`

/** The table as it was; undefined where it was not, or where no snapshot shows it any more. */
export async function readVersion(
  session: Session,
  catalog: Pick<Catalog, 'ask'>,
  table: Table,
  version: Version,
): Promise<Table | undefined> {
  const isCurrent = 'asOf' in version ? version.asOf >= table.updatedAt : version.revision === table.revision
  if (isCurrent) return table
  const asked =
    'asOf' in version ? `committed_at <= ${quoteLiteral(version.asOf)}` : `revision = ${Number(version.revision)}`
  const [revision, snapshot] =
    (await session.row(
      `SELECT revision, snapshot_id ${commitsOf(table)} AND ${asked} ORDER BY snapshot_id DESC LIMIT 1`,
    )) ?? []
  if (revision === undefined) return undefined
  const oldest = await oldestSnapshot(session, catalog)
  const past = await readById(session, table.id, Math.max(Number(snapshot), oldest))
  return isOf(table, past) && past.revision === Number(revision) ? { ...past, isPast: true } : undefined
}

/** Whether it is an earlier version of this very table. */
function isOf(table: Table, past: StoredTable | undefined): past is StoredTable {
  return past !== undefined && past.createdAt === table.createdAt
}

export async function readRevisions(session: Session, table: Table, limit: number): Promise<Revision[]> {
  const rows = await session.rows(
    `SELECT revision, committed_at ${commitsOf(table)} AND revision < ${table.revision} ORDER BY snapshot_id DESC LIMIT ${limit - 1}`,
  )
  const past = rows.map(([revision, time]) => ({ revision: Number(revision), committedAt: String(time) }))
  return [{ revision: table.revision, committedAt: table.updatedAt }, ...past]
}

import { VERSION } from '../../../core/_version.ts'
import { ConfigurationError } from '../../../core/errors.ts'
import type { Session } from './client.ts'

/**
 * What turns each format of the metadata into the next, from none to the one that this service reads: the first entry
 * makes format 1. Entries are only ever added, in the change that needs them; one that was released stays as it is.
 */
const STEPS: readonly ((session: Session) => Promise<unknown>)[] = [
  async (session) => {
    await session.run(
      'CREATE TABLE IF NOT EXISTS datastore.main._table_metadata (resource_id VARCHAR NOT NULL, definition VARCHAR NOT NULL, ' +
        'next_id BIGINT NOT NULL, row_count BIGINT NOT NULL, revision BIGINT NOT NULL, schema_revision BIGINT NOT NULL, ' +
        'created_at VARCHAR NOT NULL, updated_at VARCHAR NOT NULL)',
    )
    await session.run(
      'CREATE TABLE IF NOT EXISTS datastore.main._table_aliases (alias VARCHAR NOT NULL, resource_id VARCHAR NOT NULL)',
    )
  },
  // A service that is too old for a file can say which one is not.
  (session) => session.run('ALTER TABLE datastore.main._datastore_format ADD COLUMN service VARCHAR'),
]

/** From which format the metadata came to which. */
export interface Migration {
  from: number
  to: number
}

/**
 * Makes the metadata tables of a new file, brings those of an older service to today's format, all in one transaction,
 * and refuses a file whose metadata is newer than this service.
 *
 * @returns What was done to a file that had metadata; undefined when nothing was.
 */
export async function prepareMetadata(session: Session, steps = STEPS): Promise<Migration | undefined> {
  await session.run('CREATE TABLE IF NOT EXISTS datastore.main._datastore_format (version INTEGER NOT NULL)')
  const from = await storedFormat(session, steps.length)
  const to = steps.length
  if (from === to) return undefined
  await session.transaction(async () => {
    for (const step of steps.slice(from)) await step(session)
    await session.run(`INSERT INTO datastore.main._datastore_format (version, service) VALUES (${to}, '${VERSION}')`)
  })
  return from === 0 ? undefined : { from, to }
}

/** Each format that the file has had is a row; none is a new file. */
async function storedFormat(session: Session, known: number): Promise<number> {
  const [version, service] =
    (await session.row('SELECT * FROM datastore.main._datastore_format ORDER BY version DESC LIMIT 1')) ?? []
  const format = Number(version ?? 0)
  if (format <= known) return format
  const writer = typeof service === 'string' ? `ckan-datastore ${service}, ` : ''
  throw new ConfigurationError([
    `The data was written by a newer version of this service (${writer}metadata format ${format}, this one reads ${known}): update it.`,
  ])
}

/** For the log of a start that has changed the data's format. */
export function migrationLine({ from, to }: Migration): string {
  return `The metadata was brought from format ${from} to format ${to}. Older versions of this service do not read it any more.`
}

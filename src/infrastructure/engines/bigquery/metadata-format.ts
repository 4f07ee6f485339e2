import { setTimeout as sleep } from 'node:timers/promises'
import { VERSION } from '../../../core/_version.ts'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Client } from './client.ts'
import { isConflict, isDuplicate, isNotFound } from './failures.ts'
import { ALIASES, FORMAT, METADATA } from './names.ts'

/** The format of the metadata tables. A dataset with a higher number was written by a newer service. */
const FORMAT_VERSION = 1

const ATTEMPTS = 5

/** The format stands last: where it is, the rest is, too. */
const SCRIPT = [
  `CREATE TABLE IF NOT EXISTS ${METADATA} (resource_id STRING NOT NULL, definition STRING NOT NULL, ` +
    'schema_revision INT64 NOT NULL, created_at STRING NOT NULL) CLUSTER BY resource_id ' +
    "OPTIONS (description = 'Tables of the CKAN DataStore API: one row each. Written by ckan-datastore.')",
  `CREATE TABLE IF NOT EXISTS ${ALIASES} (alias STRING NOT NULL, resource_id STRING NOT NULL) ` +
    "OPTIONS (description = 'Other names of the tables of the CKAN DataStore API. Written by ckan-datastore.')",
  `CREATE TABLE IF NOT EXISTS ${FORMAT} (version INT64 NOT NULL, service STRING NOT NULL) ` +
    "OPTIONS (description = 'Which form these tables have. Written by ckan-datastore.')",
  `INSERT INTO ${FORMAT} (version, service) SELECT ${FORMAT_VERSION}, '${VERSION}' FROM (SELECT 1) ` +
    `WHERE NOT EXISTS (SELECT 1 FROM ${FORMAT})`,
].join(';\n')

/**
 * Makes the metadata tables of a new dataset.
 *
 * @throws ServiceUnavailable for a dataset whose metadata is newer than this service.
 */
export async function prepareMetadata(client: Client): Promise<void> {
  const stored = await storedFormat(client)
  if (stored === undefined) return makeTables(client)
  if (stored.version <= FORMAT_VERSION) return
  throw new ServiceUnavailable(
    `The dataset was written by a newer version of this service (ckan-datastore ${stored.service}, ` +
      `metadata format ${stored.version}, this one reads ${FORMAT_VERSION}): update it.`,
  )
}

async function storedFormat(client: Client): Promise<{ version: number; service: string } | undefined> {
  try {
    const sql = `SELECT version, service FROM ${FORMAT} ORDER BY version DESC LIMIT 1`
    const { rows } = await client.query(sql, { role: 'write' })
    const [version, service] = rows[0]?.f.map(({ v }) => String(v)) ?? []
    return version === undefined || service === undefined ? undefined : { version: Number(version), service }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function makeTables(client: Client): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.script(SCRIPT)
      return
    } catch (error) {
      // Another process makes them, too, just now.
      if (attempt === ATTEMPTS || !(isConflict(error) || isDuplicate(error))) throw error
      await sleep(200 * Math.random() * attempt)
    }
  }
}

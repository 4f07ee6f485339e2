import { randomUUID } from 'node:crypto'
import type { BigQueryOptions } from '@google-cloud/bigquery'
import { BigQuery } from '@google-cloud/bigquery'
import { googleOptions } from '../../src/infrastructure/engines/bigquery/credentials.ts'

/**
 * Where the suites run against Google's own service, in the words of the settings: `BIGQUERY_TEST_PROJECT`,
 * `BIGQUERY_TEST_DATASET`, `BIGQUERY_TEST_LOCATION`, `BIGQUERY_TEST_CREDENTIALS`, `BIGQUERY_TEST_CREDENTIALS_RO`,
 * `BIGQUERY_TEST_EXPORT_BUCKET`, and for a stand-in of Google `BIGQUERY_TEST_API_ENDPOINT`.
 */
const given = (name: string): string | undefined => process.env[`BIGQUERY_TEST_${name}`] || undefined

/** Why nothing runs against Google; undefined when it does. */
export function reasonWithoutGoogle(): string | undefined {
  return given('PROJECT') ? undefined : 'BIGQUERY_TEST_PROJECT is not set'
}

/** A dataset that only one test file knows of. */
export interface GoogleDataset {
  /** Settings that lead a server to it. */
  settings: Record<string, string>
  dropTables(names: readonly string[]): Promise<void>
  /** Deletes it with everything in it. */
  close(): Promise<void>
}

/** What a run that was killed leaves behind is gone after a day. */
const LIFETIME_MS = 86_400_000

/** Makes a dataset beside the one that is named: `BIGQUERY_TEST_DATASET` is how its name begins. */
export async function makeGoogleDataset(): Promise<GoogleDataset> {
  const project = given('PROJECT') as string
  const location = given('LOCATION')
  const endpoint = given('API_ENDPOINT')
  const options = await googleOptions(project, given('CREDENTIALS'), endpoint)
  const client = new BigQuery(options as BigQueryOptions)
  const name = `${given('DATASET') ?? 'ckan_datastore_test'}_${randomUUID().slice(0, 8)}`
  const [dataset] = await client.createDataset(name, {
    ...(location && { location }),
    defaultTableExpirationMs: String(LIFETIME_MS),
    labels: { ckan_datastore: 'test' },
  })
  const reader = given('CREDENTIALS_RO')
  if (reader) await letRead(dataset, reader)
  const settings = {
    ...{ DATASTORE_ENGINE: 'bigquery', BIGQUERY_PROJECT: project, BIGQUERY_DATASET: name },
    ...Object.fromEntries(
      ['LOCATION', 'CREDENTIALS', 'CREDENTIALS_RO', 'EXPORT_BUCKET', 'API_ENDPOINT'].flatMap((setting) => {
        const value = given(setting)
        return value === undefined ? [] : [[`BIGQUERY_${setting}`, value]]
      }),
    ),
  }
  return {
    settings,
    dropTables: async (names) => {
      await Promise.all(names.map((table) => dataset.table(table).delete({ ignoreNotFound: true })))
    },
    close: async () => {
      await dataset.delete({ force: true })
    },
  }
}

type Dataset = ReturnType<BigQuery['dataset']>

/** The account that reads has no right in a dataset that the other has made. */
async function letRead(dataset: Dataset, credentials: string): Promise<void> {
  const { credentials: key } = await googleOptions('', credentials, undefined)
  const [metadata] = await dataset.getMetadata()
  const access = [...(metadata.access ?? []), { role: 'READER', userByEmail: String(key?.client_email) }]
  await dataset.setMetadata({ access })
}

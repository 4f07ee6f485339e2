import { flag, httpAddress, optional, text, whole } from './setting.ts'

/** Settings of the `bigquery` engine. */
export const bigquerySettings = {
  bigqueryProject: optional(
    text({
      env: 'BIGQUERY_PROJECT',
      group: 'bigquery',
      common: true,
      description: 'Google Cloud project that holds the data and pays for the queries.',
      expected: 'the id of a project, such as my-portal-1234',
      unset: 'none',
      example: 'my-portal-1234',
      pattern: '^[a-z0-9.:-]{1,100}$',
    }),
  ),
  bigqueryDataset: optional(
    text({
      env: 'BIGQUERY_DATASET',
      group: 'bigquery',
      common: true,
      description: 'Dataset of that project with the tables; it must be there.',
      expected: 'letters, digits and underscores',
      unset: 'none',
      example: 'datastore',
      pattern: '^[A-Za-z0-9_]{1,1024}$',
    }),
  ),
  bigqueryLocation: optional(
    text({
      env: 'BIGQUERY_LOCATION',
      group: 'bigquery',
      description: 'Where the dataset is.',
      expected: 'a location such as EU or europe-west3',
      unset: 'asked of the dataset',
      example: 'EU',
      pattern: '^[A-Za-z0-9-]+$',
    }),
  ),
  bigqueryCredentials: optional(
    text({
      env: 'BIGQUERY_CREDENTIALS',
      group: 'bigquery',
      secret: true,
      description: 'Service account that writes: the JSON of its key, or the path of a file with it.',
      unset: 'Application Default Credentials',
      minLength: 1,
    }),
  ),
  bigqueryCredentialsRo: optional(
    text({
      env: 'BIGQUERY_CREDENTIALS_RO',
      group: 'bigquery',
      secret: true,
      description: 'Service account that reads and runs SQL; it needs no right to write.',
      unset: '`BIGQUERY_CREDENTIALS`',
      minLength: 1,
    }),
  ),
  bigqueryUseQueryCache: flag({
    env: 'BIGQUERY_USE_QUERY_CACHE',
    group: 'bigquery',
    description:
      "Let BigQuery answer a statement from its own cache, which costs nothing, while the tables haven't changed.",
    default: true,
  }),
  bigqueryMaxBytesBilled: optional(
    whole({
      env: 'BIGQUERY_MAX_BYTES_BILLED',
      group: 'bigquery',
      description: 'Most bytes that one statement may scan; a larger one is refused with its estimate.',
      unset: 'no limit',
      example: '10000000000',
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
    }),
  ),
  bigqueryExportBucket: optional(
    text({
      env: 'BIGQUERY_EXPORT_BUCKET',
      group: 'bigquery',
      description: 'Cloud Storage bucket for downloads and bulk loads, in the location of the dataset.',
      expected: 'the name of a bucket, without gs://',
      unset: 'downloads are streamed; Parquet is not offered',
      example: 'my-portal-exports',
      pattern: '^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$',
    }),
  ),
  bigqueryExportUrlExpiryHours: whole({
    env: 'BIGQUERY_EXPORT_URL_EXPIRY_HOURS',
    group: 'bigquery',
    description: 'How long the signed address of a download is good for.',
    minimum: 1,
    maximum: 168,
    default: 1,
  }),
  bigqueryExternalWrites: flag({
    env: 'BIGQUERY_EXTERNAL_WRITES',
    group: 'bigquery',
    description:
      'Others write to the tables, too (dbt, the console, another server of this kind): look at least every 10 seconds whether they did, which is free. `false`: this process alone writes.',
    default: true,
  }),
  bigqueryApiEndpoint: optional(
    text({
      env: 'BIGQUERY_API_ENDPOINT',
      group: 'bigquery',
      description: 'Address of the BigQuery API: a private endpoint, or an emulator.',
      unset: "Google's",
      example: 'http://localhost:9050',
      ...httpAddress,
    }),
  ),
  storageApiEndpoint: optional(
    text({
      env: 'STORAGE_API_ENDPOINT',
      group: 'bigquery',
      description: 'Address of the Cloud Storage API: a private endpoint, or an emulator.',
      unset: "Google's",
      example: 'http://localhost:4443',
      ...httpAddress,
    }),
  ),
}

import { optional, text, whole } from './setting.ts'

const key = (env: string, description: string) =>
  optional(text({ env, group: 'lake', description, secret: true, unset: 'none', minLength: 1 }))

const address = (env: string, description: string) =>
  optional(
    text({
      env,
      group: 'lake',
      description,
      reads: 'address',
      pattern: '^https?://[^\\s/?#@]+$',
      expected: 'an http:// or https:// address without a path',
      unset: "the provider's own",
      example: 'https://storage.example.org',
    }),
  )

/** Settings of the `ducklake` engine. */
export const lakeSettings = {
  ducklakeCatalog: optional(
    text({
      env: 'DUCKLAKE_CATALOG',
      group: 'lake',
      description:
        "Where the lake's catalog is: a PostgreSQL database, which any number of processes and machines may share; `sqlite:` and a file, for processes of one host; `duckdb:` and a file, for one process.",
      secret: true,
      expected: 'postgres://user:password@host/database, sqlite:path or duckdb:path',
      pattern: '^(postgres(ql)?://\\S+|sqlite:.+|duckdb:.+)$',
      unset: 'none',
      example: 'postgres://lake:password@localhost/lake',
    }),
  ),
  ducklakeDataPath: optional(
    text({
      env: 'DUCKLAKE_DATA_PATH',
      group: 'lake',
      description:
        "Where the lake's Parquet files are: a folder, `s3://bucket/prefix` or `gs://bucket/prefix`. One for each lake, with nothing else in it.",
      expected: 'a folder, s3://bucket/prefix or gs://bucket/prefix',
      pattern: '^(?![a-z0-9]+://(?<!s3://|gs://))\\S.*$',
      unset: 'none',
      example: 's3://portal-data/lake',
    }),
  ),
  ducklakeMetadataSchema: text({
    env: 'DUCKLAKE_METADATA_SCHEMA',
    group: 'lake',
    description: "Schema of a PostgreSQL catalog that holds the lake's tables; made when missing.",
    expected: 'a name of letters, digits and _',
    pattern: '^[a-z_][a-z0-9_]{0,62}$',
    default: 'ducklake',
  }),
  duckdbExtensionDirectory: optional(
    text({
      env: 'DUCKDB_EXTENSION_DIRECTORY',
      group: 'lake',
      description: "Folder of DuckDB's extensions; what is missing there is downloaded from DuckDB at the first start.",
      minLength: 1,
      unset: "`.duckdb/extensions` in the user's own folder",
      example: '/opt/duckdb/extensions',
    }),
  ),
  ducklakeS3Endpoint: address('DUCKLAKE_S3_ENDPOINT', 'Address of an S3-compatible store.'),
  ducklakeS3Region: text({
    env: 'DUCKLAKE_S3_REGION',
    group: 'lake',
    description: 'Region of the bucket.',
    pattern: '^[A-Za-z0-9-]+$',
    expected: 'a region such as eu-central-1',
    default: 'us-east-1',
  }),
  ducklakeS3Key: key('DUCKLAKE_S3_KEY', 'Access key of the S3 bucket.'),
  ducklakeS3Secret: key('DUCKLAKE_S3_SECRET', 'Secret of `DUCKLAKE_S3_KEY`.'),
  ducklakeGcsEndpoint: address('DUCKLAKE_GCS_ENDPOINT', 'Address of a store that speaks as Google Cloud Storage does.'),
  ducklakeGcsKey: key('DUCKLAKE_GCS_KEY', 'HMAC access key of the Google Cloud Storage bucket.'),
  ducklakeGcsSecret: key('DUCKLAKE_GCS_SECRET', 'Secret of `DUCKLAKE_GCS_KEY`.'),
  ducklakeHistoryHours: whole({
    env: 'DUCKLAKE_HISTORY_HOURS',
    group: 'lake',
    description:
      'How long older revisions can be asked for, in hours; then they are given up, and what only they hold is deleted.',
    minimum: 1,
    maximum: 87_600,
    default: 168,
  }),
  ducklakeMaintenanceMinutes: whole({
    env: 'DUCKLAKE_MAINTENANCE_MINUTES',
    group: 'lake',
    description:
      'How often small files are merged and expired ones deleted, in minutes; 0: only by `ckan-datastore maintain`.',
    minimum: 0,
    maximum: 10_080,
    default: 5,
  }),
}

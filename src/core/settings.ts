import { type Static, Type } from '@sinclair/typebox'
import { authSettings } from './auth-settings.ts'
import { bigquerySettings } from './bigquery-settings.ts'
import { lakeSettings } from './lake-settings.ts'
import { operationsSettings } from './operations-settings.ts'
import { serverSettings } from './server-settings.ts'
import { decimal, flag, optional, text, whole } from './setting.ts'

/** Every setting: its type, bounds and default, and what people are told about it. Bounds are inclusive. */
export const settings = Type.Object({
  ...serverSettings,

  datastoreEngine: text({
    env: 'DATASTORE_ENGINE',
    group: 'storage',
    common: true,
    description:
      'Storage engine: the name of a folder in `src/infrastructure/engines`. `bigquery` once `BIGQUERY_PROJECT` is set, `ducklake` once `DUCKLAKE_CATALOG` is.',
    minLength: 1,
    default: 'duckdb',
  }),
  duckdbPath: text({
    env: 'DUCKDB_PATH',
    group: 'storage',
    common: true,
    description: 'Folder that holds the data; made when missing.',
    minLength: 1,
    default: './data',
  }),
  duckdbMemoryLimit: optional(
    text({
      env: 'DUCKDB_MEMORY_LIMIT',
      group: 'storage',
      common: true,
      description: 'Memory that DuckDB may use.',
      expected: 'a size such as 512MB or 4GB',
      unset: "DuckDB's own: 80 % of the machine's",
      example: '2GB',
      pattern: '^[1-9]\\d{0,8}(\\.\\d{1,3})? ?([KMGTkmgt][Ii]?[Bb])$',
    }),
  ),
  duckdbThreads: optional(
    whole({
      env: 'DUCKDB_THREADS',
      group: 'storage',
      description: 'Threads that DuckDB may use.',
      unset: 'one per core',
      example: '2',
      minimum: 1,
      maximum: 1024,
    }),
  ),
  includeUpdatedAt: flag({
    env: 'INCLUDE_UPDATED_AT',
    group: 'storage',
    description: 'Give every table a column `_updated_at` with the time of the last change of each record.',
    default: false,
  }),

  ...lakeSettings,

  searchResultRowsMax: whole({
    env: 'SEARCH_RESULT_ROWS_MAX',
    group: 'reads',
    common: true,
    description: 'Most records that one search or SQL statement returns.',
    minimum: 1,
    maximum: 10_000_000,
    default: 32_000,
  }),
  searchResultRowsDefault: whole({
    env: 'SEARCH_RESULT_ROWS_DEFAULT',
    group: 'reads',
    description: 'Records that a search returns when it names no `limit`; at most `SEARCH_RESULT_ROWS_MAX`.',
    minimum: 1,
    maximum: 10_000_000,
    default: 100,
  }),
  queryTimeoutSeconds: decimal({
    env: 'QUERY_TIMEOUT_SECONDS',
    group: 'reads',
    description: 'How long one query may run before it is stopped.',
    minimum: 0.1,
    maximum: 86_400,
    default: 60,
  }),
  msInTimestamp: flag({
    env: 'MS_IN_TIMESTAMP',
    group: 'reads',
    description: 'Write timestamps with fractions of a second.',
    default: true,
  }),
  sqlSearchEnabled: flag({
    env: 'SQL_SEARCH_ENABLED',
    group: 'reads',
    common: true,
    description: 'Serve `datastore_search_sql` and downloads of SQL results.',
    default: true,
  }),
  sqlMaxConcurrent: whole({
    env: 'SQL_MAX_CONCURRENT',
    group: 'reads',
    description: 'SQL statements that run at once; others wait briefly and are then answered 429.',
    minimum: 1,
    maximum: 1000,
    default: 2,
  }),
  sqlDownloadRowsMax: whole({
    env: 'SQL_DOWNLOAD_ROWS_MAX',
    group: 'reads',
    description:
      'Most rows that the result of a statement may have as a download; a larger one is refused. 0 sets no limit.',
    minimum: 0,
    maximum: 1_000_000_000,
    default: 10_000_000,
  }),
  sqlFunctionsAllowFile: optional(
    text({
      env: 'SQL_FUNCTIONS_ALLOW_FILE',
      group: 'reads',
      description:
        "File that replaces the engine's list of SQL functions that may be called: one name a line, `#` comments.",
      unset: "the engine's own list",
      example: './sql-functions.txt',
      minLength: 1,
    }),
  ),

  ...authSettings,

  ...bigquerySettings,

  ...operationsSettings,
})

export type Settings = Static<typeof settings>

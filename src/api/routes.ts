import { type TObject, type TProperties, Type } from '@sinclair/typebox'
import { NotImplemented } from '../core/errors.ts'
import { CreateParams, CreateResult } from '../schemas/datastore-create.ts'
import { DeleteParams, DeleteResult } from '../schemas/datastore-delete.ts'
import { InfoParams, InfoResult } from '../schemas/datastore-info.ts'
import { RecordsDeleteParams, RecordsDeleteResult } from '../schemas/datastore-records-delete.ts'
import { SearchParams, SearchResult } from '../schemas/datastore-search.ts'
import { DumpSqlParams, SearchSqlParams, SearchSqlResult } from '../schemas/datastore-search-sql.ts'
import { UpsertParams, UpsertResult } from '../schemas/datastore-upsert.ts'
import { DumpParams } from '../schemas/dump.ts'
import { HelpShowParams, HelpShowResult } from '../schemas/help-show.ts'
import { LoadParams, LoadResult, RejectedParams } from '../schemas/load.ts'
import { params, string } from '../schemas/shared.ts'
import { create } from './endpoints/create.ts'
import { deleteRecords, deleteTableOrRows } from './endpoints/delete.ts'
import { dump } from './endpoints/dump.ts'
import { dumpSql } from './endpoints/dump-sql.ts'
import { helpShow } from './endpoints/help-show.ts'
import { info } from './endpoints/info.ts'
import { load, rejectedRows } from './endpoints/load.ts'
import { metrics } from './endpoints/metrics.ts'
import { openapi } from './endpoints/openapi.ts'
import { search } from './endpoints/search.ts'
import { searchSql } from './endpoints/search-sql.ts'
import { docsPage, explorerPage, siteFile } from './endpoints/site.ts'
import { apiVersion, health, ready, root } from './endpoints/status.ts'
import { upsert } from './endpoints/upsert.ts'
import type { Operation, Target } from './operation.ts'

const NoParams = params({} satisfies TProperties, { unknown: 'ignore' })

/** Lets a row's handler know the types of its parameters and of its grant. */
function row<P extends TObject, T extends Target>(operation: Operation<P, T>): Operation {
  return operation as unknown as Operation
}

const datastoreActions: readonly Operation[] = [
  row({
    name: 'datastore_create',
    summary: 'Makes a table, or changes its columns, key and aliases, and appends records, all in one transaction.',
    kind: 'action',
    readOnly: false,
    permission: 'create',
    target: 'declaration',
    params: CreateParams,
    result: CreateResult,
    handle: create,
  }),
  row({
    name: 'datastore_upsert',
    summary: 'Inserts and updates records of a table: all of the call or none.',
    kind: 'action',
    readOnly: false,
    permission: 'update',
    target: 'resource',
    params: UpsertParams,
    result: UpsertResult,
    handle: upsert,
  }),
  row({
    name: 'datastore_delete',
    summary: 'Deletes records of a table, drops some of its columns, or drops the table.',
    kind: 'action',
    readOnly: false,
    permission: 'delete',
    target: 'resource',
    params: DeleteParams,
    result: DeleteResult,
    handle: deleteTableOrRows,
  }),
  row({
    name: 'datastore_records_delete',
    summary: 'Deletes records of a table. Never drops the table.',
    kind: 'action',
    readOnly: false,
    permission: 'delete',
    target: 'resource',
    params: RecordsDeleteParams,
    result: RecordsDeleteResult,
    handle: deleteRecords,
  }),
  row({
    name: 'datastore_search',
    summary: 'Reads records of a table: filtered, searched by words, sorted, page by page.',
    kind: 'action',
    readOnly: true,
    permission: 'read',
    remembered: true,
    target: 'searchable',
    params: SearchParams,
    result: SearchResult,
    handle: search,
  }),
  row({
    name: 'datastore_search_sql',
    summary: 'Runs one SELECT over tables that the caller may read.',
    kind: 'action',
    readOnly: true,
    permission: 'read',
    target: 'statement',
    params: SearchSqlParams,
    result: SearchSqlResult,
    enabled: ({ sqlSearchEnabled }) => sqlSearchEnabled,
    handle: searchSql,
  }),
  row({
    name: 'datastore_info',
    summary: 'Describes a table: columns, data dictionary, counts and sizes.',
    kind: 'action',
    readOnly: true,
    permission: 'read',
    target: 'table',
    noun: 'Resource/Alias',
    params: InfoParams,
    result: InfoResult,
    handle: info,
  }),
]

const pages: readonly Operation[] = [
  row({
    name: 'dump_query',
    summary: 'The result of a SELECT as a file.',
    kind: 'page',
    paths: ['/datastore/dump/query'],
    readOnly: true,
    permission: 'read',
    target: 'statement',
    params: DumpSqlParams,
    result: Type.Any(),
    enabled: ({ sqlSearchEnabled }) => sqlSearchEnabled,
    handle: dumpSql,
  }),
  row({
    name: 'dump',
    summary: 'The records of a table as a file.',
    kind: 'page',
    paths: ['/datastore/dump/:resource_id'],
    readOnly: true,
    permission: 'read',
    target: 'download',
    hidesDenial: true,
    params: DumpParams,
    result: Type.Any(),
    handle: dump,
  }),
  row({
    name: 'load',
    summary: 'Fills a table from a file: CSV, TSV, JSON, NDJSON or Parquet, of any size.',
    kind: 'page',
    paths: ['/datastore/load/:resource_id'],
    readOnly: false,
    takesFile: true,
    permission: 'update',
    target: 'load',
    params: LoadParams,
    result: LoadResult,
    handle: load,
  }),
  row({
    name: 'load_rejected',
    summary: 'The rows that a load has left out, as a csv file.',
    kind: 'page',
    paths: ['/datastore/load/:resource_id/rejected/:rejected_file'],
    readOnly: true,
    permission: 'update',
    target: 'resource',
    params: RejectedParams,
    result: Type.Any(),
    handle: rejectedRows,
  }),
  row({
    name: 'root',
    summary: 'Says that this is a datastore.',
    kind: 'page',
    paths: ['/'],
    readOnly: true,
    target: 'none',
    params: NoParams,
    result: Type.Object({ message: Type.String() }),
    handle: async ({ context }) => (await explorerPage(context)) ?? root(context),
  }),
  row({
    name: 'health',
    summary: 'Says that the process answers.',
    kind: 'page',
    paths: ['/health', '/api/3/action/health', '/api/action/health'],
    readOnly: true,
    target: 'none',
    params: NoParams,
    result: Type.Object({ status: Type.Literal('ok') }),
    handle: async () => health(),
  }),
  row({
    name: 'ready',
    summary: 'Says whether the storage engine and the auth provider answer.',
    kind: 'page',
    paths: ['/ready', '/api/3/action/ready', '/api/action/ready'],
    readOnly: true,
    target: 'none',
    params: NoParams,
    result: Type.Object({ status: Type.Union([Type.Literal('ready'), Type.Literal('not_ready')]) }),
    handle: ({ context }) => ready(context),
  }),
  row({
    name: 'metrics',
    summary: 'Counts and times of what this server does, in the format of Prometheus.',
    kind: 'page',
    paths: ['/metrics'],
    readOnly: true,
    target: 'none',
    params: NoParams,
    result: Type.Any(),
    internal: true,
    enabled: ({ metricsEnabled }) => metricsEnabled,
    handle: ({ context }) => metrics(context),
  }),
  row({
    name: 'api_version',
    summary: "Says which version of CKAN's API a path speaks.",
    kind: 'page',
    paths: ['/api/3', '/api', '/api/1', '/api/2'],
    readOnly: true,
    bare: true,
    target: 'none',
    params: NoParams,
    result: Type.Object({ version: Type.Integer() }),
    handle: async ({ context }) => apiVersion(context),
  }),
]

/** This server's own pages, and what they are made of. */
const site: readonly Operation[] = [
  row({
    name: 'openapi',
    summary: "The API's description, as OpenAPI 3.1.",
    kind: 'page',
    paths: ['/openapi.json'],
    readOnly: true,
    internal: true,
    target: 'none',
    params: NoParams,
    result: Type.Any(),
    handle: ({ context }) => openapi(context, operations),
  }),
  row({
    name: 'docs',
    summary: "The API's description, for people.",
    kind: 'page',
    paths: ['/docs'],
    readOnly: true,
    internal: true,
    target: 'none',
    params: NoParams,
    result: Type.Any(),
    handle: ({ context }) => docsPage(context),
  }),
  row({
    name: 'site_file',
    summary: 'A script, a style sheet or a picture of the pages.',
    kind: 'page',
    paths: ['/assets/:file'],
    readOnly: true,
    internal: true,
    target: 'none',
    params: params({ file: string() }, { unknown: 'ignore' }),
    result: Type.Any(),
    handle: ({ context, params: { file } }) => siteFile(context, file),
  }),
]

/** What CKAN has and only PostgreSQL can do (contract §8.8). */
const postgresActions: readonly Operation[] = [
  'datastore_run_triggers',
  'datastore_function_create',
  'datastore_function_delete',
  'datastore_sequence_create',
  'datastore_sequence_delete',
  'datastore_sequence_next',
].map((name) =>
  row({
    name,
    summary: 'Needs PostgreSQL and is not available on this server.',
    kind: 'action',
    readOnly: false,
    target: 'none',
    params: NoParams,
    result: Type.Null(),
    handle: async () => {
      throw new NotImplemented(`${name} is not available on this server`)
    },
  }),
)

const help = row({
  name: 'help_show',
  summary: 'Explains an action.',
  kind: 'action',
  readOnly: true,
  target: 'none',
  params: HelpShowParams,
  result: HelpShowResult,
  handle: async ({ params: { name } }) => helpShow({ name }, operations),
})

/** Every operation that can be asked for: the router, the boundary policy and the API's description read this table. */
export const operations: readonly Operation[] = [...datastoreActions, help, ...pages, ...site, ...postgresActions]

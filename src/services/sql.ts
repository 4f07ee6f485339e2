import { NotFound, NotImplemented, PayloadTooLarge } from '../core/errors.ts'
import {
  type CallOptions,
  type Engine,
  type InspectedSql,
  type SqlPlan,
  type SqlResult,
  stateOf,
  type Table,
} from '../infrastructure/engines/engine.ts'
import type { DumpSqlParams, SearchSqlParams } from '../schemas/datastore-search-sql.ts'
import type { AnsweredSql, ServiceContext } from './answered.ts'
import type { Download, FileKind } from './dump.ts'
import type { FileFormat } from './file-formats.ts'
import { fileOf, formatOf } from './file-formats.ts'
import { Slots } from './slots.ts'
import type { CheckedStatement } from './sql-gate/index.ts'
import { checkStatement } from './sql-gate/index.ts'
import { withTimeLimit } from './time-limit.ts'

type AuthorizeTable = (table: Table) => Promise<void>

/** A statement that passed both gates, and the tables that it reads, each authorized. */
type Admitted = InspectedSql & { resolved: Map<string, Table> }

const WAIT_SECONDS = 5

const slots = new WeakMap<Engine, Slots>()

/**
 * datastore_search_sql: through the first gate, the engine's gate, and the authorization of every table, to the
 * engine (contract §8.6, §9.7).
 */
export async function searchSql(
  context: ServiceContext,
  params: SearchSqlParams,
  authorizeTable: AuthorizeTable,
  options: CallOptions,
): Promise<AnsweredSql> {
  const { config } = context
  const checked = checkStatement(params.sql)
  const format = params.records_format || 'objects'
  const page = pageOf(checked, config.searchResultRowsMax)
  const { fields, records, rows, truncated, total } = await withAdmitted(
    context,
    checked.sql,
    authorizeTable,
    options,
    (admitted, limited) =>
      runOnce(context, { ...admitted, rowsMax: config.searchResultRowsMax, format, ...(page && { page }) }, limited),
  )
  return {
    result: {
      sql: params.sql,
      fields,
      ...(params.records_format && { records_format: format }),
      ...(truncated && { records_truncated: true }),
      ...(page && { limit: page.limit, offset: page.offset }),
      ...(total !== undefined && { total }),
    },
    records,
    recordsAs: format === 'csv' || format === 'tsv' ? 'string' : 'array',
    rows,
    warnings: [],
    ...(page && { sqlAt: (at: number) => `${page.countSql} LIMIT ${page.limit} OFFSET ${at}` }),
  }
}

/**
 * Runs a statement, unless its result is known: of the same statement on the same revisions of all tables that it
 * reads, each of which this caller has just been allowed.
 */
async function runOnce({ engine, results }: ServiceContext, plan: SqlPlan, options: CallOptions): Promise<SqlResult> {
  if (!results || !plan.repeatable) return engine.runSql(plan, options)
  const tables = [...plan.resolved].map(([name, table]) => [name, ...stateOf(table)])
  const key = JSON.stringify(['sql', plan.sql, plan.format, plan.page, tables])
  const known = await results.get(key, isAboutResult)
  if (known) return { ...known.about, records: known.bytes }
  const result = await engine.runSql(plan, options)
  const { records, ...about } = result
  if (records instanceof Uint8Array) results.set(key, { about, bytes: records })
  return result
}

/** What is kept of a result beside its records. */
type AboutResult = Omit<SqlResult, 'records'>

function isAboutResult(about: unknown): about is AboutResult {
  const { fields, rows, truncated, total } = (about ?? {}) as Partial<Record<keyof AboutResult, unknown>>
  const isField = (field: unknown) => {
    const { id, type } = (field ?? {}) as Record<string, unknown>
    return typeof id === 'string' && typeof type === 'string'
  }
  return (
    Array.isArray(fields) &&
    fields.every(isField) &&
    typeof rows === 'number' &&
    typeof truncated === 'boolean' &&
    ['number', 'undefined'].includes(typeof total)
  )
}

/**
 * The result of a statement as a file: the same ways, but with no other limit on its rows than
 * `SQL_DOWNLOAD_ROWS_MAX` (contract §9.9).
 */
export async function dumpSql(
  context: ServiceContext,
  params: DumpSqlParams,
  authorizeTable: AuthorizeTable,
  options: CallOptions,
): Promise<Download> {
  const { engine, config } = context
  const format = formatOf(params)
  const rowsMax = config.sqlDownloadRowsMax || undefined
  const plan = {
    format: format.engineFormat,
    ...(format.line && { line: format.line }),
    ...(format.zipOf !== undefined && { parts: true }),
    ...(!format.frame && format.zipOf === undefined && { file: { header: '', ...kindOf(format) } }),
    ...(rowsMax && { rowsMax }),
  }
  const dump = requireDownloads(engine)
  const { sql } = checkStatement(params.sql)
  const dumped = await withAdmitted(context, sql, authorizeTable, options, (admitted, limited) =>
    dump({ ...admitted, ...plan }, limited),
  )
  if (dumped.kind === 'redirect') return { redirect: dumped.url }
  if (dumped.kind === 'too large') throw new PayloadTooLarge(dumped.hint)
  const fields = dumped.kind === 'stream' ? dumped.fields : []
  const file = await fileOf(format, dumped, fields, { ...params, base: 'query', lastModified: new Date() })
  return { ...file, ...kindOf(format) }
}

/** What `dumpSql` would answer, without running the statement: what forbids it is thrown here as well. */
export async function describeSqlDump(
  context: ServiceContext,
  params: DumpSqlParams,
  authorizeTable: AuthorizeTable,
  options: CallOptions,
): Promise<FileKind> {
  requireDownloads(context.engine)
  const { sql } = checkStatement(params.sql)
  await withAdmitted(context, sql, authorizeTable, options, async () => {})
  return kindOf(formatOf(params))
}

function requireDownloads(engine: Engine): NonNullable<Engine['dumpSql']> {
  if (!engine.supports.sqlDownload || !engine.dumpSql) {
    throw new NotImplemented(
      `SQL results can't be downloaded from the ${engine.name} engine. Use datastore_search_sql.`,
    )
  }
  return engine.dumpSql.bind(engine)
}

function kindOf({ contentType, extension }: FileFormat): FileKind {
  return { contentType, filename: `query.${extension}` }
}

/** Runs `work` with a statement that may run, when there is room for it, and not for longer than a query may take. */
async function withAdmitted<T>(
  { engine, config }: ServiceContext,
  sql: string,
  authorizeTable: AuthorizeTable,
  options: CallOptions,
  work: (admitted: Admitted, limited: CallOptions) => Promise<T>,
): Promise<T> {
  const run = () =>
    withTimeLimit(config.queryTimeoutSeconds, 'Query took too long', options, async (limited) => {
      const inspected = await engine.inspectSql(sql, limited)
      return work({ ...inspected, resolved: await resolveTables(engine, inspected, authorizeTable, limited) }, limited)
    })
  return slotsOf(engine, config.sqlMaxConcurrent).run(run, options.signal)
}

/** The page that a constant LIMIT asks for; it has no more rows than an answer may have. */
function pageOf({ limit, offset = 0, countSql }: CheckedStatement, rowsMax: number) {
  return limit === undefined || countSql === undefined
    ? undefined
    : { limit: Math.min(limit, rowsMax), offset, countSql }
}

/** Every name that the statement reads as the table it stands for, each authorized before the next is looked at. */
async function resolveTables(
  engine: Engine,
  { tables }: InspectedSql,
  authorizeTable: AuthorizeTable,
  options: CallOptions,
): Promise<Map<string, Table>> {
  const resolved = new Map<string, Table>()
  for (const name of new Set(tables)) {
    // A plain name in SQL is lower-case, however it is written.
    const table = (await engine.describe(name, options)) ?? (await engine.describe(name.toLowerCase(), options))
    if (!table) throw new NotFound(`Resource "${name}" was not found.`)
    await authorizeTable(table)
    resolved.set(name, table)
  }
  return resolved
}

function slotsOf(engine: Engine, size: number): Slots {
  let found = slots.get(engine)
  if (!found) {
    found = new Slots({
      size,
      waitSeconds: WAIT_SECONDS,
      sentence: 'Too many SQL statements run just now. Try again in a few seconds.',
    })
    slots.set(engine, found)
  }
  return found
}

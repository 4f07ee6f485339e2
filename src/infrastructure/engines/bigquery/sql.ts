import { NotFound, ValidationError } from '../../../core/errors.ts'
import { columnType, typeName } from '../../../core/field-types.ts'
import type { SqlPlan, SqlResult } from '../engine.ts'
import { BigqueryFailure, isNotFound, translateFailure } from './failures.ts'
import { checkDryRun } from './gate/dry-run.ts'
import { rewriteSql } from './gate/index.ts'
import { decodeName, quoteName, tableOf } from './names.ts'
import type { ResultCell } from './render.ts'
import { rawText, rowFormats } from './render.ts'
import type { RestField } from './rest.ts'
import type { ResultPage } from './result-page.ts'
import type { Store } from './store.ts'

/** Most bytes of rows in one answer: they are held in memory. */
const MAX_BYTES = 100_000_000
const TOO_LARGE =
  'The result is larger than 100 MB. Ask for fewer rows or columns, or download it from /datastore/dump/query.'

/** Runs a statement that both gates have let through, under the credential that only reads. */
export async function runSql(store: Store, plan: SqlPlan, signal?: AbortSignal): Promise<SqlResult> {
  const { client } = store
  try {
    const sql = await admitted(store, plan.sql, plan, signal)
    const first = await client.query(sql, { signal })
    const columns = resultCells(first.fields)
    const { writer, separator } = rowFormats[plan.format]
    const write = writer(columns, { msInTimestamp: false })
    const lines: string[] = []
    let bytes = 0
    for (
      let page: ResultPage | undefined = first;
      page && lines.length < plan.rowsMax;
      page = await client.nextPage(page, { signal })
    ) {
      for (const { f } of page.rows.slice(0, plan.rowsMax - lines.length)) {
        const line = write(f.map(rawText))
        bytes += line.length
        if (bytes > MAX_BYTES) throw new ValidationError({ query: [TOO_LARGE] }, { message: TOO_LARGE })
        lines.push(line)
      }
    }
    const total = plan.page && (await totalOf(store, plan, first.totalRows, signal))
    return {
      fields: resultFields(columns),
      records: new TextEncoder().encode(lines.join(separator)),
      rows: lines.length,
      truncated: first.totalRows > plan.rowsMax,
      ...(total !== undefined && { total }),
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw sqlFailure(error)
  }
}

/**
 * The statement as BigQuery is to run it, every table by its own full name, once BigQuery has said what it would read.
 *
 * @throws NotAuthorized for any other table than the authorized ones; ValidationError for what it can't run.
 */
export async function admitted(
  store: Store,
  sql: string,
  plan: Pick<SqlPlan, 'resolved'>,
  signal?: AbortSignal,
): Promise<string> {
  const { client, config } = store
  const { project, dataset } = client
  const written = statement(store, sql, plan)
  const tables = new Set([...plan.resolved.values()].map(({ id }) => tableOf(id)))
  checkDryRun(await client.dryRun(written, signal), {
    project,
    dataset,
    tables,
    maxBytes: config.bigqueryMaxBytesBilled,
  })
  return written
}

function statement(
  { client, functions }: Pick<Store, 'client' | 'functions'>,
  sql: string,
  { resolved }: Pick<SqlPlan, 'resolved'>,
): string {
  const tables = new Map(
    [...resolved].map(([name, { id }]) => [name, quoteName(`${client.project}.${client.dataset}.${tableOf(id)}`)]),
  )
  return rewriteSql(sql, tables, functions)
}

/** Rows of the statement without its LIMIT and OFFSET: known already when the page is the last. */
async function totalOf(store: Store, plan: SqlPlan, rows: number, signal?: AbortSignal): Promise<number> {
  const { limit, offset, countSql } = plan.page as NonNullable<SqlPlan['page']>
  if (rows < limit && (rows > 0 || offset === 0)) return offset + rows
  return countRows(store, statement(store, countSql, plan), signal)
}

/** Rows of an admitted statement. */
export async function countRows({ client }: Store, sql: string, signal?: AbortSignal): Promise<number> {
  const page = await client.query(`SELECT COUNT(*) FROM (${sql}\n)`, { signal })
  return Number(page.rows[0]?.f[0]?.v)
}

/** BigQuery's types by PostgreSQL's names; what is nested is JSON. */
const resultTypes: Readonly<Record<string, string>> = {
  INTEGER: 'int8',
  INT64: 'int8',
  FLOAT: 'float8',
  FLOAT64: 'float8',
  NUMERIC: 'numeric',
  BIGNUMERIC: 'numeric',
  BOOLEAN: 'bool',
  BOOL: 'bool',
  DATE: 'date',
  TIME: 'time',
  DATETIME: 'timestamp',
  TIMESTAMP: 'timestamptz',
  JSON: 'json',
  RECORD: 'json',
  STRUCT: 'json',
}

/** The columns of a statement's result by the names that their tables have in the API. */
export function resultCells(fields: readonly RestField[]): ResultCell[] {
  const taken = new Set<string>()
  return fields.map(({ name, type, mode }) => {
    const given = /^f\d+_$/.test(name) ? name : decodeName(name)
    let unique = given
    for (let number = 1; taken.has(unique); number += 1) unique = `${given}_${number}`
    taken.add(unique)
    return { name: unique, type: columnType(mode === 'REPEATED' ? 'json' : (resultTypes[type] ?? 'text')) }
  })
}

/** The columns as an answer lists them. */
export function resultFields(columns: readonly ResultCell[]): { id: string; type: string }[] {
  return columns.map(({ name, type }) => ({
    id: name,
    type: name === '_id' && type.type.name === 'int8' ? 'int4' : typeName(type),
  }))
}

/** What went wrong in a caller's statement, without a project's or a dataset's name. */
export function sqlFailure(error: unknown): unknown {
  if (isNotFound(error)) return new NotFound('A table of the query was not found.')
  if (!(error instanceof BigqueryFailure) || !/^invalid/.test(error.reason)) return translateFailure(error)
  const sentence = (error.message.split('\n')[0] ?? '').replace(/`?[\w-]+[.:][\w-]+\.([^\s`]+)`?/g, '$1').trim()
  return new ValidationError({ query: [`(${error.reason}) ${sentence}`] }, { cause: error })
}

import type { DuckDBType } from '@duckdb/node-api'
import { DuckDBTypeId } from '@duckdb/node-api'
import { ValidationError } from '../../../core/errors.ts'
import { columnType, typeName } from '../../../core/field-types.ts'
import type { SqlPlan, SqlResult } from '../engine.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { StoredType } from './dialect.ts'
import { createDialect } from './dialect.ts'
import { blobBytes } from './insert.ts'
import type { Cell } from './render.ts'
import { rowFormats } from './render.ts'
import { sqlFailure } from './sql-failure.ts'
import type { Store } from './store.ts'
import { tableName } from './store.ts'

/** How a result column is named in PostgreSQL's terms, and written. */
interface ResultColumn {
  name: string
  typeName: string
  cell: Cell
}

/** Most bytes of rows in one answer: they are held in memory. */
const MAX_BYTES = 100_000_000
const TOO_LARGE =
  'The result is larger than 100 MB. Ask for fewer rows or columns, or download it from /datastore/dump/query.'

/** In SQL results a timestamp has as many decimals as it needs (contract §4.6). */
export const dialect = createDialect({ msInTimestamp: false, scaleOf: () => 0 })

/** Runs a statement that both gates have let through, read-only, and writes its rows in the asked format. */
export async function runSql(store: Store, plan: SqlPlan, signal?: AbortSignal): Promise<SqlResult> {
  return store.client.session(
    async (session) => {
      try {
        const before = await store.storage.expose(session, plan.resolved)
        return await session.transaction(() => run(session, plan, before), { readOnly: true })
      } catch (error) {
        signal?.throwIfAborted()
        throw sqlFailure(error, plan.sql)
      }
    },
    signal,
    'sql',
  )
}

async function run(session: Session, plan: SqlPlan, aliases: string): Promise<SqlResult> {
  const columns = await resultColumns(session, `${aliases} SELECT * FROM (${plan.sql}\n)`)
  const { text, separator } = rowFormats[plan.format]
  const names = columns.map((_, index) => `c${index}`).join(', ')
  const line = text(
    columns.map(({ cell }) => cell),
    dialect,
  )
  const [bytes, count, size] = (await session.row(
    `${aliases} SELECT if(strlen(text) <= ${MAX_BYTES}, encode(text), NULL), rows, strlen(text) FROM (` +
      `SELECT string_agg(line, ${quoteLiteral(separator)} ORDER BY n) FILTER (n <= ${plan.rowsMax}) AS text, count(*) AS rows FROM (` +
      `SELECT ${line} AS line, row_number() OVER () AS n FROM (${plan.sql}\n) AS q(${names}) LIMIT ${plan.rowsMax + 1}))`,
  )) ?? [null, 0n, null]
  if (Number(size) > MAX_BYTES) throw new ValidationError({ query: [TOO_LARGE] }, { message: TOO_LARGE })
  const rows = Number(count)
  const total = plan.page && (await countRows(session, plan.page, rows, aliases))
  return {
    fields: columns.map(({ name, typeName }) => ({ id: name, type: typeName })),
    records: blobBytes(bytes),
    rows: Math.min(rows, plan.rowsMax),
    truncated: rows > plan.rowsMax,
    ...(total !== undefined && { total }),
  }
}

/** Rows of the statement without its LIMIT and OFFSET: known already when the page is the last. */
async function countRows(
  session: Session,
  { limit, offset, countSql }: NonNullable<SqlPlan['page']>,
  rows: number,
  aliases: string,
): Promise<number> {
  if (rows < limit && (rows > 0 || offset === 0)) return offset + rows
  const [count] = (await session.row(`${aliases} SELECT count(*) FROM (${countSql}\n)`)) ?? [0n]
  return Number(count)
}

/** Aliases are not tables of the file: the statement sees them as common table expressions around it. */
export function aliasTables(resolved: SqlPlan['resolved']): string {
  const ctes = [...resolved]
    .filter(([name, table]) => name !== table.id)
    .map(([name, table]) => `${quoteIdentifier(name)} AS NOT MATERIALIZED (SELECT * FROM ${tableName(table.id)})`)
  return ctes.length > 0 ? `WITH ${ctes.join(', ')}` : ''
}

/** The columns of a statement's result: `c0`, `c1` … in the order of its own, which may have equal names or none. */
export async function resultColumns(session: Session, sql: string): Promise<ResultColumn[]> {
  const prepared = await session.prepare(sql)
  try {
    const given = Array.from({ length: prepared.columnCount }, (_, index) =>
      resultName(prepared.columnName(index), sql),
    )
    return distinctNames(given).map((name, index) => {
      const type = resultType(prepared.columnType(index))
      const value = type.convert ? type.convert(`c${index}`) : `c${index}`
      return {
        name,
        typeName: name === '_id' && type.stored.type.type.name === 'int8' ? 'int4' : type.name,
        cell: { name, value, type: type.stored },
      }
    })
  } finally {
    prepared.destroySync()
  }
}

/**
 * What PostgreSQL calls a result that the statement does not name: a function by its name (`count`, not
 * `count_star()`), a cast column by the column. DuckDB gives the text of the expression.
 */
function resultName(name: string, sql: string): string {
  if (sql.includes(quoteIdentifier(name))) return name
  const text = name.replace(/^main\./, '')
  const cast = castExpression(text)
  if (cast !== undefined) return resultName(cast, sql)
  if (/^CASE\s/i.test(text)) return 'case'
  const call = /^"?([a-z_][a-z0-9_]*)"?\(.*\)$/is.exec(text)?.[1]?.toLowerCase()
  if (call === undefined) return name
  return call === 'count_star' ? 'count' : call
}

/** The expression in `CAST(expression AS type)`. By its last AS: a pattern would try each one of a long text. */
function castExpression(text: string): string | undefined {
  const start = /^(?:TRY_)?CAST\(/i.exec(text)?.[0]
  const as = text.toUpperCase().lastIndexOf(' AS ')
  if (start === undefined || as === -1 || !/^[^()]*(?:\([^()]*\))?\)$/.test(text.slice(as + 4))) return undefined
  return text.slice(start.length, as)
}

/** Each name once: a JSON object would keep only the last of equal ones. */
function distinctNames(names: readonly string[]): string[] {
  const taken = new Set(names)
  const seen = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let number = 1; seen.has(unique) || (unique !== name && taken.has(unique)); number += 1)
      unique = `${name}_${number}`
    seen.add(unique)
    return unique
  })
}

interface ResultType {
  name: string
  stored: StoredType
  /** SQL that brings a value into the stored type's form. */
  convert?: (value: string) => string
}

const named = (name: string, convert?: ResultType['convert']): ResultType => {
  const type = columnType(name)
  return { name: typeName(type), stored: { type, scale: 0 }, ...(convert && { convert }) }
}

const asText = (value: string) => `CAST(${value} AS VARCHAR)`
const asDecimal = (value: string) => `CAST(${value} AS DECIMAL(38,0))`

/** DuckDB's types by PostgreSQL's names; what PostgreSQL lacks is text, what is nested is JSON. */
const resultTypes: Readonly<Partial<Record<DuckDBTypeId, ResultType>>> = {
  [DuckDBTypeId.BOOLEAN]: named('bool'),
  [DuckDBTypeId.TINYINT]: named('int2'),
  [DuckDBTypeId.UTINYINT]: named('int2'),
  [DuckDBTypeId.SMALLINT]: named('int2'),
  [DuckDBTypeId.USMALLINT]: named('int4'),
  [DuckDBTypeId.INTEGER]: named('int4'),
  [DuckDBTypeId.UINTEGER]: named('int8'),
  [DuckDBTypeId.BIGINT]: named('int8'),
  [DuckDBTypeId.UBIGINT]: named('numeric', asDecimal),
  [DuckDBTypeId.HUGEINT]: named('numeric', asDecimal),
  [DuckDBTypeId.UHUGEINT]: named('numeric', asDecimal),
  [DuckDBTypeId.FLOAT]: named('float4'),
  [DuckDBTypeId.DOUBLE]: named('float8'),
  [DuckDBTypeId.DATE]: named('date'),
  [DuckDBTypeId.TIME]: named('time'),
  [DuckDBTypeId.TIMESTAMP]: named('timestamp'),
  [DuckDBTypeId.TIMESTAMP_S]: named('timestamp', (value) => `CAST(${value} AS TIMESTAMP)`),
  [DuckDBTypeId.TIMESTAMP_MS]: named('timestamp', (value) => `CAST(${value} AS TIMESTAMP)`),
  [DuckDBTypeId.TIMESTAMP_NS]: named('timestamp', (value) => `CAST(${value} AS TIMESTAMP)`),
  [DuckDBTypeId.TIMESTAMP_TZ]: named('timestamptz'),
  [DuckDBTypeId.UUID]: named('uuid'),
  [DuckDBTypeId.STRUCT]: named('json', (value) => `to_json(${value})`),
  [DuckDBTypeId.MAP]: named('json', (value) => `to_json(${value})`),
  [DuckDBTypeId.UNION]: named('json', (value) => `to_json(${value})`),
  [DuckDBTypeId.ARRAY]: named('json', (value) => `to_json(${value})`),
  [DuckDBTypeId.INTERVAL]: named('interval', asText),
}

const textType = named('text', asText)

function resultType(type: DuckDBType): ResultType {
  if (type.typeId === DuckDBTypeId.DECIMAL) {
    const { width, scale } = type as DuckDBType & { width: number; scale: number }
    // A column without a declared scale has the full width, and no zeros behind what was sent (contract §4.6).
    const modifier = width < 38 ? { modifier: [width, scale] } : {}
    return { name: 'numeric', stored: { type: { ...columnType('numeric'), ...modifier }, scale } }
  }
  if (type.typeId === DuckDBTypeId.VARCHAR) return type.alias === 'JSON' ? named('json') : named('text')
  if (type.typeId === DuckDBTypeId.LIST) return listType((type as DuckDBType & { valueType: DuckDBType }).valueType)
  return resultTypes[type.typeId] ?? textType
}

function listType(valueType: DuckDBType): ResultType {
  const element = resultType(valueType)
  const nested = valueType.typeId === DuckDBTypeId.LIST || element.convert
  if (nested) return named('json', (value) => `to_json(${value})`)
  const type = { ...element.stored.type, array: true }
  return { name: typeName(type), stored: { type, scale: element.stored.scale } }
}

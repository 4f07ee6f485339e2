import { NotFound } from '../core/errors.ts'
import type { CallOptions, Engine, InspectedSql, Table } from '../infrastructure/engines/engine.ts'
import type { SearchSqlParams } from '../schemas/datastore-search-sql.ts'
import type { AnsweredSql, ServiceContext } from './answered.ts'
import { Slots } from './slots.ts'
import type { CheckedStatement } from './sql-gate.ts'
import { checkStatement } from './sql-gate.ts'
import { withTimeLimit } from './time-limit.ts'

const WAIT_SECONDS = 5

const slots = new WeakMap<Engine, Slots>()

/**
 * datastore_search_sql: through the first gate, the engine's gate, and the authorization of every table, to the
 * engine (contract §8.6, §9.7).
 */
export async function searchSql(
  { engine, config }: ServiceContext,
  params: SearchSqlParams,
  authorizeTable: (table: Table) => Promise<void>,
  options: CallOptions,
): Promise<AnsweredSql> {
  const checked = checkStatement(params.sql)
  const run = () =>
    withTimeLimit(config.queryTimeoutSeconds, 'Query took too long', options, async (limited) => {
      const inspected = await engine.inspectSql(checked.sql, limited)
      const resolved = await resolveTables(engine, inspected, authorizeTable, limited)
      const page = pageOf(checked)
      return engine.runSql({ ...inspected, resolved, rowsMax: config.searchResultRowsMax, format: 'objects', ...(page && { page }) }, limited)
    })
  const { fields, records, rows, truncated, total } = await slotsOf(engine, config.sqlMaxConcurrent).run(run, options.signal)
  const { limit, offset = 0, countSql } = checked
  return {
    result: {
      sql: params.sql,
      fields,
      ...(truncated && { records_truncated: true }),
      ...(limit !== undefined && { limit, offset }),
      ...(total !== undefined && { total }),
    },
    records,
    recordsAs: 'array',
    rows,
    warnings: [],
    ...(countSql !== undefined && { sqlAt: (at: number) => `${countSql} LIMIT ${limit} OFFSET ${at}` }),
  }
}

function pageOf({ limit, offset = 0, countSql }: CheckedStatement) {
  return limit === undefined || countSql === undefined ? undefined : { limit, offset, countSql }
}

/** Every name that the statement reads as the table it stands for, each authorized before the next is looked at. */
async function resolveTables(
  engine: Engine,
  { tables }: InspectedSql,
  authorizeTable: (table: Table) => Promise<void>,
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
    found = new Slots({ size, waitSeconds: WAIT_SECONDS, sentence: 'Too many SQL statements run just now. Try again in a few seconds.' })
    slots.set(engine, found)
  }
  return found
}

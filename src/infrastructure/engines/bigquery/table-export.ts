import { createHash } from 'node:crypto'
import type { Dumped, DumpPlan } from '../engine.ts'
import { StaleSchema } from '../engine.ts'
import type { TextRow, WriteLine } from './convert.ts'
import type { Exports } from './export.ts'
import { raised } from './failures.ts'
import { isKeptAs } from './fields.ts'
import type { StoredTable } from './metadata.ts'
import { quoteName, stateOf, storedColumn, tableOf } from './names.ts'
import { readFailureOf } from './read.ts'
import type { ResultCell } from './render.ts'
import { dumpWriter } from './render.ts'
import type { RestField } from './rest.ts'
import { IS_AHEAD } from './schema-lock.ts'
import { rowsFrom } from './selection.ts'
import type { Store } from './store.ts'
import { textSql } from './types.ts'

/** Formats that are made in the bucket. */
type ExportFormat = 'csv' | 'ndjson' | 'parquet'

export function isExportFormat(format: DumpPlan['format']): format is ExportFormat {
  return format === 'csv' || format === 'ndjson' || format === 'parquet'
}

/**
 * The rows of a table as a file in the bucket, made once for each version of the table. Parquet comes from BigQuery as
 * it is. Of csv and ndjson BigQuery exports the cells as the texts that the REST API sends of them, and this process
 * writes them by the same rules as a stream: `EXPORT DATA` has rules of its own for quotes, nulls and numbers.
 */
export async function dumpExported(
  store: Store,
  exports: Exports,
  plan: DumpPlan & { format: ExportFormat },
  signal?: AbortSignal,
): Promise<Dumped> {
  const { client, config } = store
  const { format, file, parts } = plan
  const table = plan.table as StoredTable
  try {
    const state = `(SELECT revision FROM ${quoteName(stateOf(table.id))} WHERE NOT ${IS_AHEAD})`
    const { revision } = store.tables.get(table.id)?.table ?? table
    const isCurrent = `IF(${state} = ${revision}, TRUE, ERROR('datastore:stale'))`
    const { sql, params, cells } = await rowsFrom(store, plan, isCurrent, signal)
    const shown = format === 'parquet' ? named(cells) : texts(cells)
    const info = await client.tableInfo(tableOf(table.id), { role: 'write', signal })
    checkKept(store, table, cells, info?.fields ?? [])
    const modified = info?.lastModifiedTime ?? 0
    const { msInTimestamp } = config
    const asked = createHash('sha256')
      .update(JSON.stringify([params, msInTimestamp]))
      .digest('hex')
      .slice(0, 8)
    const dumped = await exports.dump(
      {
        folder: tableOf(table.id),
        version: `${revision}-${modified}-${asked}`,
        format,
        query: `SELECT ${shown} ${sql}`,
        params,
        ...(format !== 'parquet' && { write: lineWriter(dumpWriter(format, cells, { msInTimestamp }), cells.length) }),
        file,
        parts,
      },
      signal,
    )
    return dumped.kind === 'stream' || dumped.kind === 'parts' ? { ...dumped, revision } : dumped
  } catch (error) {
    signal?.throwIfAborted()
    if (raised(error) !== 'stale') throw readFailureOf(store, table.id, error)
    store.tables.delete(table.id)
    throw new StaleSchema(`table ${table.id} has changed`, { cause: error })
  }
}

/** As `checkTypes`, by the table's own columns. */
function checkKept(
  store: Store,
  { id }: StoredTable,
  cells: readonly ResultCell[],
  fields: readonly RestField[],
): void {
  const kept = new Map(fields.map((field) => [field.name.toLowerCase(), field]))
  const other = cells.find(({ name, type }) => {
    const field = kept.get(storedColumn(name).toLowerCase())
    return field !== undefined && !isKeptAs(field, type)
  })
  if (!other) return
  store.tables.delete(id)
  throw new StaleSchema(`column ${other.name} of table ${id} has another type`)
}

function named(cells: readonly ResultCell[]): string {
  return cells.map(({ name }, index) => `p.c${index} AS ${quoteName(storedColumn(name))}`).join(', ')
}

function texts(cells: readonly ResultCell[]): string {
  return cells.map(({ type }, index) => `${textSql(`p.c${index}`, type)} AS c${index}`).join(', ')
}

function lineWriter(write: ReturnType<typeof dumpWriter>, columns: number): WriteLine {
  const names = Array.from({ length: columns }, (_, index) => `c${index}`)
  return (row: TextRow) => write(names.map((name) => row[name] ?? null))
}

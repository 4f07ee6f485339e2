import { TableNotFound } from '../core/errors.ts'
import type { CallOptions, Engine, Table } from '../infrastructure/engines/engine.ts'
import { whileStale } from './stale.ts'

/** Runs `work` with a table as it is, again with a fresh one when its columns changed under way. */
export async function withCurrentTable<T>(
  engine: Pick<Engine, 'describe'>,
  table: Table,
  options: CallOptions,
  work: (table: Table) => Promise<T>,
): Promise<T> {
  let current: Table | undefined = table
  return whileStale(async () => {
    current ??= await engine.describe(table.id, options)
    if (!current) throw new TableNotFound(table.id)
    const used = current
    current = undefined
    return work(used)
  })
}

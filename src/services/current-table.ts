import { TableNotFound } from '../core/errors.ts'
import type { CallOptions, Engine, Table } from '../infrastructure/engines/engine.ts'
import { whileStale } from './stale.ts'

/**
 * Runs `work` with a table as it is, again with a fresh one when its columns changed under way; or with one as it was, for as long
 * as it can be read so.
 */
export async function withCurrentTable<T>(
  engine: Pick<Engine, 'describe' | 'describeVersion'>,
  table: Table,
  options: CallOptions,
  work: (table: Table) => Promise<T>,
): Promise<T> {
  let current: Table | undefined = table
  return whileStale(async () => {
    current ??= await describe(engine, table, options)
    if (!current) throw new TableNotFound(table.id)
    const used = current
    current = undefined
    return work(used)
  })
}

async function describe(
  engine: Pick<Engine, 'describe' | 'describeVersion'>,
  { id, isPast, revision }: Table,
  options: CallOptions,
): Promise<Table | undefined> {
  const current = await engine.describe(id, options)
  return isPast && current ? engine.describeVersion?.(current, { revision }, options) : current
}

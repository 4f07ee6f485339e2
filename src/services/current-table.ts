import { TableNotFound } from '../core/errors.ts'
import type { CallOptions, Engine, Table } from '../infrastructure/engines/engine.ts'
import { StaleSchema } from '../infrastructure/engines/engine.ts'

const ATTEMPTS = 5

/** Runs `work` with a table as it is, again with a fresh one when its columns changed under way. */
export async function withCurrentTable<T>(
  engine: Pick<Engine, 'describe'>,
  table: Table,
  options: CallOptions,
  work: (table: Table) => Promise<T>,
): Promise<T> {
  let current = table
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(current)
    } catch (error) {
      if (!(error instanceof StaleSchema) || attempt === ATTEMPTS) throw error
      const fresh = await engine.describe(table.id, options)
      if (!fresh) throw new TableNotFound(table.id)
      current = fresh
    }
  }
}

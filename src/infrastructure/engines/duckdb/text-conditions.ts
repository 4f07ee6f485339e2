import { NotImplemented } from '../../../core/errors.ts'
import type { TextQuery } from '../engine.ts'
import type { Parameters } from '../sql/quote.ts'
import type { Session } from './client.ts'
import type { StoredTable } from './metadata.ts'
import type { Store } from './store.ts'

/** What full-text queries add to a selection. */
export interface TextConditions {
  ctes: string[]
  joins: string
  conditions: string[]
  /** SQL of each rank column by its name. */
  ranks: Map<string, string>
}

export async function textConditions(
  _store: Store,
  _session: Session,
  _table: StoredTable,
  queries: readonly TextQuery[],
  _parameters: Parameters,
): Promise<TextConditions> {
  if (queries.length > 0) throw new NotImplemented('full text')
  return { ctes: [], joins: '', conditions: [], ranks: new Map() }
}

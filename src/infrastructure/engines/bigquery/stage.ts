import type { Source } from './source.ts'
import { INLINE_BYTES, inlineBytes, inlineSource } from './source.ts'
import { dropping, loadStage } from './stage-table.ts'
import type { Store } from './store.ts'

/** Runs `work` with rows that its statements can read: in a parameter, or when they are many in a table of their own. */
export async function withSource<T>(
  store: Store,
  rows: readonly string[],
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const bytes = rows.reduce((sum, row) => sum + inlineBytes(row), 0)
  if (bytes <= INLINE_BYTES) return work(inlineSource('rows', rows))
  const stage = await loadStage(store, rows)
  return dropping(stage, () => work(stage))
}

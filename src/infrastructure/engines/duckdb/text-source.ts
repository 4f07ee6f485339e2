import { quoteIdentifier } from '../sql/quote.ts'
import type { TextSource } from './full-text/source.ts'
import type { StoredTable } from './metadata.ts'
import type { Store } from './store.ts'
import { dialectOf, rowsOf } from './store.ts'

/** A table as full text sees it: every value as the text that a csv dump would show. */
export function textSource(store: Pick<Store, 'msInTimestamp' | 'storage'>, table: StoredTable): TextSource {
  const dialect = dialectOf(store, table)
  const columns = table.columns.map((column) => ({
    name: column.name,
    family: column.type.type.family,
    array: column.type.array,
    text: dialect.text(`t.${quoteIdentifier(column.name)}`, dialect.stored(column)),
  }))
  return { table: rowsOf(table), columns }
}

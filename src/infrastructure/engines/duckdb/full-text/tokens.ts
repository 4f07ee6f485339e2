import { TOKEN_PATTERN } from '../../../../core/text-search/tokenize.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Leaf } from './leaf.ts'
import { needle } from './leaf.ts'
import type { TextSource } from './source.ts'

/** Which rows of a table, as conditions on `t`; sets that don't overlap. */
export type RowSets = readonly string[]

export const ALL_ROWS: RowSets = ['TRUE']

/** The list of tokens in a text: SQL. */
export function tokenList(text: string): string {
  return `regexp_extract_all(lower(${text}), ${quoteLiteral(TOKEN_PATTERN)})`
}

/**
 * Every token of some rows, once for each time it is there: a query with the columns `_id`, `col` (the column's
 * position) and `term`. With leaves, texts in which none of them can be found are left out.
 */
export function tokensSql(source: TextSource, rows: RowSets, leaves?: readonly Leaf[]): string {
  const parts = source.columns.flatMap(({ text }, index) => {
    const filter = textFilter(text, index, leaves)
    if (filter === undefined) return []
    return rows.map(
      (row) => `SELECT t._id AS _id, ${index} AS col, ${text} AS text FROM ${source.table} t WHERE (${row})${filter}`,
    )
  })
  const texts =
    parts.length > 0 ? parts.join(' UNION ALL ') : `SELECT 0::BIGINT AS _id, 0 AS col, '' AS text WHERE FALSE`
  return `SELECT _id, col, unnest(${tokenList('text')}) AS term FROM (${texts})`
}

/** Undefined: no leaf is looked for in this column. */
function textFilter(text: string, column: number, leaves: readonly Leaf[] | undefined): string | undefined {
  if (!leaves) return ''
  const here = leaves.filter(({ columns }) => columns.includes(column))
  if (here.length === 0) return undefined
  const needles = new Set(here.map(needle))
  if (needles.has(undefined)) return ''
  return ` AND (${[...needles].map((part) => `contains(lower(${text}), ${quoteLiteral(part as string)})`).join(' OR ')})`
}

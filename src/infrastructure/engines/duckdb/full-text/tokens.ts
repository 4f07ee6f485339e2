import { TOKEN_PATTERN } from '../../../../core/text-search/tokenize.ts'
import { quoteLiteral } from '../../sql/quote.ts'
import type { Leaf } from './leaf.ts'
import { needle } from './leaf.ts'
import type { TextColumn, TextSource } from './source.ts'
import { searchedText } from './source.ts'

/** Some rows of a table; sets that are used together don't overlap. */
export interface RowSet {
  /** On `t`. */
  condition: string
  /** Few rows among many: they are fetched before their text is looked at. */
  few?: boolean
}

export const ALL_ROWS: RowSet = { condition: 'TRUE' }

/** The list of tokens in a text: SQL. */
export function tokenList(text: string): string {
  return `regexp_extract_all(lower(${text}), ${quoteLiteral(TOKEN_PATTERN)})`
}

/**
 * Every token of some rows, once for each time it is there: a query with the columns `_id`, `col` (the column's
 * position) and `term`. With leaves, texts in which none of them can be found are left out.
 */
export function tokensSql(source: TextSource, rows: readonly RowSet[], leaves?: readonly Leaf[]): string {
  const columns = [...source.columns.keys()].filter(
    (column) => !leaves || leaves.some((leaf) => leaf.columns.includes(column)),
  )
  const texts = columns.length > 0 ? rows.map((set) => textsSql(source, set, columns, leaves)) : [NO_TEXT]
  return `SELECT _id, col, unnest(${tokenList('text')}) AS term FROM (${texts.join(' UNION ALL ')})`
}

const NO_TEXT = "SELECT 0::BIGINT AS _id, 0 AS col, '' AS text WHERE FALSE"

function textsSql(
  source: TextSource,
  { condition, few }: RowSet,
  columns: readonly number[],
  leaves?: readonly Leaf[],
): string {
  const text = (column: number) => searchedText(source.columns[column] as TextColumn)
  if (!few) {
    const from = `FROM ${source.table} t WHERE ${condition}`
    return columns
      .map(
        (column) =>
          `SELECT t._id, ${column} AS col, ${text(column)} AS text ${from}${textFilter(text(column), column, leaves)}`,
      )
      .join(' UNION ALL ')
  }
  const shown = columns.map((column) => `, ${text(column)} AS x${column}`).join('')
  const parts = columns.map((column) => `SELECT _id, ${column} AS col, x${column} AS text FROM fetched`)
  return (
    `SELECT * FROM (WITH fetched AS MATERIALIZED (SELECT t._id${shown} FROM ${source.table} t WHERE ${condition}) ` +
    `${parts.join(' UNION ALL ')})`
  )
}

/** What a text must contain for any leaf to be found in it. */
function textFilter(text: string, column: number, leaves: readonly Leaf[] = []): string {
  const needles = new Set(leaves.filter(({ columns }) => columns.includes(column)).map(needle))
  if (needles.size === 0 || needles.has(undefined)) return ''
  return ` AND (${[...needles].map((part) => `contains(lower(${text}), ${quoteLiteral(part as string)})`).join(' OR ')})`
}

import type { Column } from '../../../core/table-schema.ts'
import { valueSql } from './types.ts'

/** What a row of a source is called: no column of a user begins so. */
export const ITEM = '_item'

/** Rows of JSON lists that a statement reads: from a parameter, or from a table that a load job has filled. */
export interface Source {
  /** SQL of what stands behind FROM; its rows are called `ITEM`. */
  readonly from: string
  readonly params: Readonly<Record<string, string>>
}

/** Rows in a parameter of the statement. BigQuery takes requests of 10 MB at most. */
export const INLINE_BYTES = 5_000_000

/** The bytes of a row in the request, where it is a text in a JSON text. */
export function inlineBytes(row: string): number {
  return Buffer.byteLength(JSON.stringify(row))
}

/** @param rows - JSON lists of texts and nulls. */
export function inlineSource(name: string, rows: readonly string[]): Source {
  return { from: `UNNEST(JSON_QUERY_ARRAY(@${name})) AS ${ITEM}`, params: { [name]: `[${rows.join(',')}]` } }
}

/** SQL of the n-th item of a row as text. */
export function itemText(index: number): string {
  return `JSON_VALUE(${ITEM}, '$[${index}]')`
}

/** SQL of the n-th item of a row as a value of the column. */
export function itemValue(index: number, column: Column): string {
  return valueSql(itemText(index), column.type)
}

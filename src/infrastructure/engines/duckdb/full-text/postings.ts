import type { DuckDBConnection } from '@duckdb/node-api'
import type { Leaf } from './leaf.ts'
import { headCondition, isForm, termCondition } from './leaf.ts'
import type { TextSource } from './source.ts'
import type { RowSet } from './tokens.ts'
import { ALL_ROWS, tokensSql } from './tokens.ts'

/** What an index knows of a table in the snapshot at hand. */
export interface Coverage {
  /** Undefined: no index. */
  index?: {
    /** Tables, quoted: `(term, col, _id, tf)` and `(id, term)`. */
    postings: string
    terms: string
    /** Which rows the postings no longer speak for, as a condition on `_id`; undefined: none. */
    stale: string | undefined
    /** The index's number of each of the source's columns. */
    columns: readonly number[]
  }
  /** The rows whose text must be read. */
  rest: readonly RowSet[]
}

export const NOTHING_COVERED: Coverage = { rest: [ALL_ROWS] }

/** Looks up which of the words that the text really holds belong to the leaves, where that needs a stemmer. */
export async function findForms(
  connection: DuckDBConnection,
  source: TextSource,
  leaves: readonly Leaf[],
  coverage: Coverage,
): Promise<void> {
  const open = leaves.filter(({ forms, columns }) => forms && columns.length > 0)
  if (open.length === 0) return
  const heads = open.map((leaf) => headCondition(leaf, 'term'))
  const condition = heads.includes('TRUE') ? 'TRUE' : heads.join(' OR ')
  const vocabularies = [
    ...(coverage.index ? [`SELECT term FROM ${coverage.index.terms}`] : []),
    ...(coverage.rest.length > 0 ? [tokensSql(source, coverage.rest, open)] : []),
  ]
  for (const vocabulary of vocabularies) {
    const reader = await connection.runAndReadAll(`SELECT DISTINCT term FROM (${vocabulary}) WHERE ${condition}`)
    for (const [term] of reader.getRows()) {
      for (const leaf of open) if (isForm(leaf, String(term))) leaf.forms?.add(String(term))
    }
  }
}

/**
 * Common table expressions of which the last, `text_hits`, tells for each row how often it holds each leaf: `_id` and
 * `f0`, `f1`, …, null where a leaf is not in the row. Rows that hold none are left out.
 */
export function hitsSql(source: TextSource, leaves: readonly Leaf[], coverage: Coverage): string[] {
  const ctes: string[] = []
  const parts: string[] = []
  if (coverage.rest.length > 0) {
    const wanted = leaves.map((leaf) => termCondition(leaf, 'term'))
    ctes.push(
      `text_tokens AS (SELECT * FROM (${tokensSql(source, coverage.rest, leaves)}) WHERE ${wanted.join(' OR ')})`,
    )
    parts.push(...leaves.flatMap((leaf, number) => restHits(leaf, number, source)))
  }
  if (coverage.index) parts.push(...leaves.flatMap((leaf, number) => indexHits(leaf, number, coverage)))
  const hits = parts.length > 0 ? parts.join(' UNION ALL ') : 'SELECT 0 AS leaf, 0::BIGINT AS _id, 0 AS tf WHERE FALSE'
  const sums = leaves.map(
    (_, number) => `(sum(tf)${leaves.length > 1 ? ` FILTER (leaf = ${number})` : ''})::INTEGER AS f${number}`,
  )
  ctes.push(`text_hits AS (SELECT ${['_id', ...sums].join(', ')} FROM (${hits}) GROUP BY _id)`)
  return ctes
}

function restHits(leaf: Leaf, number: number, source: TextSource): string[] {
  if (leaf.columns.length === 0) return []
  const column = columnCondition(leaf.columns, source)
  return [`SELECT ${number} AS leaf, _id, 1 AS tf FROM text_tokens WHERE ${termCondition(leaf, 'term')}${column}`]
}

function indexHits(leaf: Leaf, number: number, { index }: Coverage): string[] {
  if (!index || leaf.columns.length === 0 || leaf.forms?.size === 0) return []
  const numbers = leaf.columns.map((column) => index.columns[column])
  const column = leaf.columns.length === index.columns.length ? '' : ` AND col IN (${numbers.join(', ')})`
  const terms = `SELECT id FROM ${index.terms} WHERE ${termCondition(leaf, 'term')}`
  const stale = index.stale ? ` AND NOT (${index.stale})` : ''
  return [
    `SELECT ${number} AS leaf, _id, tf::INTEGER AS tf FROM ${index.postings} WHERE term IN (${terms})${column}${stale}`,
  ]
}

function columnCondition(columns: readonly number[], source: TextSource): string {
  return columns.length === source.columns.length ? '' : ` AND col IN (${columns.join(', ')})`
}

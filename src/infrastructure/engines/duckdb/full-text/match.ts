import type { DuckDBConnection } from '@duckdb/node-api'
import { ValidationError } from '../../../../core/errors.ts'
import type { Configuration } from '../../../../core/text-search/configurations.ts'
import { findConfiguration } from '../../../../core/text-search/configurations.ts'
import type { TextExpression, Word } from '../../../../core/text-search/expression.ts'
import { TextQuerySyntaxError } from '../../../../core/text-search/expression.ts'
import { parseTextQuery } from '../../../../core/text-search/query.ts'
import type { TextQuery } from '../../engine.ts'
import { askedWords, conditionSql, matchesNone, phrasesOf, withoutPhrases } from './condition.ts'
import type { Leaf } from './leaf.ts'
import { Leaves } from './leaf.ts'
import type { Phrase } from './phrase.ts'
import { documentSql, phraseSql } from './phrase.ts'
import type { Coverage } from './postings.ts'
import { findForms, hitsSql, NOTHING_COVERED } from './postings.ts'
import { rankSql } from './rank.ts'
import type { TextSource } from './source.ts'

/** The rows that text queries find. */
export interface TextMatch {
  /** Common table expressions, in order; the last is `text_match`, with `_id` and the rank columns, a row once. */
  ctes: string[]
  /** SQL of each rank by its name; speaks of `text_match` as `m`. */
  ranks: Map<string, string>
}

/** A text query, read. `expression` undefined: nothing to search for, so nothing is found. */
interface ReadQuery {
  expression: TextExpression | undefined
  configuration: Configuration
  /** Position of the only column that it reads. */
  column: number | undefined
  rank: string
}

/**
 * Turns text queries into SQL that finds the rows matching all of them, the indexed rows by their postings and the
 * others by their text. Everything that it reads on the way must be in the snapshot of the statement to come: run it
 * inside the same transaction. Throws a `ValidationError` for an unknown language and for bad tsquery syntax
 * (contract §6: 409 `Invalid query`).
 */
export async function textMatch(
  connection: DuckDBConnection,
  source: TextSource,
  queries: readonly TextQuery[],
  coverage: Coverage = NOTHING_COVERED,
): Promise<TextMatch> {
  const read = await Promise.all(queries.map((query) => readQuery(query, source)))
  const leaves = new Leaves()
  for (const { expression, configuration, column } of read) {
    if (expression) leaves.add(expression, configuration, source.columns, column)
  }
  if (read.some(({ expression }) => !expression)) return matchNothing(read)
  await findForms(connection, source, leaves.list, coverage)
  return matchSql(source, read as Complete[], leaves, coverage)
}

type Complete = ReadQuery & { expression: TextExpression }

/** Reads a query without running it: throws as `textMatch` does. */
export async function readQuery(
  { text, plain, language, column, rank }: TextQuery,
  source: TextSource,
): Promise<ReadQuery> {
  const configuration = await findConfiguration(language)
  if (!configuration) throw invalidQuery(`text search configuration "${language}" does not exist`)
  const index = column && source.columns.findIndex(({ name }) => name === column.name)
  if (column && index === -1) throw new ValidationError({ q: [`invalid value "${column.name}"`] })
  try {
    return { expression: parseTextQuery(text, plain, configuration), configuration, column: index, rank }
  } catch (error) {
    throw error instanceof TextQuerySyntaxError ? invalidQuery(error.message) : error
  }
}

function invalidQuery(sentence: string): ValidationError {
  return new ValidationError(
    { query: ['Invalid query'], info: { orig: [sentence] } },
    { message: `query: Invalid query: ${sentence}` },
  )
}

function matchNothing(read: readonly ReadQuery[]): TextMatch {
  const ranks = read.map((_, index) => `, 0::DOUBLE AS r${index}`).join('')
  return { ctes: [`text_match AS (SELECT 0::BIGINT AS _id${ranks} WHERE FALSE)`], ranks: rankNames(read) }
}

function rankNames(read: readonly ReadQuery[]): Map<string, string> {
  return new Map(read.map(({ rank }, index) => [rank, `m.r${index}`]))
}

function matchSql(source: TextSource, read: readonly Complete[], leaves: Leaves, coverage: Coverage): TextMatch {
  const number = (query: ReadQuery) => (word: Word) => leaves.numberOf(word, query.configuration, query.column)
  const found = (query: ReadQuery) => (word: Word) => `(f${number(query)(word)} IS NOT NULL)`
  const leafOf = (query: ReadQuery) => (word: Word) => leaves.list[number(query)(word)] as Leaf
  const counts = leaves.list.map((_, index) => `, h.f${index}`).join('')
  const ctes = [...hitsSql(source, leaves.list, coverage)]
  let from = 'text_hits'

  if (read.every(({ expression }) => matchesNone(expression))) {
    ctes.push(`text_rows AS (SELECT t._id${counts} FROM ${source.table} t LEFT JOIN text_hits h ON h._id = t._id)`)
    from = 'text_rows'
  }

  if (read.some(({ expression }) => phrasesOf(expression).length > 0)) {
    const candidates = read.map((query) => withoutPhrases(query.expression, found(query)))
    const documents = read.flatMap((query, index) => {
      const phrases = phrasesOf(query.expression)
      return phrases.length > 0 ? [`, ${documentSql(source, phrases, leafOf(query), query.column)} AS d${index}`] : []
    })
    ctes.push(`text_candidates AS (SELECT * FROM ${from} WHERE ${candidates.join(' AND ')})`)
    ctes.push(
      `text_documents AS (SELECT h._id${counts}${documents.join('')} FROM text_candidates h JOIN ${source.table} t ON t._id = h._id)`,
    )
    from = 'text_documents'
  }

  const conditions = read.map((query, index) => {
    const phrase = (asked: Phrase) => phraseSql(`d${index}`, asked, leafOf(query))
    return conditionSql(query.expression, { word: found(query), phrase })
  })
  const ranks = read.map((query, index) => {
    const numbers = new Set(askedWords(query.expression).map(number(query)))
    return `, ${rankSql([...numbers].map((leaf) => `f${leaf}`))} AS r${index}`
  })
  ctes.push(`text_match AS MATERIALIZED (SELECT _id${ranks.join('')} FROM ${from} WHERE ${conditions.join(' AND ')})`)
  return { ctes, ranks: rankNames(read) }
}

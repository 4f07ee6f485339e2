import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import type { Configuration } from '../../../core/text-search/configurations.ts'
import { findConfiguration } from '../../../core/text-search/configurations.ts'
import type { TextExpression, Word } from '../../../core/text-search/expression.ts'
import { TextQuerySyntaxError, wordsOf } from '../../../core/text-search/expression.ts'
import { parseTextQuery } from '../../../core/text-search/query.ts'
import { TOKEN_PATTERN } from '../../../core/text-search/tokenize.ts'
import type { SearchPlan, TextQuery } from '../engine.ts'
import { LEAST_RANK, TIMES_MAX, worth } from '../sql/text-rank.ts'
import type { Parameters } from './filter.ts'
import { quoteString } from './literal.ts'
import { rowsOf } from './look.ts'
import { quoteName, storedColumn, tableOf } from './names.ts'
import type { Store } from './store.ts'
import { castType, orderable } from './types.ts'

/** The rows that text queries find. */
export interface TextMatch {
  /** SQL of the found rows, with all columns of the table. */
  rows: string
  /** SQL of each rank by its name. */
  ranks: Map<string, string>
}

interface ReadQuery {
  /** Undefined: nothing to search for, so nothing is found. */
  expression: TextExpression | undefined
  configuration: Configuration
  /** The columns that it reads. */
  columns: readonly Column[]
  rank: string
}

/**
 * Turns text queries into GoogleSQL (contract §6). The words of a row are told by a pattern. Where a language has stems,
 * one more statement asks first which words of the table belong to the query's.
 *
 * @throws ValidationError for an unknown language and for bad tsquery syntax.
 */
export async function textMatch(
  store: Store,
  { table, textQueries }: Pick<SearchPlan, 'table' | 'textQueries'>,
  condition: string,
  values: Parameters,
  signal?: AbortSignal,
): Promise<TextMatch> {
  const queries = await Promise.all(textQueries.map((query) => readQuery(query, table.columns)))
  const from = `${quoteName(tableOf(table.id))} AS t`
  const forms = await findForms(store, queries, `${from} WHERE ${condition}`, values, signal)
  const texts = new Texts(values)
  const documents = queries.map(({ columns }, index) => `${wordList(columns)} AS _words${index}`)
  const found = queries.map(({ expression, configuration }, index) => {
    if (!expression) return 'FALSE'
    return expressionSql(expression, `t._words${index}`, (word) => wordCondition(word, configuration, forms, texts))
  })
  const ranks = queries.map(({ expression, configuration }, index) => {
    const words = expression ? uniqueWords(askedWords(expression)) : []
    const counts = words.map(
      (word) =>
        `(SELECT COUNTIF(${wordCondition(word, configuration, forms, texts)}) FROM UNNEST(t._words${index}) AS w)`,
    )
    return `${rankSql(counts)} AS _rank${index}`
  })
  const worded = `SELECT t.*, ${documents.join(', ')} FROM ${from} WHERE ${condition}`
  return {
    rows: `SELECT t.*, ${ranks.join(', ')} FROM (${worded}) AS t WHERE ${found.join(' AND ')}`,
    ranks: new Map(queries.map(({ rank }, index) => [rank, `t._rank${index}`])),
  }
}

/** Texts of a statement; one that is named often is sent once. */
class Texts {
  readonly #values: Parameters
  readonly #placeholders = new Map<string, string>()

  constructor(values: Parameters) {
    this.#values = values
  }

  placeholder(text: string): string {
    const known = this.#placeholders.get(text) ?? this.#values.add(text)
    this.#placeholders.set(text, known)
    return known
  }
}

const LEAST = `CAST('${LEAST_RANK}' AS FLOAT64)`

/** SQL of a rank, given the SQL of how often each word was found. */
function rankSql(counts: readonly string[]): string {
  const cases = worth.map((value, index) => `WHEN ${index + 1} THEN ${value}`).join(' ')
  const parts = counts.map((count) => `(CASE LEAST(${count}, ${TIMES_MAX}) ${cases} ELSE 0 END)`)
  return parts.length === 0 ? LEAST : `GREATEST(ROUND((${parts.join(' + ')}) / ${parts.length}, 8), ${LEAST})`
}

async function readQuery(query: TextQuery, all: readonly Column[]): Promise<ReadQuery> {
  const { text, plain, language, column, rank } = query
  const configuration = await findConfiguration(language)
  if (!configuration) throw invalid(`text search configuration "${language}" does not exist`)
  const columns = column ? all.filter(({ name }) => name === column.name) : all
  if (columns.length === 0 && column) throw new ValidationError({ q: [`invalid value "${column.name}"`] })
  try {
    return { expression: parseTextQuery(text, plain, configuration), configuration, columns, rank }
  } catch (error) {
    throw error instanceof TextQuerySyntaxError ? invalid(error.message) : error
  }
}

function invalid(sentence: string): ValidationError {
  return new ValidationError(
    { query: ['Invalid query'], info: { orig: [sentence] } },
    { message: `query: Invalid query: ${sentence}` },
  )
}

/** SQL of a column's value as text. */
function columnText(column: Column): string {
  const value = `t.${quoteName(storedColumn(column.name))}`
  const type = castType(column.type)
  if (type === 'STRING') return value
  if (type === 'JSON') return orderable(value, column.type)
  if (type === 'BOOL') return `CASE WHEN ${value} THEN 't' WHEN NOT ${value} THEN 'f' END`
  if (type === 'TIMESTAMP') return `FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%E*S+00', ${value}, 'UTC')`
  if (type === 'DATETIME') return `FORMAT_DATETIME('%Y-%m-%d %H:%M:%E*S', ${value})`
  if (type === 'NUMERIC' || type === 'BIGNUMERIC')
    return `REGEXP_REPLACE(REGEXP_REPLACE(CAST(${value} AS STRING), r'(\\.\\d*?)0+$', r'\\1'), r'\\.$', '')`
  return `CAST(${value} AS STRING)`
}

/** SQL of the words of some columns, in order; an empty one between two columns, which no phrase passes. */
function wordList(columns: readonly Column[]): string {
  const lists = columns.map(
    (column) =>
      `IFNULL(REGEXP_EXTRACT_ALL(LOWER(${columnText(column)}), ${quoteString(TOKEN_PATTERN)}), CAST([] AS ARRAY<STRING>))`,
  )
  const [first] = lists
  if (first === undefined) return 'CAST([] AS ARRAY<STRING>)'
  return lists.length === 1 ? first : `ARRAY_CONCAT(${lists.join(", [''], ")})`
}

/** By a word's lexeme and configuration, the tokens of the table that belong to it. */
type Forms = Map<string, Set<string>>

const formsKey = ({ lexeme, prefix }: Word, { name }: Configuration) => JSON.stringify([name, prefix, lexeme])

const hasDigit = /\p{N}/u

function needsForms({ lexeme }: Word, { stems }: Configuration): boolean {
  return stems && !hasDigit.test(lexeme)
}

async function findForms(
  { client }: Store,
  queries: readonly ReadQuery[],
  from: string,
  values: Parameters,
  signal?: AbortSignal,
): Promise<Forms> {
  const forms: Forms = new Map()
  const asked = queries.flatMap(({ expression, configuration, columns }) =>
    (expression ? wordsOf(expression) : [])
      .filter((word) => needsForms(word, configuration))
      .map((word) => ({ word, configuration, columns })),
  )
  if (asked.length === 0) return forms
  for (const { word, configuration } of asked) forms.set(formsKey(word, configuration), new Set())
  const texts = new Texts(values)
  const heads = asked.map(({ word, configuration }) => {
    const head = configuration.head(word.lexeme)
    if (!head) return 'TRUE'
    return `STARTS_WITH(${head.folded ? "REGEXP_REPLACE(NORMALIZE(w, NFD), r'\\p{M}', '')" : 'w'}, ${texts.placeholder(head.text)})`
  })
  const columns = [...new Set(asked.flatMap((item) => item.columns))]
  const sql = `SELECT DISTINCT w FROM (SELECT ${wordList(columns)} AS words FROM ${from}) AS d, UNNEST(d.words) AS w WHERE ${[...new Set(heads)].join(' OR ')}`
  const page = await client.query(sql, { params: { ...values.all }, signal })
  for await (const { f } of rowsOf(client, page, signal)) {
    const token = String(f[0]?.v)
    for (const { word, configuration } of asked) {
      const lexeme = configuration.lexeme(token)
      if (word.prefix ? lexeme.startsWith(word.lexeme) : lexeme === word.lexeme)
        forms.get(formsKey(word, configuration))?.add(token)
    }
  }
  return forms
}

/** SQL: the token `w` counts for the word. */
function wordCondition(word: Word, configuration: Configuration, forms: Forms, texts: Texts): string {
  if (!needsForms(word, configuration)) {
    const lexeme = texts.placeholder(word.lexeme)
    return word.prefix ? `STARTS_WITH(w, ${lexeme})` : `w = ${lexeme}`
  }
  const held = forms.get(formsKey(word, configuration)) ?? new Set()
  return held.size === 0 ? 'FALSE' : `w IN UNNEST(JSON_VALUE_ARRAY(${texts.placeholder(JSON.stringify([...held]))}))`
}

function expressionSql(expression: TextExpression, words: string, condition: (word: Word) => string): string {
  const inner = (part: TextExpression): string => expressionSql(part, words, condition)
  switch (expression.kind) {
    case 'word':
      return `EXISTS (SELECT 1 FROM UNNEST(${words}) AS w WHERE ${condition(expression)})`
    case 'not':
      return `NOT ${inner(expression.part)}`
    case 'phrase':
      return phraseSql(expression, words, condition)
    default:
      return `(${expression.parts.map(inner).join(expression.kind === 'and' ? ' AND ' : ' OR ')})`
  }
}

function phraseSql(
  { words: asked, distances }: Extract<TextExpression, { kind: 'phrase' }>,
  words: string,
  condition: (word: Word) => string,
): string {
  let distance = 0
  const steps = asked.map((word, index) => {
    distance += index === 0 ? 0 : (distances[index - 1] ?? 1)
    if (index === 0) return condition(word)
    const between = Array.from(
      { length: (distances[index - 1] ?? 1) - 1 },
      (_, gap) => `${words}[SAFE_OFFSET(o + ${distance - gap - 1})] <> ''`,
    )
    return [
      ...between,
      `EXISTS (SELECT 1 FROM UNNEST([${words}[SAFE_OFFSET(o + ${distance})]]) AS w WHERE ${condition(word)})`,
    ].join(' AND ')
  })
  return `EXISTS (SELECT 1 FROM UNNEST(${words}) AS w WITH OFFSET AS o WHERE ${steps.join(' AND ')})`
}

function askedWords(expression: TextExpression, negated = false): readonly Word[] {
  if (expression.kind === 'not') return askedWords(expression.part, !negated)
  if (expression.kind === 'and' || expression.kind === 'or')
    return expression.parts.flatMap((part) => askedWords(part, negated))
  return negated ? [] : wordsOf(expression)
}

function uniqueWords(words: readonly Word[]): Word[] {
  return [...new Map(words.map((word) => [`${word.prefix} ${word.lexeme}`, word])).values()]
}

/**
 * How well a row matches: PostgreSQL's `ts_rank` for words joined by OR. A word found n times is worth
 * 0.1 · (1 + 1/4 + … + 1/n²) / (π²/6); the rank is the mean over the query's words, so a row that holds the word twice
 * comes before one that holds it once, and every rank lies between 0 and 1 (contract §6).
 */

/** Times beyond which a word's worth no longer grows. */
const TIMES_MAX = 32

const worth = Array.from({ length: TIMES_MAX }, (_, index) => {
  const sum = Array.from({ length: index + 1 }, (_, n) => 1 / (n + 1) ** 2).reduce((total, part) => total + part, 0)
  return ((0.1 * sum) / 1.64493406685).toFixed(8)
})

/** A query whose only words are negated still ranks above nothing. */
const LEAST = '1e-20::DOUBLE'

/** SQL of a rank, given the SQL of how often each word was found (null: not at all). */
export function rankSql(times: readonly string[]): string {
  const [first] = times
  if (first === undefined) return LEAST
  if (times.length === 1) return `coalesce(${worthSql(first)}, ${LEAST})`
  const parts = times.map((count) => `coalesce(${worthSql(count)}, 0)`)
  return `greatest(round((${parts.join(' + ')}) / ${times.length}, 8), ${LEAST})`
}

/** The first few by CASE, which costs a fraction of a look-up in a list. */
function worthSql(count: string): string {
  const few = worth.slice(0, 4).map((value, index) => `WHEN ${count} = ${index + 1} THEN ${value}::DOUBLE`)
  return `CASE ${few.join(' ')} ELSE list_extract([${worth.join(', ')}]::DOUBLE[], least(${count}, ${TIMES_MAX})) END`
}

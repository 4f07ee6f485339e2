/**
 * How well a row matches: PostgreSQL's `ts_rank` for words joined by OR. A word found n times is worth
 * 0.1 · (1 + 1/4 + … + 1/n²) / (π²/6); the rank is the mean over the query's words, so a row that holds the word twice
 * comes before one that holds it once, and every rank lies between 0 and 1 (contract §6).
 */

/** Times beyond which a word's worth no longer grows. */
export const TIMES_MAX = 32

/** What a word is worth that was found once, twice …: eight decimals. */
export const worth: readonly string[] = Array.from({ length: TIMES_MAX }, (_, index) => {
  const sum = Array.from({ length: index + 1 }, (_, n) => 1 / (n + 1) ** 2).reduce((total, part) => total + part, 0)
  return ((0.1 * sum) / 1.64493406685).toFixed(8)
})

/** A query whose only words are negated still ranks above nothing. */
export const LEAST_RANK = '1e-20'

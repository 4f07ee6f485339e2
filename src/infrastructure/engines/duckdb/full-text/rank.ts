import { LEAST_RANK, TIMES_MAX, worth } from '../../sql/text-rank.ts'

const LEAST = `${LEAST_RANK}::DOUBLE`

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

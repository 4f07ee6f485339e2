import type { InferredType, Profile } from '../../files/inferred-column.ts'
import { EMPTY_PROFILE } from '../../files/inferred-column.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import { candidates } from './readings.ts'

/**
 * Looks at columns of texts.
 *
 * @param from - A relation with these columns.
 * @param sampled - What a part of it has shown: a type that does not fit a part does not fit the whole.
 */
export async function profile(
  session: Session,
  from: string,
  names: readonly string[],
  sampled?: ReadonlyMap<string, Profile>,
): Promise<Map<string, Profile>> {
  if (names.length === 0) return new Map()
  const asked = names.map((name) => ({ name, types: sampled?.get(name)?.fitting ?? EMPTY_PROFILE.fitting }))
  const row =
    (await session.row(
      `SELECT ${asked.flatMap(({ name, types }) => measures(name, types)).join(', ')} FROM ${from}`,
    )) ?? []
  let at = 0
  const next = () => Number(row[at++] ?? 0)
  return new Map(
    asked.map(({ name, types }) => {
      const filled = next()
      const counts = types.map(() => next())
      const [scale, whole, points] = types.includes('numeric') ? [next(), next(), next()] : [0, 0, 0]
      const fitting = types.filter((_, index) => counts[index] === filled)
      return [name, { filled, fitting, scale, whole, hasPoint: points > 0 }]
    }),
  )
}

function measures(name: string, types: readonly InferredType[]): string[] {
  const raw = quoteIdentifier(name)
  const filled = `${raw} <> ''`
  const fits = (type: InferredType) => candidates[type](raw)
  const counts = types.map((type) => `count(*) FILTER (${filled} AND ${fits(type)})`)
  const digits = types.includes('numeric')
    ? [
        `max(length(rtrim(${raw}, '0')) - strpos(${raw}, '.')) FILTER (contains(${raw}, '.') AND ${fits('numeric')})`,
        `max(length(split_part(${raw}, '.', 1))) FILTER (${fits('numeric')})`,
        `count(*) FILTER (contains(${raw}, '.'))`,
      ]
    : []
  return [`count(*) FILTER (${filled})`, ...counts, ...digits]
}

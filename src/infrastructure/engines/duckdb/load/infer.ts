import type { InferredType, Profile } from '../../files/inferred-column.ts'
import { EMPTY_PROFILE } from '../../files/inferred-column.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import { candidates } from './readings.ts'

/** Columns that one statement looks at: what it takes to plan one grows with the square of its expressions. */
const COLUMNS_AT_ONCE = 10

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
  const profiles: [string, Profile][] = []
  for (let at = 0; at < names.length; at += COLUMNS_AT_ONCE)
    profiles.push(...(await profileSome(session, from, names.slice(at, at + COLUMNS_AT_ONCE), sampled)))
  return new Map(profiles)
}

async function profileSome(
  session: Session,
  from: string,
  names: readonly string[],
  sampled?: ReadonlyMap<string, Profile>,
): Promise<[string, Profile][]> {
  const asked = names.map((name) => ({ name, types: sampled?.get(name)?.fitting ?? EMPTY_PROFILE.fitting }))
  const row =
    (await session.row(
      `SELECT ${asked.flatMap(({ name, types }) => measures(name, types)).join(', ')} FROM ${from}`,
    )) ?? []
  let at = 0
  const next = () => Number(row[at++] ?? 0)
  return asked.map(({ name, types }) => {
    const filled = next()
    const counts = types.map(() => next())
    const [scale, whole, points] = types.includes('numeric') ? [next(), next(), next()] : [0, 0, 0]
    const fitting = types.filter((_, index) => counts[index] === filled)
    return [name, { filled, fitting, scale, whole, hasPoint: points > 0 }]
  })
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

import { columnType } from '../../../../core/field-types.ts'
import type { Column } from '../../../../core/table-schema.ts'
import { columnFromDeclaration, columnFromField } from '../../../../core/table-schema.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import { candidates } from './readings.ts'

const MAX_DIGITS = 38

/** What the texts of a column look like, all of them or a sample. */
export interface Profile {
  /** Texts that say something. */
  filled: number
  /** Types that fit every one of them, in the order of preference. */
  fitting: readonly string[]
  /** Digits after and before the point, and whether there is a point at all, where `numeric` fits. */
  scale: number
  whole: number
  hasPoint: boolean
}

const EMPTY: Profile = { filled: 0, fitting: candidates.map(({ type }) => type), scale: 0, whole: 0, hasPoint: false }

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
  const asked = names.map((name) => ({ name, types: sampled?.get(name)?.fitting ?? EMPTY.fitting }))
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

function measures(name: string, types: readonly string[]): string[] {
  const raw = quoteIdentifier(name)
  const filled = `${raw} <> ''`
  const fits = (type: string) => candidates.find((candidate) => candidate.type === type)?.fits(raw) ?? 'FALSE'
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

/** The column that holds all texts of this profile without loss: in doubt, of text. */
export function inferredColumn(name: string, found: Profile = EMPTY): { column: Column; scale?: number } {
  const type =
    found.filled === 0 ? undefined : found.fitting.find((candidate) => candidate !== 'numeric' || isExact(found))
  if (type === undefined) return { column: columnFromField({ name, type: 'string' }) }
  if (type === 'timestamp') return { column: columnFromDeclaration(name, columnType(type), type) }
  const column = columnFromField({ name, type: frictionless[type] ?? 'string' })
  return type === 'numeric' ? { column, scale: found.scale } : { column }
}

const frictionless: Readonly<Record<string, string>> = {
  bool: 'boolean',
  int8: 'integer',
  numeric: 'number',
  date: 'date',
  timestamptz: 'datetime',
}

/** Whole numbers that no integer type holds are somebody's codes. */
function isExact({ scale, whole, hasPoint }: Profile): boolean {
  return hasPoint && scale + whole <= MAX_DIGITS
}

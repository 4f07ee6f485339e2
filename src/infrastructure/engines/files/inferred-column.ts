import { columnType } from '../../../core/field-types.ts'
import type { Column } from '../../../core/table-schema.ts'
import { columnFromDeclaration, columnFromField } from '../../../core/table-schema.ts'

const MAX_DIGITS = 38

const DAY = '\\d{4}-\\d{2}-\\d{2}'
const CLOCK = '([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d{1,6})?)?'

/** The day-and-time forms and the decimals that a column may be inferred from: patterns for JavaScript and RE2. */
export const inferredForms = {
  numeric: '-?(0|[1-9]\\d*)(\\.\\d+)?',
  timestamp: `${DAY}[T ]${CLOCK}`,
  timestamptz: `${DAY}[T ]${CLOCK}(Z|\\+00(:?00)?)`,
} as const

/** Types that a column of texts may turn out to have, in this order: the first that fits all of them. None: text. */
export const inferredTypes = ['bool', 'int8', 'numeric', 'date', 'timestamp', 'timestamptz'] as const

export type InferredType = (typeof inferredTypes)[number]

/** What the texts of a column look like, all of them or a sample. */
export interface Profile {
  /** Texts that say something. */
  filled: number
  /** Types that fit every one of them, in the order of preference. */
  fitting: readonly InferredType[]
  /** Digits after and before the point, and whether there is a point at all, where `numeric` fits. */
  scale: number
  whole: number
  hasPoint: boolean
}

export const EMPTY_PROFILE: Profile = { filled: 0, fitting: inferredTypes, scale: 0, whole: 0, hasPoint: false }

/** The column that holds all texts of this profile without loss: in doubt, of text. */
export function inferredColumn(name: string, found: Profile = EMPTY_PROFILE): { column: Column; scale?: number } {
  const type =
    found.filled === 0 ? undefined : found.fitting.find((candidate) => candidate !== 'numeric' || isExact(found))
  if (type === undefined) return { column: columnFromField({ name, type: 'string' }) }
  if (type === 'timestamp') return { column: columnFromDeclaration(name, columnType(type), type) }
  const column = columnFromField({ name, type: frictionless[type] })
  return type === 'numeric' ? { column, scale: found.scale } : { column }
}

const frictionless: Readonly<Record<Exclude<InferredType, 'timestamp'>, string>> = {
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

import type { ColumnType, Family } from './field-types.ts'

/**
 * What a written value or a filter's value may look like, one pattern per family (contract §4.5): matched against
 * the whole text in any case. The patterns are plain enough for JavaScript and for RE2, so that an engine can check
 * a million cells with the rule that checks one.
 */
const YEAR = '(\\d{3}[1-9]|\\d{2}[1-9]\\d|\\d[1-9]\\d{2}|[1-9]\\d{3})'
const DAY = `(${YEAR}|\\d{5,6})[-/]\\d{1,2}[-/]\\d{1,2}|\\d{1,2}[-/]\\d{1,2}[-/]${YEAR}`
const CLOCK = '\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d{0,6}0*)?)?'
const ZONE = 'Z|UTC|[+-]\\d{1,2}(:?\\d{2})?'
const NUMBER = '[+-]?(\\d+(\\.\\d*)?|\\.\\d+)(e[+-]?\\d+)?'

const patterns: Readonly<Partial<Record<Family, string>>> = {
  integer: '\\s*[+-]?\\d+\\s*',
  numeric: `\\s*${NUMBER}\\s*`,
  float: `\\s*(${NUMBER}|nan|[+-]?inf(inity)?)\\s*`,
  boolean: '\\s*(t|tr|tru|true|f|fa|fal|fals|false|y|ye|yes|n|no|on|of|off|1|0)\\s*',
  date: `\\s*(${DAY})([ T]00?:00(:00(\\.0*)?)?\\s*(${ZONE})?)?\\s*`,
  time: `\\s*${CLOCK}\\s*`,
  timestamp: `\\s*(${DAY})([ T]${CLOCK}\\s*(${ZONE})?)?\\s*`,
  timestamptz: `\\s*(${DAY})([ T]${CLOCK}\\s*(${ZONE})?)?\\s*`,
  uuid: '\\s*\\{?([0-9a-f]{4}-?){7}[0-9a-f]{4}\\}?\\s*',
}

/** The pattern that the text of one value (of one element, for arrays) must match, or undefined: anything goes. */
export function textPattern({ type }: ColumnType): string | undefined {
  return type.pattern ?? patterns[type.family]
}

const compiled = new Map<string, RegExp>()

/** True when `text` has the form of a value of this type. Its range is the engine's to check. */
export function matchesType(column: ColumnType, text: string): boolean {
  const pattern = textPattern(column)
  if (pattern === undefined) return true
  let regex = compiled.get(pattern)
  if (!regex) {
    regex = new RegExp(`^(?:${pattern})$`, 'i')
    compiled.set(pattern, regex)
  }
  return regex.test(text)
}

/** The words PostgreSQL takes for true, whole or shortened. */
export const TRUE_WORDS: readonly string[] = ['t', 'tr', 'tru', 'true', 'y', 'ye', 'yes', 'on', '1']

/** A day written month first, as PostgreSQL reads it (contract §4.5: date style MDY). */
export const MONTH_FIRST_DAY = '^\\s*(\\d{1,2})[-/](\\d{1,2})[-/](\\d{4})'

import type { Value } from '../api/json.ts'
import type { Field } from '../api/tables.ts'
import { isNumeric, textOf } from '../ui/format.ts'

/** More than a cell shows: the record has the rest. */
const SHOWN = 300

const written = new WeakMap<object, string>()

/** The beginning of a value, as a cell shows it. Objects are written once. */
export function cellText(value: Value | undefined): string {
  if (typeof value !== 'object' || value === null) return textOf(value).slice(0, SHOWN)
  const known = written.get(value)
  if (known !== undefined) return known
  const text = textOf(value).slice(0, SHOWN)
  written.set(value, text)
  return text
}

const CHARACTER = 7.6
/** Digits are as wide as each other, and all of them are wanted. */
const DIGIT = 9.4
/** Of a name, which is bold, and has a mark behind it. */
const BOLD = 9
const AROUND = 34
const SAMPLED = 60

/** A column's width in pixels, from its name and its first rows. */
export function columnWidth({ id, type }: Field, column: number, rows: readonly Value[][]): number {
  const lengths = rows.slice(0, SAMPLED).map((row) => cellText(row[column]).length)
  const longest = Math.max(
    type.length * CHARACTER,
    Math.min(id.length, 32) * BOLD,
    ...lengths.map((it) => it * (isNumeric(type) ? DIGIT : CHARACTER)),
  )
  return Math.round(Math.min(isNumeric(type) ? 420 : 320, Math.max(84, longest + AROUND)))
}

/** Columns that leave room free are widened, but not to twice their width. */
export function stretched(widths: readonly number[], room: number): readonly number[] {
  const total = widths.reduce((sum, width) => sum + width, 0)
  const factor = Math.min(1.9, room / total)
  return factor > 1 ? widths.map((width) => Math.floor(width * factor)) : widths
}

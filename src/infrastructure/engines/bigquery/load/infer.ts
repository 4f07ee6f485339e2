import type { ColumnType } from '../../../../core/field-types.ts'
import { columnType } from '../../../../core/field-types.ts'
import type { Column } from '../../../../core/table-schema.ts'
import type { InferredType, Profile } from '../../files/inferred-column.ts'
import { inferredColumn, inferredForms, inferredTypes } from '../../files/inferred-column.ts'
import { isRefused, readValue } from '../values.ts'
import type { BadRecord, FileRow } from './rows.ts'

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`)
const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/
const NUMERIC = whole(inferredForms.numeric)
const DATE = /^\d{4}-\d{2}-\d{2}$/
const TIMESTAMP = whole(inferredForms.timestamp)
const TIMESTAMPTZ = whole(inferredForms.timestamptz)
const SAFE_DIGITS = 18

const types = Object.fromEntries(inferredTypes.map((type) => [type, columnType(type)])) as Record<
  InferredType,
  ColumnType
>
const isHeld = (type: InferredType, text: string) => !isRefused(readValue(types[type], text))

/** Whether a text is a value of the type without loss. */
const fits: Readonly<Record<InferredType, (text: string) => boolean>> = {
  bool: (text) => /^(?:true|false)$/i.test(text),
  int8: (text) => INTEGER.test(text) && (text.length <= SAFE_DIGITS || isHeld('int8', text)),
  numeric: (text) => NUMERIC.test(text),
  date: (text) => DATE.test(text) && isHeld('date', text),
  timestamp: (text) => TIMESTAMP.test(text) && isHeld('timestamp', text),
  timestamptz: (text) => TIMESTAMPTZ.test(text) && isHeld('timestamptz', text),
}

/** What the texts of a column look like, one after the other. */
class ColumnProfile implements Profile {
  filled = 0
  fitting: readonly InferredType[] = inferredTypes
  scale = 0
  whole = 0
  hasPoint = false

  add(text: string | null): void {
    if (text === null || text === '') return
    this.filled += 1
    if (this.fitting.length === 0) return
    if (!this.fitting.every((type) => fits[type](text))) this.fitting = this.fitting.filter((type) => fits[type](text))
    if (!this.fitting.includes('numeric')) return
    const point = text.indexOf('.')
    this.whole = Math.max(this.whole, point < 0 ? text.length : point)
    if (point < 0) return
    this.hasPoint = true
    this.scale = Math.max(this.scale, text.replace(/0+$/, '').length - point - 1)
  }
}

/** The columns whose type all of a file's records show. */
export async function inferColumns(
  rows: AsyncIterable<FileRow | BadRecord>,
  columns: readonly string[],
  inferred: ReadonlySet<string>,
): Promise<Map<string, Column>> {
  const profiles = columns.flatMap((name, index) =>
    inferred.has(name) ? [{ name, index, profile: new ColumnProfile() }] : [],
  )
  for await (const row of rows) {
    if (!('cells' in row)) continue
    for (const { index, profile } of profiles) profile.add(row.cells[index] ?? null)
  }
  return new Map(profiles.map(({ name, profile }) => [name, inferredColumn(name, profile).column]))
}

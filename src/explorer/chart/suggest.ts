import type { Value } from '../api/json.ts'
import type { Field } from '../api/tables.ts'
import { isNumeric, isTemporal, numberOf } from '../ui/format.ts'

export type ChartKind = 'bar' | 'line' | 'scatter'

/** What a chart shows: a column along, and one of numbers up. */
export interface ChartChoice {
  kind: ChartKind
  x: string
  y: string
}

/** The chart that suits a result; undefined where none does. */
export function suggestChart(fields: readonly Field[], rows: readonly Value[][]): ChartChoice | undefined {
  const numbers = numericFields(fields, rows)
  if (rows.length < 2 || numbers.length === 0) return undefined
  const others = fields.filter((field) => field.id !== '_id' && !numbers.includes(field))
  const time = others.find(({ type }) => isTemporal(type))
  const [first, second] = numbers
  if (time && first) return { kind: 'line', x: time.id, y: first.id }
  if (others[0] && first) return { kind: 'bar', x: others[0].id, y: first.id }
  if (first && second) return { kind: 'scatter', x: first.id, y: second.id }
  return undefined
}

/** The columns whose values can go up. */
export function numericFields(fields: readonly Field[], rows: readonly Value[][]): Field[] {
  return fields.filter(({ id, type }, index) => {
    return id !== '_id' && isNumeric(type) && rows.some((row) => numberOf(row[index]) !== undefined)
  })
}

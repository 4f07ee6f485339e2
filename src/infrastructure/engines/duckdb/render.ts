import type { RecordsFormat } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import type { Dialect, StoredType } from './dialect.ts'

/** One cell of a result row: its name there, the SQL of its value, and how that is written. */
export interface Cell {
  name: string
  value: string
  type: StoredType
}

/** A row as a JSON object: SQL text. */
export function objectText(cells: readonly Cell[], dialect: Dialect): string {
  const members = cells.map(({ name, value, type }, index) => {
    const key = `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`
    return `${quoteLiteral(key)}, ${dialect.json(value, type)}`
  })
  return `concat(${members.join(', ')}, '}')`
}

/** A row as a JSON list: SQL text. */
export function listText(cells: readonly Cell[], dialect: Dialect): string {
  const items = cells.map(({ value, type }, index) => `'${index === 0 ? '[' : ','}', ${dialect.json(value, type)}`)
  return `concat(${items.join(', ')}, ']')`
}

/** A row as a line of csv or tsv, with its line end: SQL text (contract §4.6). */
export function delimitedText(cells: readonly Cell[], dialect: Dialect, delimiter: ',' | '\t'): string {
  const separator = delimiter === '\t' ? 'chr(9)' : "','"
  const items = cells.map(({ value, type }) => dialect.csvCell(value, type, delimiter))
  return `concat(${items.join(`, ${separator}, `)}, chr(10))`
}

interface RowFormat {
  text(cells: readonly Cell[], dialect: Dialect): string
  /** What stands between two rows. */
  separator: string
}

/** How a page of rows is written in each `records_format`. */
export const rowFormats: Readonly<Record<RecordsFormat, RowFormat>> = {
  objects: { text: objectText, separator: ',' },
  lists: { text: listText, separator: ',' },
  csv: { text: (cells, dialect) => delimitedText(cells, dialect, ','), separator: '' },
  tsv: { text: (cells, dialect) => delimitedText(cells, dialect, '\t'), separator: '' },
}

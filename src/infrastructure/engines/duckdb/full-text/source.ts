import type { Family } from '../../../../core/field-types.ts'

/** A column whose values can be searched. */
export interface TextColumn {
  readonly name: string
  readonly family: Family
  readonly array: boolean
  /** SQL of the value as text, null where there is none; speaks of the table as `t`. */
  readonly text: string
}

/** A table as full text sees it. */
export interface TextSource {
  /** Its full name, quoted: SQL. Rows are known by its column `_id`. */
  readonly table: string
  /** Every column that a query over the whole row reads. */
  readonly columns: readonly TextColumn[]
}

/** SQL of a column's text as it is searched. A blank parts day and time: no one looks for `02T10`. */
export function searchedText({ family, text }: TextColumn): string {
  return family === 'timestamp' || family === 'timestamptz' ? `replace(${text}, 'T', ' ')` : text
}

/** Which lexemes the text of a family's values can hold, for those that can't hold every one. */
const possible: Partial<Record<Family, RegExp>> = {
  integer: /^\d+$/,
  numeric: /^\d[\d.]*$/,
  float: /^[\d.einfatyinr]+$/,
  boolean: /^[tf]/,
  date: /^\d+$/,
  time: /^\d[\d.]*$/,
  timestamp: /^\d[\d.]*$/,
  timestamptz: /^[\dzu][\d.tc]*$/,
}

/** False when no value of the column can hold a token of this lexeme, however it is written. */
export function canHold(column: TextColumn, lexeme: string): boolean {
  return column.array || (possible[column.family]?.test(lexeme) ?? true)
}

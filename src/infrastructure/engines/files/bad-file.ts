import { ValidationError } from '../../../core/errors.ts'
import type { BadCell } from '../engine.ts'

/** How many bad cells and records of a file are described. */
export const DESCRIBED = 100

const SHOWN = 100

/** 409 in the words of a bad record (contract §8.1), with all that was found beside it. */
export function badFile(cells: readonly BadCell[], rows: number): ValidationError {
  const [first] = cells as [BadCell]
  const place = `row ${first.row}${first.line === undefined ? '' : ` (line ${first.line})`}${first.column === undefined ? '' : `, column "${first.column}"`}`
  return new ValidationError(
    {
      records: [first.sentence],
      records_row: first.row,
      ...(first.column !== undefined && { records_column: first.column }),
      bad_rows: rows,
      bad_cells: cells,
    },
    { message: `records: ${place}: ${first.sentence}` },
  )
}

/** The beginning of a text, without its line end. */
export function shorten(text: string): string {
  const line = text.replace(/[\r\n]+$/, '')
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}…`
}

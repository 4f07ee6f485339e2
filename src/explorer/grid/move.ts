/** A cell: rows from 0, or `HEADER`. */
export interface At {
  row: number
  column: number
}

export const HEADER = -1

interface Size {
  rows: number
  columns: number
  /** Rows in sight. */
  page: number
}

/** Where a key leads to from a cell; undefined for keys that lead nowhere. */
export function moved(
  { row, column }: At,
  { key, ctrlKey, metaKey }: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey'>,
  { rows, columns, page }: Size,
): At | undefined {
  const far = ctrlKey || metaKey
  const targets: Record<string, At> = {
    ArrowDown: { row: row + 1, column },
    ArrowUp: { row: row - 1, column },
    ArrowRight: { row, column: column + 1 },
    ArrowLeft: { row, column: column - 1 },
    PageDown: { row: row + page, column },
    PageUp: { row: row - page, column },
    Home: { row: far ? HEADER : row, column: 0 },
    End: { row: far ? rows - 1 : row, column: columns - 1 },
  }
  const to = Object.hasOwn(targets, key) ? targets[key] : undefined
  if (!to) return undefined
  return { row: clamp(to.row, HEADER, rows - 1), column: clamp(to.column, 0, columns - 1) }
}

function clamp(number: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, number))
}

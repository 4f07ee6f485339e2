import type { RecordsFormat } from '../../infrastructure/engines/engine.ts'
import type { Value } from './select.ts'

type Cells = readonly Value[]

/** Writes rows that are in memory as an engine writes them (contract §4.6). */
export const rowWriters: Readonly<Record<RecordsFormat, (names: readonly string[], rows: readonly Cells[]) => string>> =
  {
    objects: (names, rows) =>
      rows
        .map((cells) => JSON.stringify(Object.fromEntries(names.map((name, index) => [name, cells[index]]))))
        .join(','),
    lists: (_names, rows) => rows.map((cells) => JSON.stringify(cells)).join(','),
    csv: (_names, rows) => delimited(rows, ','),
    tsv: (_names, rows) => delimited(rows, '\t'),
  }

function delimited(rows: readonly Cells[], delimiter: string): string {
  const cell = (value: Value) => {
    const text = String(value ?? '')
    const isSpecial = value === '' || text.includes(delimiter) || /["\r\n]/.test(text)
    return isSpecial ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((cells) => `${cells.map(cell).join(delimiter)}\n`).join('')
}

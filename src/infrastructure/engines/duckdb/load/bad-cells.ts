import type { BadCell, LoadSource } from '../../engine.ts'
import { DESCRIBED, shorten } from '../../files/bad-file.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import type { Dialect } from '../dialect.ts'
import type { BadRecord } from './bad-records.ts'
import { locate } from './locate.ts'
import { pathOf } from './source.ts'
import type { FileColumn } from './typed.ts'
import { cellComplaint, isBad } from './typed.ts'

/** SQL that holds for a row of texts with a bad cell; undefined: none can be. */
export function isBadRow(columns: readonly FileColumn[], dialect: Dialect): string | undefined {
  const bad = columns.flatMap((column) => isBad(column, dialect) ?? [])
  return bad.length > 0 ? bad.join(' OR ') : undefined
}

/** How many rows of the staged texts have a bad cell, and the first of these cells, by row and column. */
export async function findBadCells(
  session: Session,
  columns: readonly FileColumn[],
  dialect: Dialect,
): Promise<{ rows: number; cells: BadCell[] }> {
  const condition = isBadRow(columns, dialect)
  if (condition === undefined) return { rows: 0, cells: [] }
  const checked = columns.filter((column) => isBad(column, dialect) !== undefined)
  const [count] = (await session.row(`SELECT count(*) FROM temp._texts WHERE ${condition}`)) ?? []
  if (!Number(count)) return { rows: 0, cells: [] }
  const shown = checked.map((fileColumn) => {
    const raw = quoteIdentifier(fileColumn.column.name)
    return `CASE WHEN ${isBad(fileColumn, dialect)} THEN ${raw} END`
  })
  const rows = await session.rows(
    `SELECT _row, ${shown.join(', ')} FROM temp._texts WHERE ${condition} ORDER BY _row LIMIT ${DESCRIBED}`,
  )
  const cells = rows.flatMap(([row, ...texts]) =>
    texts.flatMap((text, index) => {
      if (text === null) return []
      const { column } = checked[index] as FileColumn
      const sentence = cellComplaint(column, String(text), dialect)
      return [{ row: Number(row), column: column.name, value: shorten(String(text)), sentence }]
    }),
  )
  return { rows: Number(count), cells: cells.slice(0, DESCRIBED) }
}

/** Bad records as bad cells, and the lines of the bad cells: one look through the file. Rows of cells count good records alone. */
export async function placed(
  source: LoadSource,
  records: readonly BadRecord[],
  cells: readonly BadCell[],
): Promise<BadCell[]> {
  if (source.format !== 'delimited') return [...cells]
  const places = await locate(pathOf(source.file), source, {
    records,
    rows: cells.map(({ row }) => row),
  })
  const ofRecords = records.map(({ offset, value, sentence }) => ({
    ...(places.byOffset.get(offset) ?? { row: 0 }),
    value: shorten(value),
    sentence,
  }))
  const ofCells = cells.map((cell) => ({ ...cell, ...places.byRow.get(cell.row) }))
  return [...ofRecords, ...ofCells].sort((a, b) => a.row - b.row).slice(0, DESCRIBED)
}

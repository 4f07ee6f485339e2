import { ValidationError } from '../../../../core/errors.ts'
import type { BadCell, LoadSource } from '../../engine.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import type { Dialect } from '../dialect.ts'
import { locate } from './locate.ts'
import type { TypedSource } from './source.ts'
import { pathOf, readTexts } from './source.ts'
import type { FileColumn } from './typed.ts'
import { cellComplaint, isBad } from './typed.ts'

/** How many bad cells are described. */
export const DESCRIBED = 100
const SHOWN = 100

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

/** Records that are none, by where in the file they begin. */
export interface BadRecord {
  offset: number
  value: string
  sentence: string
}

const STRUCTURE: Readonly<Record<string, (message: string) => string>> = {
  'MISSING COLUMNS': columnsSentence,
  'TOO MANY COLUMNS': columnsSentence,
  'UNQUOTED VALUE': () => 'a quoted value does not end, or goes on behind its closing quote',
  'LINE SIZE OVER MAXIMUM': () => 'the line is longer than 2 MB',
  'INVALID ENCODING': () => 'the text is not UTF-8: say which with encoding=, such as encoding=latin1',
}

function columnsSentence(message: string): string {
  const [, expected, found] = /Columns: (\d+) Found: (\d+)/.exec(message) ?? []
  return `the row has ${found} cells, the header ${expected}`
}

/** The records that DuckDB has rejected on this connection, each once. */
export async function rejectedRecords(session: Session): Promise<BadRecord[]> {
  const rows = await session.rows(
    'SELECT line_byte_position, any_value(csv_line), any_value(error_type::VARCHAR), any_value(error_message) ' +
      'FROM temp._load_rejects GROUP BY line_byte_position ORDER BY line_byte_position',
  )
  return rows.map(([position, line, type, message]) => ({
    // DuckDB counts bytes from 1, and empty lines to the record behind them.
    offset: Number(position) - 1 + (/^\n*/.exec(String(line ?? ''))?.[0].length ?? 0),
    value: shorten(String(line ?? '').replace(/^\n+/, '')),
    sentence: STRUCTURE[String(type)]?.(String(message)) ?? String(message).split('\n', 1)[0] ?? '',
  }))
}

/** What `read_csv` needs to leave bad records out and note them. */
export function rejecting(limit: number): string {
  return `, store_rejects = true, rejects_table = '_load_rejects', rejects_scan = '_load_scans', rejects_limit = ${limit}`
}

/** Reads a file only for the records that are none. */
export async function findBadRecords(session: Session, source: TypedSource): Promise<BadRecord[]> {
  await session.run(`SELECT max(hash(t)) FROM ${readTexts(source, rejecting(DESCRIBED))} t`)
  return rejectedRecords(session)
}

export async function dropRejects(session: Session): Promise<void> {
  await session.run('DROP TABLE IF EXISTS temp._load_rejects; DROP TABLE IF EXISTS temp._load_scans')
}

/** Bad records as bad cells, and the lines of the bad cells: one look through the file. Rows of cells count good records alone. */
export async function placed(
  source: LoadSource,
  records: readonly BadRecord[],
  cells: readonly BadCell[],
): Promise<BadCell[]> {
  if (source.format !== 'delimited') return [...cells]
  const offsets = records.map(({ offset }) => offset)
  const places = await locate(pathOf(source.file), source, {
    offsets,
    rows: cells.map(({ row }) => row),
    until: DESCRIBED,
  })
  const ofRecords = records
    .slice(0, DESCRIBED)
    .map(({ offset, value, sentence }) => ({ ...(places.byOffset.get(offset) ?? { row: 0 }), value, sentence }))
  const ofCells = cells.map((cell) => ({ ...cell, ...places.byRow.get(cell.row) }))
  return [...ofRecords, ...ofCells].sort((a, b) => a.row - b.row).slice(0, DESCRIBED)
}

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

function shorten(text: string): string {
  const line = text.replace(/[\r\n]+$/, '')
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}…`
}

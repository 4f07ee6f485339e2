import { badValue, invalidInput } from '../../../core/bad-value.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, idColumn } from '../../../core/table-schema.ts'
import type { Records } from '../engine.ts'
import { isRefused, readValue } from './values.ts'

/** One record with its values as `readValue` writes them; undefined: the record does not carry the column. */
export interface StagedRecord {
  row: number
  /** The `_id` that it brings along. */
  id?: string
  cells: (string | null | undefined)[]
}

/** Above it, too few numbers would be left for the `_id`s to come. */
const HIGHEST_GIVEN_ID = 2 ** 52

/** The columns that records may carry, in the table's order. */
export function stagedColumns(columns: readonly Column[], records: Records): Column[] {
  const carried = new Set(records.columns)
  return columns.filter(({ name }) => carried.has(name))
}

/**
 * Reads records as values of the columns.
 *
 * @throws ValidationError naming the first row and column whose text is no value of its column.
 */
export function stageRecords(records: Records, columns: readonly Column[]): StagedRecord[] {
  const staged: StagedRecord[] = []
  const decoder = new TextDecoder()
  for (const chunk of records.ndjson) {
    for (const line of decoder.decode(chunk).split('\n'))
      if (line !== '') staged.push(stageLine(line, staged.length, columns))
  }
  while (staged.length < records.count) staged.push({ row: staged.length, cells: columns.map(() => undefined) })
  return staged
}

function stageLine(line: string, row: number, columns: readonly Column[]): StagedRecord {
  const given = JSON.parse(line) as Record<string, string | number | boolean | null>
  const id = Object.hasOwn(given, ID_COLUMN) ? given[ID_COLUMN] : null
  return {
    row,
    ...(id !== null && id !== undefined && { id: readId(String(id), row) }),
    cells: columns.map((column) =>
      Object.hasOwn(given, column.name) ? stageCell(given[column.name], column, row) : undefined,
    ),
  }
}

/** A cell as `readValue` writes it. */
export function stageCell(
  value: string | number | boolean | null | undefined,
  column: Column,
  row: number,
): string | null {
  if (value === null || value === undefined) return null
  const reading = readValue(column.type, String(value))
  if (isRefused(reading)) throw badValue(row, column.name, reading.sentence)
  return reading
}

function readId(text: string, row: number): string {
  const reading = readValue(idColumn.type, text)
  if (isRefused(reading)) throw badValue(row, ID_COLUMN, reading.sentence)
  if (Number(reading) < 1 || Number(reading) > HIGHEST_GIVEN_ID)
    throw badValue(row, ID_COLUMN, invalidInput(idColumn.type, text))
  return reading
}

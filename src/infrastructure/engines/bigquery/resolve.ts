import { badValue } from '../../../core/bad-value.ts'
import { ValidationError } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN } from '../../../core/table-schema.ts'
import type { UpsertMethod } from '../engine.ts'
import type { Owners } from './look.ts'
import { keyText } from './look.ts'
import type { StoredTable } from './metadata.ts'
import type { StagedRecord } from './records.ts'

/** One row as it is to be written: several records of one row have become one. */
export interface RowChange {
  id: string
  /** Whether the row is there already. */
  exists: boolean
  /** The record that spoke last of it, for messages. */
  row: number
  /** undefined: the column stays as it is. */
  cells: (string | null | undefined)[]
}

/** What is known of the stored rows that records may meet. */
export interface Known {
  /** By `keyText` of the primary key. */
  keys: Owners
  /** Cells, in the order of `withKeyColumns`, of the rows whose `_id` records bring along. */
  rows: ReadonlyMap<string, readonly (string | null)[]>
  /** Key texts of those rows. */
  keysOfRows: ReadonlyMap<string, string | undefined>
}

/** What the records come to. */
export interface Resolved {
  changes: RowChange[]
  /** Rows that are new. */
  fresh: number
  nextId: number
}

/**
 * Finds each record's row, by the `_id` it carries, else by its key, as if the records were applied one after the other
 * (contract §8.2); the last word on each column wins.
 *
 * @throws ValidationError in CKAN's words: a key that is taken, an update without a row.
 */
export function resolveRecords(
  table: StoredTable,
  staged: readonly Column[],
  records: readonly StagedRecord[],
  method: UpsertMethod,
  known: Known,
): Resolved {
  const positions = keyPositions(table, staged)
  const keyed = positions.length > 0
  const keyOf = (cells: StagedRecord['cells']) =>
    keyed ? keyText(positions.map((position) => cells[position])) : undefined
  const ids = new Map(known.keys)
  const keys = new Map<string, string | undefined>(known.keysOfRows)
  for (const [key, id] of known.keys) keys.set(id, key)
  const changes = new Map<string, RowChange>()
  let nextId = table.nextId

  for (const record of records) {
    const key = keyOf(record.cells)
    const target = method === 'insert' ? undefined : (record.id ?? (key === undefined ? undefined : ids.get(key)))
    if (method === 'insert' && key !== undefined && ids.has(key)) throw duplicateKey(table.id, record.row)
    const exists = target !== undefined && (known.rows.has(target) || changes.has(target) || keys.has(target))
    if (method === 'update' && !exists) throw missing(table, staged, record)
    const id = target ?? String(nextId)
    if (!exists) nextId = Math.max(nextId, Number(id) + 1)
    const before = changes.get(id)
    if (before) {
      for (const [index, cell] of record.cells.entries()) if (cell !== undefined) before.cells[index] = cell
      before.row = record.row
    } else {
      changes.set(id, { id, exists, row: record.row, cells: [...record.cells] })
    }
    if (keyed) moveKey(id, record)
  }
  refuseTakenKeys()
  const list = [...changes.values()]
  return { changes: list, fresh: list.filter(({ exists }) => !exists).length, nextId }

  /** A row's key may change where an `_id` finds it; what it was is then free. */
  function moveKey(id: string, record: StagedRecord): void {
    const stored = known.rows.get(id)
    const cells = positions.map((position) => {
      const changed = changes.get(id)?.cells[position]
      return changed === undefined ? (stored?.[position] ?? null) : changed
    })
    const key = record.id === undefined && !stored ? keyOf(record.cells) : keyText(cells)
    const old = keys.get(id)
    if (old === key) return
    if (old !== undefined && ids.get(old) === id) ids.delete(old)
    keys.set(id, key)
    if (key !== undefined && !ids.has(key)) ids.set(key, id)
  }

  /** Asked of what the records come to in the end. */
  function refuseTakenKeys(): void {
    if (!keyed) return
    const holders = new Map<string, string>()
    for (const [id, key] of keys) if (key !== undefined && !changes.has(id)) holders.set(key, id)
    const sorted = [...changes.values()].sort((a, b) => a.row - b.row)
    for (const { id, row } of sorted) {
      const key = keys.get(id)
      if (key === undefined) continue
      if (holders.has(key)) throw duplicateKey(table.id, row)
      holders.set(key, id)
    }
  }
}

/** The staged columns, and behind them those of the key that no record carries. */
export function withKeyColumns(table: StoredTable, staged: readonly Column[]): Column[] {
  const key = table.columns.filter(({ name }) => table.primaryKey.includes(name))
  return [...staged, ...key.filter((column) => !staged.includes(column))]
}

/** Where the columns of the key are in `withKeyColumns`. */
export function keyPositions(table: StoredTable, staged: readonly Column[]): number[] {
  const columns = withKeyColumns(table, staged)
  return table.primaryKey.map((name) => columns.findIndex((column) => column.name === name))
}

export function duplicateKey(id: string, row: number): ValidationError {
  return new ValidationError({
    records: [`duplicate key value violates unique constraint "${id}_primary_key"`],
    records_row: row,
  })
}

/** CKAN's words for a record of an update that has no row (contract §8.2). */
function missing(table: StoredTable, staged: readonly Column[], { id, cells }: StagedRecord): ValidationError {
  const shown = (value: string | null | undefined) => (value === null || value === undefined ? 'None' : `'${value}'`)
  const pairs =
    id !== undefined
      ? [`'${ID_COLUMN}': ${shown(id)}`]
      : table.primaryKey.map((name) => `'${name}': ${shown(cells[staged.findIndex((column) => column.name === name)])}`)
  return new ValidationError({ key: [`key "{${pairs.join(', ')}}" not found`] })
}

/**
 * Refuses new rows without a value in a required column, and changes that set one to null.
 *
 * @throws ValidationError naming the first row and its column.
 */
export function checkRequired(table: StoredTable, staged: readonly Column[], changes: readonly RowChange[]): void {
  const required = table.columns.filter(({ field }) => field.constraints?.required === true)
  if (required.length === 0) return
  for (const { row, exists, cells } of [...changes].sort((a, b) => a.row - b.row)) {
    for (const column of required) {
      const cell = cells[staged.indexOf(column)]
      if (cell === null || (cell === undefined && !exists))
        throw badValue(row, column.name, 'null violates the constraint required: true')
    }
  }
}

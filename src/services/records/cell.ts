import { badValue, invalidInput } from '../../core/bad-value.ts'
import type { ColumnType } from '../../core/field-types.ts'
import { sourceText } from '../../core/json-scanner.ts'
import type { LineWriter } from './line-writer.ts'

/** A column that records may carry. */
export interface RecordColumn {
  readonly name: string
  readonly type: ColumnType
}

/** Encodes the value that a cell stands at: does nothing (it is copied as it is), replaces it, or refuses it. */
export type ValueWriter = (cell: Cell) => void

/** What was altered on the way in; the first of each kind is told (contract §10.5). */
export type WarningKind = 'rounded' | 'offset dropped'

/**
 * The value that is being encoded: where it stands in the source, for which column, and where its encoding goes.
 * One object serves all values in turn.
 */
export class Cell {
  readonly bytes: Uint8Array
  readonly out: LineWriter
  /** From 0. */
  row = 0
  column: RecordColumn
  start = 0
  end = 0
  /** What the scanner saw in it: `HAS_…` of core/json-scanner.ts. */
  flags = 0
  readonly warnings = new Map<WarningKind, string>()

  constructor(bytes: Uint8Array, out: LineWriter, column: RecordColumn) {
    this.bytes = bytes
    this.out = out
    this.column = column
  }

  /** The value's source text. */
  token(): string {
    return sourceText(this.bytes, this.start, this.end)
  }

  /** Ends the run before the value, lets `put` write in its place, and goes on copying behind it. */
  replace(put: (out: LineWriter, cell: Cell) => void): void {
    const { out } = this
    out.copyTo(this.start)
    put(out, this)
    out.copyFrom(this.end)
  }

  /** 409 with row and column; the sentence is PostgreSQL's about the text unless given. */
  refuse(text: string, sentence = invalidInput(this.column.type, text)): never {
    throw badValue(this.row, this.column.name, sentence)
  }

  warn(kind: WarningKind, sentence: (place: string) => string): void {
    if (this.warnings.has(kind)) return
    this.warnings.set(kind, `records: ${sentence(`(row ${this.row}, column "${this.column.name}")`)}`)
  }
}

import type { Records } from '../../infrastructure/engines/engine.ts'

/** Sorts records by the set of columns that they carry. Most repeat the record before and cost nothing. */
export class Shapes {
  private readonly names: readonly string[]
  private readonly lists: number[][] = []
  private readonly byColumns = new Map<string, number>()
  private readonly ofRecord: number[] = []
  private readonly bits: Uint16Array
  private readonly carried: Int32Array
  private count = 0
  private last = -1
  private repeats = false

  constructor(names: readonly string[]) {
    this.names = names
    this.bits = new Uint16Array(Math.ceil(names.length / 16))
    this.carried = new Int32Array(names.length)
  }

  begin(): void {
    this.count = 0
    this.repeats = this.last >= 0
  }

  add(column: number): void {
    this.carried[this.count++] = column
  }

  /** The record that began differs from the one before. */
  differ(): void {
    this.repeats = false
  }

  end(): void {
    if (!this.repeats) this.last = this.find()
    this.ofRecord.push(this.last)
  }

  /** The next record can't be told by the order of its keys. */
  forget(): void {
    this.last = -1
  }

  finish(): Pick<Records, 'columns' | 'shapes' | 'shapeOf'> {
    const used = new Set(this.lists.flat())
    return {
      columns: this.names.filter((_, column) => used.has(column)),
      shapes: this.lists.map((list) => list.map((column) => this.names[column] as string)),
      shapeOf: this.lists.length > 1 ? this.ofRecord : [],
    }
  }

  private find(): number {
    const { bits } = this
    const columns = this.carried.subarray(0, this.count)
    for (const column of columns) bits[column >> 4] = (bits[column >> 4] as number) | (1 << (column & 15))
    const key = String.fromCharCode(...bits)
    for (const column of columns) bits[column >> 4] = 0
    let shape = this.byColumns.get(key)
    if (shape === undefined) {
      shape = this.lists.push([...columns].sort((a, b) => a - b)) - 1
      this.byColumns.set(key, shape)
    }
    return shape
  }
}

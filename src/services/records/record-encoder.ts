import type { JsonScanner } from '../../core/json-scanner.ts'
import { HAS_LONE_SURROGATE, HAS_NUL, Kind, textOf } from '../../core/json-scanner.ts'
import { idColumn } from '../../core/table-schema.ts'
import type { Records } from '../../infrastructure/engines/engine.ts'
import type { RecordColumn, ValueWriter } from './cell.ts'
import { Cell } from './cell.ts'
import { KeyIndex, UNKNOWN } from './key-index.ts'
import { LineWriter } from './line-writer.ts'
import { PlainColumns } from './plain-columns.ts'
import { keep } from './scalars.ts'
import { Shapes } from './shapes.ts'
import { idWriters, writersOf } from './values.ts'

const COLON = 0x3a
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** A value stands this deep: in a record, in `records`. */
const DEPTH = 2

/** Turns one JSON object after the other into a line. A line is copied from the source but for what must change. */
export class RecordEncoder {
  private readonly scanner: JsonScanner
  private readonly out: LineWriter
  private readonly cell: Cell
  private readonly columns: readonly RecordColumn[]
  private readonly writers: readonly (readonly ValueWriter[])[]
  /** What no value of a column may hold, as `HAS_…`. */
  private readonly forbidden: readonly number[]
  /** The columns' names, then those of the keys to drop. */
  private readonly keys: KeyIndex
  private readonly shapes: Shapes
  private readonly plain: PlainColumns
  /** The stamp of the record that carried each key last: tells that a record repeats one. */
  private readonly seen: Int32Array
  /** Whether the record repeats a key that is dropped. */
  private repeatsDropped = false
  private stamp = 0
  private unknown: string[] = []
  /** Where the last member that counts ended; whether there was none yet. */
  private keptEnd = 0
  private empty = true
  /** For a record that repeats keys: where the last member of each begins. */
  private lastOf: ReadonlyMap<number, number> | undefined

  constructor(
    scanner: JsonScanner,
    columns: readonly RecordColumn[],
    { idKey = false, ignore = [] }: { idKey?: boolean; ignore?: readonly string[] },
  ) {
    this.scanner = scanner
    this.columns = idKey ? [idColumn, ...columns] : columns
    this.writers = this.columns.map((column) => (column === idColumn ? idWriters : writersOf(column)))
    this.forbidden = this.columns.map(({ type }) => (type.type.family === 'json' ? 0 : HAS_NUL) | HAS_LONE_SURROGATE)
    const names = this.columns.map(({ name }) => name)
    const keys = [...names, ...ignore.filter((name) => !names.includes(name))]
    this.keys = new KeyIndex(scanner.bytes, keys)
    this.seen = new Int32Array(keys.length)
    this.shapes = new Shapes(names)
    this.plain = new PlainColumns(scanner.bytes, this.columns)
    const { length } = scanner.bytes
    this.out = new LineWriter(scanner.bytes, length + (length >> 3))
    this.cell = new Cell(scanner.bytes, this.out, this.columns[0] ?? idColumn)
  }

  /** Encodes the object at the scanner's position. Answers its unknown keys: with any, the line is of no use. */
  encode(row: number): readonly string[] {
    const { scanner, shapes } = this
    const start = scanner.pos
    this.cell.row = row
    if (!this.object(start)) {
      this.lastOf = this.lastMembers(start)
      this.out.restartLine()
      this.object(start)
      this.lastOf = undefined
      shapes.forget()
    }
    this.out.endLine()
    return this.unknown
  }

  finish(): Omit<Records, 'count'> & { warnings: string[] } {
    return {
      ...this.shapes.finish(),
      plain: this.plain.finish(),
      ndjson: this.out.finish(),
      warnings: [...this.cell.warnings.values()],
    }
  }

  /** Encodes one object. False, and stopped short: it repeats a key. */
  private object(start: number): boolean {
    const { scanner, out, keys, shapes } = this
    this.stamp++
    this.keptEnd = start + 1
    this.empty = true
    this.repeatsDropped = false
    out.copyFrom(start)
    scanner.pos = start + 1
    shapes.begin()
    let key = UNKNOWN
    for (;;) {
      const expected = keys.after(key)
      const valueStart = out.run < 0 || this.lastOf ? -1 : keys.endOfLead(expected, scanner.pos)
      const kind = valueStart < 0 ? Kind.none : scanner.kindAt(valueStart)
      if (kind !== Kind.none) {
        key = expected
        if (!this.keepMember(key, kind, valueStart)) return false
      } else {
        const more = this.isFirst() ? scanner.some(CLOSE_OBJECT) : scanner.more(CLOSE_OBJECT)
        if (!more) break
        const found = this.member(expected)
        if (found === undefined) return false
        if (found !== expected) this.learn(key, found)
        key = found
      }
    }
    if (keys.after(key) !== UNKNOWN) this.learn(key, UNKNOWN)
    shapes.end()
    if (this.repeatsDropped) shapes.forget()
    this.closeObject()
    return true
  }

  private isFirst(): boolean {
    return this.scanner.bytes[this.scanner.pos - 1] === OPEN_OBJECT
  }

  /** Reads a key and encodes its member. Answers the key, or undefined: the object has carried it before. */
  private member(expected: number): number | undefined {
    const { scanner, out, lastOf } = this
    const keyStart = scanner.pos
    const key = this.key(expected)
    const keyEnd = scanner.colon()
    const kind = scanner.next()
    if (key < 0 || key >= this.columns.length || (lastOf && lastOf.get(key) !== keyStart)) {
      if (key < 0) this.unknown.push(textOf(scanner.bytes, keyStart, keyEnd))
      else if (key >= this.columns.length) this.drop(key)
      out.copyTo(this.keptEnd)
      scanner.value(DEPTH)
      return key
    }
    this.openMember(key, keyStart, keyEnd, scanner.pos)
    return this.keepMember(key, kind, scanner.pos) ? key : undefined
  }

  private key(expected: number): number {
    const { scanner, keys } = this
    const start = scanner.pos
    const end = keys.endOf(expected, start)
    if (end >= 0) {
      scanner.pos = end
      return expected
    }
    scanner.key()
    return keys.find(start, scanner.pos)
  }

  private drop(key: number): void {
    if (this.seen[key] === this.stamp) this.repeatsDropped = true
    this.seen[key] = this.stamp
  }

  private learn(key: number, follower: number): void {
    this.keys.learn(key, follower)
    this.shapes.differ()
  }

  /** Goes on copying with this member: without line breaks around key and colon, and the key as the column's name. */
  private openMember(key: number, keyStart: number, keyEnd: number, start: number): void {
    const { out, keptEnd, keys } = this
    const { run } = out
    if (this.breaksLine(keptEnd, keyStart)) out.copyTo(keptEnd)
    if (out.run < 0) {
      if (!this.empty) out.put(COMMA)
      out.copyFrom(keyStart)
    }
    const name = keys.encoded[key] as Uint8Array
    if (name.length !== keyEnd - keyStart) {
      out.copyTo(keyStart)
      out.putBytes(name)
      out.copyFrom(keyEnd)
    }
    if (this.breaksLine(keyEnd, start)) {
      out.copyTo(keyEnd)
      out.put(COLON)
      out.copyFrom(start)
    }
    if (run >= 0 && out.run === run) keys.learnLead(key, keptEnd, start)
  }

  /** Encodes the value at `start`. False: the object has carried its key before. */
  private keepMember(key: number, kind: number, start: number): boolean {
    const { scanner, cell } = this
    if (this.seen[key] === this.stamp && !this.lastOf) return false
    this.seen[key] = this.stamp
    scanner.pos = start
    scanner.flags = 0
    if (kind === Kind.string) scanner.string()
    else if (kind === Kind.number) scanner.number()
    else scanner.value(DEPTH)
    this.plain.see(key, kind, start, scanner.pos)
    const write = (this.writers[key] as readonly ValueWriter[])[kind] as ValueWriter
    const forbidden = scanner.flags & (this.forbidden[key] as number)
    if (write !== keep || forbidden !== 0) {
      cell.column = this.columns[key] as RecordColumn
      cell.start = start
      cell.end = scanner.pos
      cell.flags = scanner.flags
      if (forbidden !== 0) refuseText(cell)
      write(cell)
    }
    this.keptEnd = scanner.pos
    this.empty = false
    this.shapes.add(key)
    return true
  }

  private closeObject(): void {
    const { out, scanner, keptEnd } = this
    if (this.breaksLine(keptEnd, scanner.pos)) out.copyTo(keptEnd)
    if (out.run < 0) out.put(CLOSE_OBJECT)
    else out.copyTo(scanner.pos)
  }

  /** Whether the white space between two tokens holds a line break, which no line may. */
  private breaksLine(from: number, to: number): boolean {
    const { bytes } = this.scanner
    for (let p = from; p < to; p++) if (bytes[p] === 0x0a || bytes[p] === 0x0d) return true
    return false
  }

  /** Where the last member of each key begins, in the object at `start`. */
  private lastMembers(start: number): Map<number, number> {
    const { scanner, keys } = this
    const last = new Map<number, number>()
    scanner.pos = start + 1
    scanner.next()
    do {
      const keyStart = scanner.pos
      scanner.key()
      last.set(keys.find(keyStart, scanner.colon()), keyStart)
      scanner.next()
      scanner.value(DEPTH)
    } while (scanner.more(CLOSE_OBJECT))
    return last
  }
}

function refuseText(cell: Cell): never {
  const nul = (cell.flags & HAS_NUL) !== 0
  return cell.refuse('', nul ? 'invalid byte sequence for encoding "UTF8": 0x00' : 'invalid Unicode surrogate pair')
}

import { sourceText, textOf } from '../../core/json-scanner.ts'

/** No key of the index; also what comes before the first and after the last. */
export const UNKNOWN = -1

const OPEN_OBJECT = 0x7b

const encoder = new TextEncoder()

/**
 * Finds keys in JSON source. Records mostly repeat the keys of the record before, in the same order and with the same
 * blanks between, so that one comparison of bytes tells a key and where its value begins.
 */
export class KeyIndex {
  /** Each key as JSON, quotes included. */
  readonly encoded: readonly Uint8Array[]
  private readonly source: Uint8Array
  private readonly byName: ReadonlyMap<string, number>
  /** A hash table of keys by their bytes. */
  private readonly slots: Int32Array
  /** Which key came after key i - 1 the last time; at 0 the one that came first. */
  private readonly followers: Int32Array
  /** Where in the source stands what led up to a key's value the last time (`,"name": `), if that was on one line. */
  private readonly leadStart: Int32Array
  private readonly leadLength: Int32Array

  constructor(source: Uint8Array, names: readonly string[]) {
    this.source = source
    this.encoded = names.map((name) => encoder.encode(JSON.stringify(name)))
    this.byName = new Map(names.map((name, index) => [name, index]))
    this.slots = new Int32Array(slotCount(names.length)).fill(UNKNOWN)
    this.followers = Int32Array.from({ length: names.length + 1 }, (_, index) =>
      index < names.length ? index : UNKNOWN,
    )
    this.leadStart = new Int32Array(names.length)
    this.leadLength = new Int32Array(names.length)
    this.encoded.forEach((key, index) => {
      this.slots[this.slotOf(key, 0, key.length)] = index
    })
  }

  /** The key to expect after this one (`UNKNOWN`: as the first), or `UNKNOWN` for the record's end. */
  after(key: number): number {
    return this.followers[key + 1] as number
  }

  learn(key: number, follower: number): void {
    this.followers[key + 1] = follower
  }

  /** If the source at `at` is what led up to this key's value the last time: where that ends, else -1. */
  endOfLead(key: number, at: number): number {
    const length = key < 0 ? 0 : (this.leadLength[key] as number)
    const { source } = this
    if (length === 0 || at + length > source.length) return -1
    const start = this.leadStart[key] as number
    // A first member has no comma before it.
    if ((source[start - 1] === OPEN_OBJECT) !== (source[at - 1] === OPEN_OBJECT)) return -1
    for (let i = 0; i < length; i++) if (source[at + i] !== source[start + i]) return -1
    return at + length
  }

  learnLead(key: number, start: number, end: number): void {
    this.leadStart[key] = start
    this.leadLength[key] = end - start
  }

  /** If the source at `at` is this key: where it ends, else -1. */
  endOf(key: number, at: number): number {
    return key >= 0 && startsWith(this.source, at, this.encoded[key] as Uint8Array)
      ? at + (this.encoded[key]?.length ?? 0)
      : -1
  }

  /** The key whose JSON string stands there in the source, or `UNKNOWN`. */
  find(start: number, end: number): number {
    const { source } = this
    const key = this.slots[this.slotOf(source, start, end)] as number
    if (key !== UNKNOWN || !sourceText(source, start, end).includes('\\')) return key
    return this.byName.get(textOf(source, start, end)) ?? UNKNOWN
  }

  /** Where a key stands in the table, or the free place where it belongs. */
  private slotOf(bytes: Uint8Array, start: number, end: number): number {
    const mask = this.slots.length - 1
    for (let slot = hash(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
      const key = this.slots[slot] as number
      if (key === UNKNOWN) return slot
      const encoded = this.encoded[key] as Uint8Array
      if (encoded.length === end - start && startsWith(bytes, start, encoded)) return slot
    }
  }
}

function startsWith(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  const { length } = part
  if (at + length > bytes.length) return false
  for (let i = 0; i < length; i++) if (bytes[at + i] !== part[i]) return false
  return true
}

/** A power of two that leaves at least half of the slots free. */
function slotCount(keys: number): number {
  return 2 ** Math.ceil(Math.log2(2 * keys + 2))
}

/** FNV-1a. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5
  for (let p = start; p < end; p++) value = Math.imul(value ^ (bytes[p] as number), 0x01000193)
  return value ^ (value >>> 15)
}

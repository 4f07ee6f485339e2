/**
 * A strict JSON (RFC 8259) scanner over bytes. It makes no JavaScript values: it says where values begin and end, so
 * that numbers keep every digit and a request of many megabytes costs one pass.
 */
import { JsonNotObject, JsonSyntaxError, textStart } from './json-errors.ts'

export { JsonNotObject, JsonSyntaxError }

/** Where a value stands in the bytes: `end` is exclusive. */
export interface Span {
  start: number
  end: number
}

/** Objects and lists may nest this deep. */
export const MAX_DEPTH = 64

/** Bits of `JsonScanner.flags`. */
export const HAS_ESCAPE = 1
/** A string holds `\u0000`: valid JSON that no text column can store. */
export const HAS_NUL = 2
/** A string holds half of a surrogate pair: valid JSON, but no Unicode text. */
export const HAS_LONE_SURROGATE = 4
/** A number has a fraction. */
export const HAS_FRACTION = 8
/** A number has an exponent. */
export const HAS_EXPONENT = 16

/** What a value is, told by its first byte. */
export const Kind = { none: 0, string: 1, number: 2, boolean: 3, null: 4, array: 5, object: 6 } as const

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const kindOfByte = new Uint8Array(256)
kindOfByte[QUOTE] = Kind.string
kindOfByte[MINUS] = Kind.number
for (let digit = 0x30; digit <= 0x39; digit++) kindOfByte[digit] = Kind.number
kindOfByte[0x74] = kindOfByte[0x66] = Kind.boolean
kindOfByte[0x6e] = Kind.null
kindOfByte[OPEN_LIST] = Kind.array
kindOfByte[OPEN_OBJECT] = Kind.object

/** 1: the byte may stand in a string as it is. */
const plainInString = new Uint8Array(256).fill(1, 0x20, 0x80)
plainInString[QUOTE] = plainInString[BACKSLASH] = 0

/** 1: the byte may follow a backslash (`u` has its own rule). */
const escapable = new Uint8Array(256)
for (const letter of '"\\/bfnrt') escapable[letter.charCodeAt(0)] = 1

/** The words of JSON by their first byte. */
const literals: (Uint8Array | undefined)[] = new Array(256).fill(undefined)
for (const word of ['true', 'false', 'null']) literals[word.charCodeAt(0)] = new TextEncoder().encode(word)

/**
 * A position in JSON text that steps over tokens, each checked strictly. Every step expects `pos` at the token's
 * first byte, leaves it after the last, and throws `JsonSyntaxError` for anything else.
 */
export class JsonScanner {
  readonly bytes: Uint8Array
  readonly end: number
  pos: number
  /** Bits are added by the tokens stepped over (`HAS_…`); whoever wants to know clears it before. */
  flags = 0

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    // Subclasses (Node's Buffer) would make the loops below polymorphic.
    this.bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.pos = start
    this.end = end
  }

  /** Steps over white space; answers the kind of the value that begins there. */
  next(): number {
    const { bytes, end } = this
    let p = this.pos
    while (p < end && isBlank(bytes[p] as number)) p++
    this.pos = p
    return p < end ? (kindOfByte[bytes[p] as number] as number) : Kind.none
  }

  /** The kind of the value that begins at `at`. */
  kindAt(at: number): number {
    return at < this.end ? (kindOfByte[this.bytes[at] as number] as number) : Kind.none
  }

  /** The byte at the position, or -1 at the end. */
  byte(): number {
    return this.pos < this.end ? (this.bytes[this.pos] as number) : -1
  }

  /** Steps over one value, whatever it is. `depth` is how many lists and objects stand around it. */
  value(depth: number): void {
    const byte = this.byte()
    if (byte === QUOTE) this.string()
    else if (byte === OPEN_OBJECT) this.object(depth)
    else if (byte === OPEN_LIST) this.list(depth)
    else if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) this.number()
    else this.literal()
  }

  string(): void {
    const { bytes, end } = this
    const start = this.pos
    let p = start + 1
    for (;;) {
      while (p < end && plainInString[bytes[p] as number] === 1) p++
      if (p >= end) this.fail('Unterminated string starting at', start)
      const byte = bytes[p] as number
      if (byte === QUOTE) break
      if (byte === BACKSLASH) p = this.escape(p, start)
      else if (byte >= 0x80) p = this.wideCharacter(p)
      else this.fail('Invalid control character at', p)
    }
    this.pos = p + 1
  }

  number(): void {
    const { bytes, end } = this
    const start = this.pos
    let p = bytes[start] === MINUS ? start + 1 : start
    const first = p
    while (p < end && isDigit(bytes[p] as number)) p++
    if (p === first) this.fail('Expecting value', start)
    if (bytes[first] === 0x30) p = first + 1
    if (p + 1 < end && bytes[p] === 0x2e && isDigit(bytes[p + 1] as number)) {
      this.flags |= HAS_FRACTION
      p += 2
      while (p < end && isDigit(bytes[p] as number)) p++
    }
    if (p < end && ((bytes[p] as number) | 0x20) === 0x65) p = this.exponent(p)
    this.pos = p
  }

  /** `true`, `false` or `null`. */
  literal(): void {
    const { bytes, end, pos } = this
    const word = pos < end ? literals[bytes[pos] as number] : undefined
    if (!word || pos + word.length > end) this.fail('Expecting value', pos)
    for (let i = 1; i < word.length; i++) if (bytes[pos + i] !== word[i]) this.fail('Expecting value', pos)
    this.pos = pos + word.length
  }

  /** The members of an object by name, with where their values stand. Of equal names the last one counts. */
  members(depth = 0, most = Number.POSITIVE_INFINITY): Map<string, Span> {
    const members = new Map<string, Span>()
    this.enter(depth)
    if (!this.some(CLOSE_OBJECT)) return members
    let count = 0
    do {
      const keyStart = this.pos
      if (++count > most) this.fail('Too many names', keyStart)
      this.key()
      const name = textOf(this.bytes, keyStart, this.colon())
      this.next()
      const start = this.pos
      this.value(depth + 1)
      members.set(name, { start, end: this.pos })
    } while (this.more(CLOSE_OBJECT))
    return members
  }

  /** After an opening bracket: true when an item follows (the position is at it), false when it was closed at once. */
  some(close: number): boolean {
    this.next()
    if (this.byte() !== close) return true
    this.pos++
    return false
  }

  /** After an item: true when another follows (the position is at it), false when the list or object was closed. */
  more(close: number): boolean {
    this.next()
    const byte = this.byte()
    this.pos++
    if (byte === close) return false
    if (byte !== COMMA) this.fail("Expecting ',' delimiter", this.pos - 1)
    this.next()
    return true
  }

  /** A member's name. */
  key(): void {
    if (this.byte() !== QUOTE) this.fail('Expecting property name enclosed in double quotes', this.pos)
    this.string()
  }

  /** The colon and what blanks are before it; answers where the name before it ended. */
  colon(): number {
    const end = this.pos
    this.next()
    if (this.byte() !== COLON) this.fail("Expecting ':' delimiter", this.pos)
    this.pos++
    return end
  }

  /** Refuses anything but white space up to the end. */
  finish(): void {
    this.next()
    if (this.pos < this.end) this.fail('Extra data', this.pos)
  }

  fail(problem: string, at: number): never {
    throw new JsonSyntaxError(problem, this.bytes, at)
  }

  /** Steps over the bracket that opens a list or object. */
  enter(depth: number): void {
    if (depth >= MAX_DEPTH) this.fail(`Nested deeper than ${MAX_DEPTH} levels`, this.pos)
    this.pos++
  }

  private object(depth: number): void {
    this.enter(depth)
    if (!this.some(CLOSE_OBJECT)) return
    do {
      this.key()
      this.colon()
      this.next()
      this.value(depth + 1)
    } while (this.more(CLOSE_OBJECT))
  }

  private list(depth: number): void {
    this.enter(depth)
    if (!this.some(CLOSE_LIST)) return
    do this.value(depth + 1)
    while (this.more(CLOSE_LIST))
  }

  /** An exponent, if it is a whole one: else the number ends before it. */
  private exponent(at: number): number {
    const { bytes, end } = this
    let p = at + 1
    if (p < end && (bytes[p] === 0x2b || bytes[p] === MINUS)) p++
    const digits = p
    while (p < end && isDigit(bytes[p] as number)) p++
    if (p === digits) return at
    this.flags |= HAS_EXPONENT
    return p
  }

  private escape(at: number, stringStart: number): number {
    if (at + 1 >= this.end) this.fail('Unterminated string starting at', stringStart)
    const letter = this.bytes[at + 1] as number
    this.flags |= HAS_ESCAPE
    if (escapable[letter] === 1) return at + 2
    if (letter !== 0x75) this.fail('Invalid \\escape', at)
    const unit = this.codeUnit(at)
    if (unit < 0) this.fail('Invalid \\uXXXX escape', at)
    if (unit === 0) this.flags |= HAS_NUL
    if (unit < 0xd800 || unit > 0xdfff) return at + 6
    const second = unit < 0xdc00 ? this.codeUnit(at + 6) : -1
    if (second >= 0xdc00 && second <= 0xdfff) return at + 12
    this.flags |= HAS_LONE_SURROGATE
    return at + 6
  }

  /** The code unit that a `\uXXXX` at this place stands for, or -1. */
  private codeUnit(at: number): number {
    const { bytes, end } = this
    if (at + 6 > end || bytes[at] !== BACKSLASH || bytes[at + 1] !== 0x75) return -1
    let unit = 0
    for (let p = at + 2; p < at + 6; p++) {
      const digit = hexDigit(bytes[p] as number)
      if (digit < 0) return -1
      unit = unit * 16 + digit
    }
    return unit
  }

  /** A character of two to four bytes: well-formed UTF-8 or refused (Unicode 15, table 3-7). */
  private wideCharacter(at: number): number {
    const { bytes, end } = this
    const lead = bytes[at] as number
    const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    if (length === 0 || at + length > end) this.fail('Invalid UTF-8', at)
    const second = bytes[at + 1] as number
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) this.fail('Invalid UTF-8', at)
    for (let p = at + 2; p < at + length; p++) {
      if (((bytes[p] as number) & 0xc0) !== 0x80) this.fail('Invalid UTF-8', at)
    }
    return at + length
  }
}

/**
 * Where the values of a top-level object stand, by name. The whole text is checked. Throws `JsonSyntaxError` when it
 * is no JSON or has more than `most` names, `JsonNotObject` when it is JSON of another kind (contract §1.3).
 */
export function splitObject(bytes: Uint8Array, most?: number): Map<string, Span> {
  const start = textStart(bytes)
  const scanner = new JsonScanner(bytes, start)
  if (scanner.next() === Kind.object) {
    const members = scanner.members(0, most)
    scanner.finish()
    return members
  }
  scanner.value(0)
  scanner.finish()
  throw new JsonNotObject(pythonText(bytes, start))
}

/** The text of a string token that is known to be valid, quotes included in the span. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  const text = decoder.decode(bytes.subarray(start, end))
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1)
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The source text of a span. */
export function sourceText(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end))
}

function isBlank(byte: number): boolean {
  return byte <= 0x20 && (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

const REPR_LENGTH = 100
const PYTHON_WORDS: Readonly<Record<string, string>> = {
  true: 'True',
  false: 'False',
  null: 'None',
  ',': ', ',
  ':': ': ',
}

/** Valid JSON as Python prints the value it stands for, numbers as they were written. */
function pythonText(bytes: Uint8Array, start: number): string {
  const scanner = new JsonScanner(bytes, start)
  let text = ''
  while (text.length <= REPR_LENGTH) {
    const kind = scanner.next()
    const from = scanner.pos
    if (from >= scanner.end) return text
    if (kind === Kind.none || kind >= Kind.array) scanner.pos++
    else scanner.value(0)
    const token = sourceText(bytes, from, Math.min(scanner.pos, from + 4 * REPR_LENGTH))
    text += kind === Kind.string ? pythonString(bytes, from, scanner.pos) : (PYTHON_WORDS[token] ?? token)
  }
  return `${text.slice(0, REPR_LENGTH)}…`
}

function pythonString(bytes: Uint8Array, start: number, end: number): string {
  const text = textOf(bytes, start, end).replace(/[\\\n\r\t]/g, (char) =>
    JSON.stringify(char === '\\' ? '\\' : char).slice(1, -1),
  )
  return text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text.replaceAll("'", "\\'")}'`
}

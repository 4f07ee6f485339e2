/** Text that is no JSON. The message is worded as Python words it: `Expecting value: line 1 column 2 (char 1)`. */
export class JsonSyntaxError extends Error {
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  /** From 0, in characters. */
  readonly offset: number

  constructor(problem: string, bytes: Uint8Array, at: number) {
    const { line, column, offset } = locate(bytes, at)
    super(`${problem}: line ${line} column ${column} (char ${offset})`)
    this.name = 'JsonSyntaxError'
    this.line = line
    this.column = column
    this.offset = offset
  }
}

/** JSON whose top-level value is no object. `repr` is the value as Python prints it, shortened when it is long. */
export class JsonNotObject extends Error {
  readonly repr: string

  constructor(repr: string) {
    super(`JSON decoded to ${repr} but it needs to be an object`)
    this.name = 'JsonNotObject'
    this.repr = repr
  }
}

/** Where the text begins: after the byte order mark, if there is one. */
export function textStart(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

function locate(bytes: Uint8Array, at: number): { line: number; column: number; offset: number } {
  let line = 1
  let offset = 0
  let lineStart = 0
  for (let p = textStart(bytes); p < at && p < bytes.length; p++) {
    const byte = bytes[p] as number
    if ((byte & 0xc0) === 0x80) continue
    offset++
    if (byte !== 0x0a) continue
    line++
    lineStart = offset
  }
  return { line, column: offset - lineStart + 1, offset }
}

import { outOfRange } from '../../core/bad-value.ts'
import { HAS_EXPONENT, HAS_FRACTION, textOf } from '../../core/json-scanner.ts'
import type { Cell, ValueWriter } from './cell.ts'
import type { LineWriter } from './line-writer.ts'
import { roundToInteger, survivesDouble } from './numbers.ts'

const QUOTE = 0x22

export function keep(): void {}

export function refuse(cell: Cell): void {
  cell.refuse(cell.bytes[cell.start] === QUOTE ? stringOf(cell) : cell.token())
}

export function emptyIsNull(cell: Cell): void {
  if (cell.end - cell.start === 2) cell.replace(putNull)
}

/** A number that keeps its text in any reader; else the text is quoted. */
export function exactNumber(cell: Cell): void {
  if (!survivesDouble(cell.bytes, cell.start, cell.end, cell.flags)) cell.replace(putQuoted)
}

/** PostgreSQL rounds `12.5` into an integer column, halves away from zero (contract §4.5). */
export function wholeNumber(cell: Cell): void {
  if (isIntegerToken(cell.flags)) exactNumber(cell)
  else cell.replace((out) => out.putString(wholeText(cell, cell.token())))
}

/** A number of any form as an integer's text, with a warning when that rounds it. */
export function wholeText(cell: Cell, token: string): string {
  const { type } = cell.column
  const rounded = roundToInteger(token) ?? cell.refuse(token, outOfRange(type, token))
  if (!rounded.exact) {
    cell.warn(
      'rounded',
      (place) => `${token} ${place} was rounded to ${rounded.text}: the column is of type ${type.type.nativeName}`,
    )
  }
  return rounded.text
}

export function jsonString(cell: Cell): void {
  if (cell.end - cell.start === 2) cell.replace(putNull)
  else verbatim(cell)
}

/** The value's source text as a string, spaces and digits kept. */
export function verbatim(cell: Cell): void {
  cell.replace(putVerbatim)
}

export function idNumber(cell: Cell): void {
  if (!isIntegerToken(cell.flags)) refuse(cell)
  exactNumber(cell)
}

export function idText(cell: Cell): void {
  if (!/^\d+$/.test(stringOf(cell))) refuse(cell)
}

/** The writers of `varchar(n)` and `char(n)`: at most `length` characters, blanks beyond them cut off. */
export function limited(
  length: number,
  textOfList: (cell: Cell) => string,
): Record<'string' | 'number' | 'boolean' | 'array', ValueWriter> {
  const token: ValueWriter = (cell) => void fitted(cell, cell.token(), length)
  return {
    string: (cell) => {
      // Bytes outnumber characters, so that most values need no decoding.
      if (cell.end - cell.start - 2 <= length) return
      const text = stringOf(cell)
      const short = fitted(cell, text, length)
      if (short !== text) cell.replace((out) => out.putString(short))
    },
    number: (cell) => {
      token(cell)
      exactNumber(cell)
    },
    boolean: token,
    array: (cell) => cell.replace((out) => out.putString(fitted(cell, textOfList(cell), length))),
  }
}

/** Text that a column of so many characters holds: itself, or itself without the blanks that are too many. */
export function fitted(cell: Cell, text: string, length: number): string {
  if (text.length <= length) return text
  const characters = [...text]
  if (characters.length <= length) return text
  if (/[^ ]/.test(characters.slice(length).join(''))) {
    cell.refuse(text, `value too long for type ${cell.column.type.type.nativeName}(${length})`)
  }
  return characters.slice(0, length).join('')
}

function isIntegerToken(flags: number): boolean {
  return (flags & (HAS_FRACTION | HAS_EXPONENT)) === 0
}

function stringOf(cell: Cell): string {
  return textOf(cell.bytes, cell.start, cell.end)
}

function putNull(out: LineWriter): void {
  out.putAscii('null')
}

function putQuoted(out: LineWriter, cell: Cell): void {
  out.put(QUOTE)
  out.copy(cell.start, cell.end)
  out.put(QUOTE)
}

function putVerbatim(out: LineWriter, cell: Cell): void {
  out.put(QUOTE)
  out.putEscaped(cell.start, cell.end)
  out.put(QUOTE)
}

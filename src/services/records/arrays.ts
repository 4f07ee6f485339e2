import { invalidInput } from '../../core/bad-value.ts'
import {
  HAS_ESCAPE,
  HAS_EXPONENT,
  HAS_FRACTION,
  JsonScanner,
  Kind,
  sourceText,
  textOf,
} from '../../core/json-scanner.ts'
import type { List } from './array-literal.ts'
import { formatArrayLiteral, parseArrayLiteral } from './array-literal.ts'
import type { Cell, ValueWriter } from './cell.ts'
import type { LineWriter } from './line-writer.ts'
import { fitted, wholeText } from './scalars.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const CLOSE = 0x5d
const ESCAPED_QUOTE = '\\"'

/** A JSON list in a text column: as PostgreSQL writes an array (contract §4.5). */
export function listAsText(cell: Cell): void {
  cell.replace((out) => out.putString(arrayText(cell)))
}

export function arrayText(cell: Cell): string {
  return formatArrayLiteral(readList(cell, scannerOf(cell)))
}

const WORDS: Readonly<Record<string, string | null>> = { true: 't', false: 'f', null: null }

function readList(cell: Cell, scanner: JsonScanner): List {
  const list: List = []
  eachItem(scanner, (kind, start) => {
    if (kind === Kind.array) list.push(readList(cell, scanner))
    else {
      scanner.value(0)
      if (kind === Kind.object) refuseElement(cell, start, scanner.pos)
      if (kind === Kind.string) list.push(textOf(cell.bytes, start, scanner.pos))
      else {
        const token = sourceText(cell.bytes, start, scanner.pos)
        list.push(token in WORDS ? (WORDS[token] as string | null) : token)
      }
    }
  })
  return list
}

/** A string in an array column: PostgreSQL's literal, or the empty string for null. */
export function arrayLiteral(cell: Cell): void {
  const text = textOf(cell.bytes, cell.start, cell.end)
  const list = text === '' ? null : (parseArrayLiteral(text) ?? cell.refuse(text))
  cell.replace((out) => (list ? out.putString(JSON.stringify(list)) : out.putAscii('null')))
}

/**
 * A JSON list in an array column: the compact JSON text of the list whose every scalar is a string or null. Elements
 * of kinds that the element type does not take are refused.
 */
export function listOf(takes: (kind: number) => boolean): ValueWriter {
  return (cell) =>
    cell.replace((out) => {
      out.put(QUOTE)
      putList(out, cell, scannerOf(cell), takes)
      out.put(QUOTE)
    })
}

function putList(out: LineWriter, cell: Cell, scanner: JsonScanner, takes: (kind: number) => boolean): void {
  out.put(0x5b)
  eachItem(scanner, (kind, start, index) => {
    if (index > 0) out.put(COMMA)
    if (kind === Kind.array && cell.column.type.type.family !== 'json') refuseDimension(cell)
    scanner.flags = 0
    scanner.value(0)
    if (kind === Kind.null) out.putAscii('null')
    else if (takes(kind)) putElement(out, cell, kind, start, scanner)
    else refuseElement(cell, start, scanner.pos)
  })
  out.put(CLOSE)
}

/** Writes the element as a JSON string within the JSON string that holds the list. */
function putElement(out: LineWriter, cell: Cell, kind: number, start: number, scanner: JsonScanner): void {
  const { bytes, column } = cell
  const { type, modifier } = column.type
  const end = scanner.pos
  const limit = type.modifier === 'length' ? modifier?.[0] : undefined
  if (type.family === 'json') putText(out, sourceText(bytes, start, end))
  else if (kind === Kind.string && limit !== undefined) putText(out, fitted(cell, textOf(bytes, start, end), limit))
  else if (kind === Kind.string && (scanner.flags & HAS_ESCAPE) === 0) out.putEscaped(start, end)
  else if (kind === Kind.string) putText(out, textOf(bytes, start, end))
  else if (type.family === 'integer' && (scanner.flags & (HAS_FRACTION | HAS_EXPONENT)) !== 0) {
    putText(out, wholeText(cell, sourceText(bytes, start, end)))
  } else {
    out.putAscii(ESCAPED_QUOTE)
    out.copy(start, end)
    out.putAscii(ESCAPED_QUOTE)
  }
}

function putText(out: LineWriter, text: string): void {
  out.putInside(JSON.stringify(text))
}

/** Arrays have one dimension here. */
function refuseDimension(cell: Cell): never {
  const text = sourceText(cell.bytes, cell.start, cell.end)
  return cell.refuse(text, invalidInput({ type: cell.column.type.type, array: true }, text))
}

function refuseElement(cell: Cell, start: number, end: number): never {
  const text = sourceText(cell.bytes, start, end)
  return cell.refuse(text, invalidInput({ type: cell.column.type.type, array: false }, text))
}

/** A list that was scanned before: calls `visit` at each item, which steps over it. */
function eachItem(scanner: JsonScanner, visit: (kind: number, start: number, index: number) => void): void {
  scanner.pos++
  if (!scanner.some(CLOSE)) return
  let index = 0
  do visit(scanner.next(), scanner.pos, index++)
  while (scanner.more(CLOSE))
}

function scannerOf(cell: Cell): JsonScanner {
  return new JsonScanner(cell.bytes, cell.start, cell.end)
}

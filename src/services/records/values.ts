import type { Family } from '../../core/field-types.ts'
import { Kind } from '../../core/json-scanner.ts'
import { arrayLiteral, arrayText, listAsText, listOf } from './arrays.ts'
import type { RecordColumn, ValueWriter } from './cell.ts'
import * as scalar from './scalars.ts'
import { clockText, localTime } from './times.ts'

type Row = Readonly<Partial<Record<'string' | 'number' | 'boolean' | 'null' | 'array' | 'object', ValueWriter>>>

const textOnly: Row = { string: scalar.emptyIsNull }

/** What each family does with each kind of JSON value (contract §4.5): a kind that is not named is refused. */
const families: Readonly<Record<Family, Row>> = {
  integer: { string: scalar.emptyIsNull, number: scalar.wholeNumber },
  numeric: { string: scalar.emptyIsNull, number: scalar.exactNumber },
  float: { string: scalar.emptyIsNull, number: scalar.exactNumber },
  boolean: { string: scalar.emptyIsNull, boolean: scalar.keep },
  text: { string: scalar.keep, number: scalar.exactNumber, boolean: scalar.keep, array: listAsText },
  date: { string: clockText },
  time: { string: clockText },
  timestamp: { string: localTime },
  timestamptz: { string: clockText },
  json: {
    string: scalar.jsonString,
    number: scalar.exactNumber,
    boolean: scalar.keep,
    array: scalar.verbatim,
    object: scalar.verbatim,
  },
  uuid: textOnly,
  opaque: textOnly,
}

/** The key column `_id`: whole numbers only (contract §8.2). */
export const idWriters = byKind({ string: scalar.idText, number: scalar.idNumber, null: scalar.refuse })

/** A column's writers by `Kind`. */
export function writersOf({ type: { type, array, modifier } }: RecordColumn): readonly ValueWriter[] {
  const row = families[type.family]
  if (array) return byKind({ string: arrayLiteral, array: listOf(elementKinds(type.family)) })
  const length = type.modifier === 'length' ? modifier?.[0] : undefined
  return byKind(length === undefined ? row : { ...row, ...scalar.limited(length, arrayText) })
}

/** Which kinds an array's elements may have: those of its family, but a list is a dimension, unless of json. */
function elementKinds(family: Family): (kind: number) => boolean {
  const writers = byKind(families[family])
  return (kind) => writers[kind] !== scalar.refuse && (kind !== Kind.array || family === 'json')
}

function byKind(row: Row): readonly ValueWriter[] {
  const { string, number, boolean, array, object } = row
  const writers = [scalar.refuse, string, number, boolean, row.null ?? scalar.keep, array, object]
  return writers.map((writer) => writer ?? scalar.refuse)
}

import { ValidationError } from '../../core/errors.ts'
import { JsonScanner, Kind } from '../../core/json-scanner.ts'
import type { Records } from '../../infrastructure/engines/engine.ts'
import type { RecordColumn } from './cell.ts'
import { RecordEncoder } from './record-encoder.ts'

export interface EncodeOptions {
  /**
   * How a key that is no column is refused: as create and insert do (`row`: `records`, rows counted from 1), or as
   * upsert and update do (`field`: `fields`).
   */
  unknownKey: 'row' | 'field'
  /** Records may carry `_id`. */
  idKey?: boolean
  /** Keys that are dropped without a word. */
  ignore?: readonly string[]
}

export interface EncodedRecords extends Records {
  /** Sentences about what was rounded or dropped; at most one of each kind, naming the first row and column. */
  readonly warnings: readonly string[]
}

const CLOSE_LIST = 0x5d

/**
 * Reads a request's `records` (the bytes of a JSON array) into what an engine takes, in one pass and without an
 * object for each row. Values are checked for their JSON kind; what their text says is the engine's to read
 * (contract §4.5).
 *
 * Throws `ValidationError` for a record that is no object, for unknown keys, and for a value of a kind that its column
 * does not take (contract §8.1, §8.2); `JsonSyntaxError` for what is no JSON array.
 */
export function encodeRecords(
  bytes: Uint8Array,
  columns: readonly RecordColumn[],
  options: EncodeOptions,
): EncodedRecords {
  const scanner = new JsonScanner(bytes)
  const encoder = new RecordEncoder(scanner, columns, options)
  if (scanner.next() !== Kind.array) scanner.fail('Expecting a list of records', scanner.pos)
  scanner.enter(0)
  let row = 0
  if (scanner.some(CLOSE_LIST)) {
    do {
      if (scanner.kindAt(scanner.pos) !== Kind.object) refuseRecord(scanner, row)
      const unknown = encoder.encode(row)
      if (unknown.length > 0) throw unknownKeys(unknown, row, options)
      row++
    } while (scanner.more(CLOSE_LIST))
  }
  scanner.finish()
  return { count: row, ...encoder.finish() }
}

/** A record that is no object. CKAN counts these rows from 0 (contract §8.1). */
function refuseRecord(scanner: JsonScanner, row: number): never {
  scanner.value(1)
  const sentence = row === 0 ? 'The first row is not a json object' : `row "${row}" is not a json object`
  throw new ValidationError({ records: [sentence], records_row: row })
}

/** So many keys are named in an error. */
const MAX_NAMED = 100

/** Keys that are no columns. CKAN counts these rows from 1 (contract §8.1, §8.2). */
function unknownKeys(keys: readonly string[], row: number, { unknownKey }: EncodeOptions): ValidationError {
  const names = [...new Set(keys)].slice(0, MAX_NAMED).join(', ')
  if (unknownKey === 'field')
    return new ValidationError({ fields: [`fields "${names}" do not exist`], records_row: row })
  return new ValidationError({ records: [`row "${row + 1}" has extra keys "${names}"`], records_row: row })
}

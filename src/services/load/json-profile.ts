import { columnType } from '../../core/field-types.ts'
import { JsonScanner, Kind, sourceText } from '../../core/json-scanner.ts'
import type { Column } from '../../core/table-schema.ts'
import { columnFromDeclaration, columnFromField } from '../../core/table-schema.ts'

const CLOSE_LIST = 0x5d
const MAX_DIGITS = 38
const INT8 = 2n ** 63n

/** What the values of one key are, over all records. */
interface KeyProfile {
  kinds: Set<number>
  isInteger: boolean
  isDouble: boolean
  isDate: boolean
  scale: number
  whole: number
}

/** Finds columns that hold every value of JSON records: in doubt of text, or of JSON where values are nested. */
export class JsonProfile {
  readonly #keys = new Map<string, KeyProfile>()

  /** Looks at the bytes of a JSON array of objects. */
  add(bytes: Uint8Array): void {
    const scanner = new JsonScanner(bytes)
    if (scanner.next() !== Kind.array) scanner.fail('Expecting a list of records', scanner.pos)
    scanner.enter(0)
    if (!scanner.some(CLOSE_LIST)) return
    do {
      for (const [key, { start, end }] of scanner.members(1)) this.#note(key, scanner, start, end)
    } while (scanner.more(CLOSE_LIST))
  }

  columns(): Column[] {
    return [...this.#keys].map(([name, found]) => columnOf(name, found))
  }

  #note(key: string, scanner: JsonScanner, start: number, end: number): void {
    let found = this.#keys.get(key)
    if (!found) {
      found = { kinds: new Set(), isInteger: true, isDouble: false, isDate: true, scale: 0, whole: 0 }
      this.#keys.set(key, found)
    }
    const kind = scanner.kindAt(start)
    if (kind === Kind.null) return
    found.kinds.add(kind)
    if (kind === Kind.number) noteNumber(found, sourceText(scanner.bytes, start, end))
    else if (kind === Kind.string && found.isDate)
      found.isDate = isDay(sourceText(scanner.bytes, start, end).slice(1, -1))
  }
}

function noteNumber(found: KeyProfile, token: string): void {
  const [, digits = '', fraction = '', exponent] = /^-?(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(token) ?? []
  if (exponent !== undefined) found.isDouble = true
  if (fraction !== '' || exponent !== undefined) found.isInteger = false
  else if (found.isInteger && digits.length > 18) {
    const value = BigInt(token)
    found.isInteger = value >= -INT8 && value < INT8
  }
  found.scale = Math.max(found.scale, fraction.length)
  found.whole = Math.max(found.whole, digits.length)
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}

function columnOf(name: string, { kinds, isInteger, isDouble, isDate, scale, whole }: KeyProfile): Column {
  if (kinds.has(Kind.object) || kinds.has(Kind.array)) return columnFromField({ name, type: 'object' })
  const [kind] = kinds
  if (kinds.size !== 1 || kind === undefined) return columnFromField({ name, type: 'string' })
  if (kind === Kind.boolean) return columnFromField({ name, type: 'boolean' })
  if (kind === Kind.string) return columnFromField({ name, type: isDate ? 'date' : 'string' })
  if (isInteger) return columnFromField({ name, type: 'integer' })
  if (isDouble) return columnFromDeclaration(name, columnType('float8'), 'float8')
  return columnFromField({ name, type: scale + whole <= MAX_DIGITS ? 'number' : 'string' })
}

import { JsonNumber } from '../../core/json-number.ts'
import { isObject } from '../../infrastructure/ckan-client.ts'
import { Failure } from '../failure.ts'
import type { Call } from './actions.ts'
import { readRecords } from './answers.ts'
import type { Source, SourceTable } from './source.ts'

const ROWS = 500
const PAGES = 10

/**
 * Holds the rows of a table here against the first of CKAN's: all of a small one; of a large one pages from its first row
 * to its last, so that a row too many or too few before the last one shows.
 *
 * @param rows - How many there are here, at least one; CKAN has as many or more.
 * @returns CKAN's `_id` of the last of them.
 * @throws Failure when one of them is not CKAN's.
 */
export async function compareRows(source: Source, read: Call, table: SourceTable, rows: number): Promise<number> {
  const { id } = table
  const names = table.fields.map((field) => String(field.id))
  let last: number | undefined
  for (const begin of offsets(rows)) {
    const end = Math.min(rows, begin + ROWS)
    for (let offset = begin; offset < end; ) {
      const limit = end - offset
      const theirs = await source.page(id, { offset, limit, after: last })
      const query = { resource_id: id, sort: '_id', offset, limit, include_total: false }
      const ours = readRecords(await read('datastore_search', query), id)
      // Either may give fewer rows than it is asked for, but some: both have them.
      const pairs = theirs.slice(0, ours.length).map((row, at) => ({ row, mine: ours[at] }))
      if (pairs.length === 0) throw notTheirs(id, offset)
      for (const { row, mine } of pairs) {
        const column = names.find((name) => !isSame(mine?.[name], row.record[name]))
        if (column !== undefined) throw notTheirs(id, offset, column)
        last = row.id
        offset += 1
      }
    }
  }
  return last ?? 0
}

/** Where pages begin, none upon another. */
function offsets(rows: number): number[] {
  if (rows <= ROWS * PAGES) return Array.from({ length: Math.ceil(rows / ROWS) }, (_, page) => page * ROWS)
  return Array.from({ length: PAGES }, (_, page) => Math.floor((page * (rows - ROWS)) / (PAGES - 1)))
}

function notTheirs(id: string, row: number, column?: string): Failure {
  const where = column === undefined ? '' : ` (column "${column}")`
  return new Failure(
    `${id}: row ${row} of the table here is not CKAN's${where}: it is another table, or one of the two was changed since it ` +
      'was copied. It stays as it is. To have it copied anew delete it here (datastore_delete), and run this again.',
  )
}

/** Whether two servers mean the same value: each writes numbers and times in its own way. */
export function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => isSame(item, other[at]))
  if (isMap(one) && isMap(other)) {
    const names = new Set([...Object.keys(one), ...Object.keys(other)])
    return [...names].every((name) => isSame(one[name], other[name]))
  }
  const meant = meaningOf(one)
  return meant !== undefined && meant === meaningOf(other)
}

const isMap = (value: unknown): value is Record<string, unknown> => isObject(value) && !(value instanceof JsonNumber)

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i
const TIME = /^(\d{4,}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d(?:\.\d+)?))?(Z|[+-]\d\d(?::?\d\d)?)?$/

/** A number or a moment, in one way of writing; none for a value that everybody writes alike. */
function meaningOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return 'null'
  const text = value instanceof JsonNumber ? value.text : String(value)
  if (typeof value === 'number' || NUMBER.test(text)) return `number ${Number(text)}`
  const [, date, time = '00:00:00', zone = 'Z'] = TIME.exec(text) ?? []
  if (date === undefined) return undefined
  return `moment ${Date.parse(`${date}T${time}${zone.length === 3 ? `${zone}:00` : zone}`)}`
}

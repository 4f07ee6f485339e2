import { invalidInput } from '../../../../core/bad-value.ts'
import type { Column } from '../../../../core/table-schema.ts'
import { matchesType, textPattern } from '../../../../core/values.ts'
import { quoteIdentifier, quoteLiteral } from '../../sql/quote.ts'
import type { Dialect } from '../dialect.ts'
import type { Complaints } from '../stage.ts'
import { complaints } from '../stage.ts'
import type { Reading } from './readings.ts'
import { inferredReading, plainReading } from './readings.ts'

/** How a column of a file is read. */
export interface FileColumn {
  column: Column
  /** `declared`: by the rules of contract §4.5. `inferred`: nothing may be altered. `empty`: there is nothing to read. `stored`: it is of the column's type already. */
  as: 'declared' | 'inferred' | 'empty' | 'stored'
}

/** What `loadTyped` fails with. */
export const UNREADABLE = 'unreadable value'

/** SQL of the value that a file's column has, which fails where there is none. */
export function typedValue({ column, as }: FileColumn, dialect: Dialect): string {
  const raw = quoteIdentifier(column.name)
  if (as === 'stored') return raw
  const cases = readings({ column, as }, dialect).map(({ when, value }) => `WHEN ${when} THEN ${value}`)
  if (as === 'declared')
    cases.push(`WHEN ${isFilled(column)} THEN coalesce(${lenient(column, dialect)}, error('${UNREADABLE}'))`)
  else if (as === 'empty') cases.push(`WHEN ${isFilled(column)} THEN error('${UNREADABLE}')`)
  else if (cases.length > 0) cases.push(`WHEN ${isFilled(column)} THEN error('${UNREADABLE}')`)
  const storage = dialect.storage(dialect.stored(column))
  if (isPlainText(column) && !limitOf(column) && as !== 'empty') return raw
  return `CAST(CASE ${cases.join(' ')}${isPlainText(column) ? ` ELSE ${raw}` : ''} END AS ${storage})`
}

/** The same with null for what can't be read. */
export function typedOrNull({ column, as }: FileColumn, dialect: Dialect): string {
  const raw = quoteIdentifier(column.name)
  if (as !== 'declared') return typedValue({ column, as }, dialect)
  return `CASE WHEN ${isFilled(column)} THEN ${lenient(column, dialect)}${isPlainText(column) ? ` ELSE ${raw}` : ''} END`
}

/** SQL that holds where a cell is bad; undefined: none can be. */
export function isBad(fileColumn: FileColumn, dialect: Dialect): string | undefined {
  const { column, as } = fileColumn
  if (as !== 'declared') return undefined
  const value = lenient(column, dialect)
  if (value === quoteIdentifier(column.name)) return undefined
  const plain = readings(fileColumn, dialect).map(({ when }) => `WHEN ${when} THEN FALSE`)
  return `CASE ${plain.join(' ')} WHEN ${isFilled(column)} THEN (${value}) IS NULL ELSE FALSE END`
}

/** What is wrong with a bad cell's text. */
export function cellComplaint(column: Column, text: string, dialect: Dialect): string {
  const { malformed, unfit } = cellComplaints(column, dialect)
  return unfit && matchesType(column.type, text) ? unfit(text) : malformed(text)
}

/** Stands for the text in a sentence about it. */
const ANY_TEXT = '\ue000'
const SHOWN = 100

/** The same in SQL: null for a cell that is not bad; undefined: none can be. */
export function cellComplaintSql(fileColumn: FileColumn, dialect: Dialect): string | undefined {
  const { column } = fileColumn
  const bad = isBad(fileColumn, dialect)
  if (bad === undefined) return undefined
  const raw = quoteIdentifier(column.name)
  const shown = `CASE WHEN length(${raw}) <= ${SHOWN} THEN ${raw} ELSE left(${raw}, ${SHOWN}) || '…' END`
  const sentence = (about: (text: string) => string) =>
    `concat(${about(ANY_TEXT).split(ANY_TEXT).map(quoteLiteral).join(`, ${shown}, `)})`
  const { malformed, unfit } = cellComplaints(column, dialect)
  const pattern = textPattern(column.type)
  const fits =
    unfit && pattern ? `WHEN regexp_full_match(${raw}, ${quoteLiteral(pattern)}, 'i') THEN ${sentence(unfit)}` : ''
  return `CASE WHEN NOT (${bad}) THEN NULL ${fits} ELSE ${sentence(malformed)} END`
}

function cellComplaints(column: Column, dialect: Dialect): Complaints {
  const limit = limitOf(column)
  if (limit !== undefined) {
    return { malformed: () => `value too long for type ${column.type.type.nativeName}(${limit})` }
  }
  if (column.type.type.family === 'json') return { malformed: (text) => invalidInput(column.type, text) }
  return complaints(dialect.stored(column))
}

function readings({ column, as }: FileColumn, dialect: Dialect): Reading[] {
  const raw = quoteIdentifier(column.name)
  if (as === 'empty') return []
  const plain = plainReading(raw, column, dialect)
  if (as === 'declared') return plain ? [plain] : []
  const inferred = inferredReading(raw, column, dialect)
  // A time without zone reads plainly as one of UTC, which nobody has said.
  const isZoned = column.type.type.name === 'timestamptz'
  const both = [isZoned ? undefined : plain, inferred?.when === plain?.when ? undefined : inferred]
  return both.filter((reading) => reading !== undefined)
}

function isPlainText({ type }: Column): boolean {
  return type.type.family === 'text' && !type.array
}

/** An empty text is null but for text columns (contract §4.5); csv writes null as `null` for a few types (§4.6). */
function isFilled({ name, type }: Column): string {
  const raw = quoteIdentifier(name)
  const none = type.array ? 'null' : type.type.csvNull
  return none === undefined ? `${raw} <> ''` : `${raw} NOT IN ('', '${none}')`
}

const COMPACT_DAY = '^(\\s*)(\\d{4})(\\d{2})(\\d{2})([ T]|\\s*$)'
const OFFSET = '(:\\d\\d(\\.\\d*)?)\\s*(Z|UTC|[+-]\\d{1,2}(:?\\d\\d)?)\\s*$'

/** SQL that reads a filled text by the rules of contract §4.5: null when it is no value. */
function lenient(column: Column, dialect: Dialect): string {
  const raw = quoteIdentifier(column.name)
  const limit = limitOf(column)
  if (limit !== undefined) {
    return `CASE WHEN length(${raw}) <= ${limit} THEN ${raw} WHEN length(rtrim(${raw}, ' ')) <= ${limit} THEN left(${raw}, ${limit}) END`
  }
  return dialect.fromText(column.type.array ? raw : clockText(raw, column), dialect.stored(column))
}

/** `20200131` with its signs; a column without time zone drops an offset and keeps the clock. */
function clockText(raw: string, { type }: Column): string {
  const { family } = type.type
  if (family !== 'date' && family !== 'timestamp' && family !== 'timestamptz') return raw
  const spaced = `regexp_replace(${raw}, '${COMPACT_DAY}', '\\1\\2-\\3-\\4\\5')`
  return family === 'timestamp' ? `regexp_replace(${spaced}, '${OFFSET}', '\\1', 'i')` : spaced
}

function limitOf({ type }: Column): number | undefined {
  return type.type.modifier === 'length' && !type.array ? type.modifier?.[0] : undefined
}

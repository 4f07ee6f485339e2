import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { badValue, invalidInput, outOfRange } from '../../../core/bad-value.ts'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Column } from '../../../core/table-schema.ts'
import { ID_COLUMN, idColumn } from '../../../core/table-schema.ts'
import { matchesType, textPattern } from '../../../core/values.ts'
import type { Records } from '../engine.ts'
import { isDiskFull } from '../files/disk-full.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Client, Session } from './client.ts'
import type { Dialect, StoredType } from './dialect.ts'
import { textScale, textWholeDigits } from './dialect.ts'
import { isConversionFailure, translateFailure } from './failures.ts'
import type { Scales, StoredTable } from './metadata.ts'
import { scaleOf } from './metadata.ts'
import { tableName } from './store.ts'

/** Bytes that a row of newline-delimited JSON may have before DuckDB must be told. */
const DEFAULT_OBJECT_SIZE = 16_000_000
const MAX_DIGITS = 38
/** A plainly written number has no more digits before a point. */
const PLAIN_WHOLE_DIGITS = 18
/** Above it, too few numbers would be left for the `_id`s to come. */
const HIGHEST_GIVEN_ID = 2 ** 52
const UNREADABLE = 'unreadable value'

/** What records are staged for. */
export interface StagePlan {
  /** The columns that records carry, in the table's order. */
  columns: readonly Column[]
  records: Records
  /** The scales that the table has now. */
  scales: Scales
  /** The table that the records are to stand beside, if there is one. */
  stored: StoredTable | undefined
  dialectFor(scales: Scales): Dialect
}

/**
 * Reads records into the temporary table `_typed`: `_row` (0-based), `_given` (an `_id` that the record carried), the
 * columns, and `_has_<n>` where records differ in the columns they carry.
 *
 * @returns The columns whose numbers need more digits after the point than the table's column has, with how many.
 * @throws ValidationError naming the first row and column whose text is no value of its column.
 */
export async function stageRecords(client: Client, session: Session, plan: StagePlan): Promise<Record<string, number>> {
  const { columns, records, scales, dialectFor } = plan
  const file = join(client.folders.load, `${randomUUID()}.ndjson`)
  try {
    await writeFile(file, records.ndjson, { flag: 'wx' })
    if (records.shapeOf.length > 0) await stageShapes(session, records)
    const texts = `SELECT row_number() OVER () - 1 AS _row, * FROM ${readJson(file, records)}`
    // The common case first: every text is a value of its column, whose digits are known.
    const plainly = await plainlyNeededScales(session, plan)
    if (await stageTyped(session, `(${texts})`, plan, dialectFor({ ...scales, ...plainly }), records.plain))
      return plainly
    await session.run(`CREATE OR REPLACE TEMP TABLE _texts AS ${texts}`)
    const widened = await neededScales(session, plan)
    const dialect = dialectFor({ ...scales, ...widened })
    if (!(await stageTyped(session, 'temp._texts', plan, dialect)))
      await throwFirstBadValue(session, columns, records, dialect)
    return widened
  } catch (error) {
    throw isDiskFull(error)
      ? new ServiceUnavailable('The disk is full: nothing was stored.', { cause: error })
      : translateFailure(error)
  } finally {
    await rm(file, { force: true })
  }
}

function readJson(file: string, records: Records): string {
  if (records.columns.length === 0) return `range(${records.count})`
  const bytes = records.ndjson.reduce((sum, chunk) => sum + chunk.length, 0)
  const size = bytes > DEFAULT_OBJECT_SIZE ? `, maximum_object_size = ${bytes + 1024}` : ''
  const columns = records.columns.map((name) => `${quoteLiteral(name)}: 'VARCHAR'`).join(', ')
  return `read_json(${quoteLiteral(file)}, format = 'newline_delimited', columns = {${columns}}${size})`
}

/** Forgets what was staged on this connection. */
export async function dropStage(session: Session): Promise<void> {
  const tables = ['_texts', '_shapes', '_typed', '_resolved', '_written']
  const drops = tables.map((table) => `DROP TABLE IF EXISTS temp.${table}`)
  await session.run(['BEGIN TRANSACTION', ...drops, 'COMMIT'].join('; '))
}

/** Which of its columns each record carried: the temporary table `_shapes`. */
async function stageShapes(session: Session, records: Records): Promise<void> {
  await session.run(
    'CREATE OR REPLACE TEMP TABLE _shapes AS SELECT unnest(range(len(l))) AS row, unnest(l) AS shape ' +
      'FROM (SELECT CAST($1 AS INTEGER[]) AS l)',
    [`[${records.shapeOf.join(',')}]`],
  )
}

/** The columns of the stage that a record may carry, in the table's order. */
export function stagedColumns(columns: readonly Column[], records: Records): Column[] {
  const carried = new Set(records.columns)
  return columns.filter(({ name }) => carried.has(name))
}

/** Makes `_typed` from texts; false when one of them is no value of its column, or none that a mere cast can read. */
async function stageTyped(
  session: Session,
  texts: string,
  { columns, records }: StagePlan,
  dialect: Dialect,
  plain: Records['plain'] = new Map(),
): Promise<boolean> {
  const typed = (column: Column) => typedExpression(column, dialect, plain.get(column.name))
  const selected = columns.map((column) => `${typed(column)} AS ${quoteIdentifier(column.name)}`)
  const given = records.columns.includes(ID_COLUMN) ? `${typed(idColumn)} AS _given` : 'NULL::BIGINT AS _given'
  const flags =
    records.shapeOf.length > 0 ? columns.map((column, index) => `${carriedBy(column, records)} AS _has_${index}`) : []
  const shapes = flags.length > 0 ? ' JOIN temp._shapes ON _shapes.row = s._row' : ''
  try {
    const [count] =
      (await session.row(
        `CREATE OR REPLACE TEMP TABLE _typed AS SELECT s._row, ${[given, ...selected, ...flags].join(', ')} FROM ${texts} s${shapes}`,
      )) ?? []
    if (Number(count) !== records.count) throw new Error(`staged ${count} of ${records.count} records`)
    return true
  } catch (error) {
    if (isConversionFailure(error) || String(error).includes(UNREADABLE)) return false
    throw error
  }
}

function carriedBy(column: Column, records: Records): string {
  const shapes = records.shapes.flatMap((names, index) => (names.includes(column.name) ? [index] : []))
  return shapes.length > 0 ? `_shapes.shape IN (${shapes.join(', ')})` : 'FALSE'
}

/** SQL that reads a text as a value of its column: NULL when it is none. */
function readText(raw: string, column: Column, dialect: Dialect): string {
  const value = dialect.fromText(raw, dialect.stored(column))
  return column === idColumn ? idInRange(value) : value
}

function idInRange(value: string): string {
  return `CASE WHEN ${value} BETWEEN 1 AND ${HIGHEST_GIVEN_ID} THEN ${value} END`
}

/** @param plainScale - Digits after the point, if every text of the column is written plainly. */
function typedExpression(column: Column, dialect: Dialect, plainScale: number | undefined): string {
  const raw = `s.${quoteIdentifier(column.name)}`
  const plain = plainScale === undefined ? undefined : dialect.fromPlainText(raw, dialect.stored(column), plainScale)
  if (plain !== undefined && column !== idColumn) return plain
  const value = plain === undefined ? readText(raw, column, dialect) : idInRange(plain)
  if (value === raw) return raw
  return `CASE WHEN ${raw} IS NOT NULL THEN coalesce(${value}, error('${UNREADABLE}')) END`
}

async function throwFirstBadValue(
  session: Session,
  columns: readonly Column[],
  records: Records,
  dialect: Dialect,
): Promise<void> {
  const checked = records.columns.includes(ID_COLUMN) ? [idColumn, ...columns] : columns
  const firsts = checked.map((column) => {
    const raw = `s.${quoteIdentifier(column.name)}`
    return `min(s._row) FILTER (${raw} IS NOT NULL AND (${readText(raw, column, dialect)}) IS NULL)`
  })
  const rows = (await session.row(`SELECT ${firsts.join(', ')} FROM temp._texts s`)) ?? []
  const found = rows.flatMap((row, index) =>
    row === null ? [] : [{ row: Number(row), column: checked[index] as Column }],
  )
  const first = found.sort((a, b) => a.row - b.row)[0]
  if (!first) return
  const [text] = (await session.row(
    `SELECT ${quoteIdentifier(first.column.name)} FROM temp._texts WHERE _row = ${first.row}`,
  )) ?? ['']
  throw badValue(first.row, first.column.name, complaint(first.column, String(text), dialect.stored(first.column)))
}

/** What is wrong with a text, in PostgreSQL's words, which clients match on (contract §8.1, §8.2). */
export function complaint(column: Column, text: string, stored: StoredType): string {
  const { malformed, unfit } = complaints(stored)
  return unfit && matchesType(column.type, text) ? unfit(text) : malformed(text)
}

/** Sentences about texts that have not the form of a type, and about those that have it and are no value all the same. */
export interface Complaints {
  malformed(text: string): string
  unfit?(text: string): string
}

export function complaints({ type, scale }: StoredType): Complaints {
  const { family } = type.type
  const malformed = (text: string) => invalidInput(type, text)
  if (type.array || textPattern(type) === undefined) return { malformed }
  if (family === 'integer' || family === 'float') return { malformed, unfit: (text) => outOfRange(type, text) }
  if (family === 'numeric') {
    return { malformed, unfit: (text) => overflow(text, type.modifier ?? [MAX_DIGITS, scale]) }
  }
  return { malformed, unfit: (text) => `date/time field value out of range: "${text}"` }
}

function overflow(text: string, [precision = MAX_DIGITS, scale = 0]: readonly number[]): string {
  return `numeric field overflow: "${text}" does not fit ${precision} digits of which ${scale} follow the point`
}

/**
 * Digits after the point that each undeclared `numeric` column needs to hold the staged texts beside what it holds
 * (contract §4.6). Columns that need no more than now are left out.
 */
export async function neededScales(
  session: Session,
  { columns, scales, stored }: Pick<StagePlan, 'columns' | 'scales' | 'stored'>,
): Promise<Record<string, number>> {
  const exact = columns.filter(({ type }) => type.type.family === 'numeric' && !type.modifier)
  if (exact.length === 0) return {}
  const cells = exact.map(({ name, type }) => {
    const raw = quoteIdentifier(name)
    return type.array ? elementTexts(raw) : raw
  })
  const stats = await session.row(
    `SELECT ${cells.map((raw, index) => scaleStatistics(raw, exact[index] as Column)).join(', ')} FROM temp._texts`,
  )
  const needed: Record<string, number> = {}
  for (const [index, column] of exact.entries()) {
    const scale = Math.max(0, Number(stats?.[index * 2] ?? 0))
    const held = scaleOf(scales, column.name)
    const wholeStored = scale > held && stored ? await storedWholeDigits(session, stored, column.name) : 0
    const whole = Math.max(wholeStored, Number(stats?.[index * 2 + 1] ?? 0))
    if (Math.max(scale, held) + whole > MAX_DIGITS)
      await throwTooManyDigits(session, column, Math.max(0, MAX_DIGITS - held))
    if (scale > held) needed[column.name] = scale
  }
  return needed
}

/** As `neededScales`, for columns whose values are written plainly: nothing has to be read. Too many digits are left to that. */
async function plainlyNeededScales(
  session: Session,
  { columns, records, scales, stored }: StagePlan,
): Promise<Record<string, number>> {
  const needed: Record<string, number> = {}
  for (const { name, type } of columns) {
    const scale = records.plain.get(name) ?? 0
    if (type.type.family !== 'numeric' || type.modifier || scale <= scaleOf(scales, name)) continue
    const whole = Math.max(PLAIN_WHOLE_DIGITS, stored ? await storedWholeDigits(session, stored, name) : 0)
    if (whole + scale <= MAX_DIGITS) needed[name] = scale
  }
  return needed
}

/** Digits before the point that a stored column's values have. */
async function storedWholeDigits(session: Session, stored: StoredTable, name: string): Promise<number> {
  const column = stored.columns.find((candidate) => candidate.name === name)
  if (!column) return 0
  const value = quoteIdentifier(name)
  const [least, greatest] = column.type.array ? [`list_min(${value})`, `list_max(${value})`] : [value, value]
  const digits = [`min(${least})`, `max(${greatest})`].map(
    (extreme) => `coalesce(${textWholeDigits(`${extreme}::VARCHAR`)}, 0)`,
  )
  const [whole] = (await session.row(`SELECT greatest(${digits.join(', ')}) FROM ${tableName(stored.id)}`)) ?? []
  return Number(whole ?? 0)
}

/** All elements of an array column's text as one text that is easy to measure is not to be had: the widest decides. */
function elementTexts(raw: string): string {
  return `CAST(TRY_CAST(${raw} AS JSON) AS VARCHAR[])`
}

function scaleStatistics(cell: string, column: Column): string {
  const pattern = quoteLiteral(textPattern(column.type) ?? '.*')
  const measured = (measure: (raw: string) => string) =>
    column.type.array
      ? `max(list_max(list_transform(${cell}, x -> CASE WHEN regexp_full_match(x, ${pattern}, 'i') THEN ${measure('x')} END)))`
      : `max(${measure(cell)}) FILTER (regexp_full_match(${cell}, ${pattern}, 'i'))`
  return `${measured(textScale)}, ${measured(textWholeDigits)}`
}

async function throwTooManyDigits(session: Session, column: Column, digits: number): Promise<never> {
  const raw = quoteIdentifier(column.name)
  const [row, text] = (await session.row(
    `SELECT _row, ${raw} FROM temp._texts WHERE ${raw} IS NOT NULL ` +
      `ORDER BY (${textScale(raw)}) + (${textWholeDigits(raw)}) > ${MAX_DIGITS} DESC, (${textWholeDigits(raw)}) > ${digits} DESC, ` +
      `(${textScale(raw)}) DESC, _row LIMIT 1`,
  )) ?? [0, '']
  throw badValue(
    Number(row),
    column.name,
    `numeric field overflow: "${text}" and the other values of the column need more than ${MAX_DIGITS} digits together`,
  )
}

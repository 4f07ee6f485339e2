import type { Column } from '../../../../core/table-schema.ts'
import type { BadCell, LoadPlan } from '../../engine.ts'
import { badFile } from '../../files/bad-file.ts'
import type { Profile } from '../../files/inferred-column.ts'
import { inferredColumn } from '../../files/inferred-column.ts'
import { quoteIdentifier } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import type { Dialect } from '../dialect.ts'
import { isConversionFailure } from '../failures.ts'
import type { Scales, StoredTable } from '../metadata.ts'
import { neededScales } from '../stage.ts'
import { findBadCells, isBadRow, placed } from './bad-cells.ts'
import type { BadRecords } from './bad-records.ts'
import { dropRejects, findBadRecords, isComplete, noteBadRecords, rejecting } from './bad-records.ts'
import { profile } from './infer.ts'
import { locate } from './locate.ts'
import { describeRejected, placeRejected, rejectedBytes, writeRejected } from './rejected.ts'
import type { TypedSource } from './source.ts'
import { pathOf, readParquetTexts, readTexts } from './source.ts'
import type { FileColumn } from './typed.ts'
import { typedOrNull, typedValue, UNREADABLE } from './typed.ts'

/** Rows from which types are guessed before the whole file is read by that guess. */
const SAMPLE_ROWS = 3000

/** Fractions up to here are amounts, which have as many digits everywhere. */
const MONEY_SCALE = 3
const SPARE_DIGITS = 3
/** Up to here decimals are read fast. */
const FAST_SCALE = 18

export interface Staged {
  /** The file's columns as the table has them. */
  columns: Column[]
  /** Digits after the point of `numeric` columns, where that is more than the table has or the table is new. */
  scales: Record<string, number>
  rejected: number
  badCells: BadCell[]
  /** Bytes of the file of all rows that were left out; `undefined`: it was not written. */
  rejectedBytes?: number
}

export interface StageOptions {
  plan: LoadPlan
  source: TypedSource
  /** The stored table whose rows stay. */
  stored: StoredTable | undefined
  scales: Scales
  dialectFor(scales: Scales): Dialect
  rejectedFile: RejectedFile
}

/** Where the rows that are left out are written, all of them. */
export interface RejectedFile {
  path: string
  /** Whether so many bytes, about, can be kept; throws when the disk has no room for them. */
  hasRoom(bytes: number): Promise<boolean>
}

/**
 * Reads a file into the temporary table `_loaded`, which the view `_typed` shows with `_row`. First by the types of
 * the table, or what a sample shows: exact where every text has its type's plain form, and else it fails and the
 * file is read as texts, which are looked at one by one.
 */
export async function stageFile(session: Session, options: StageOptions): Promise<Staged> {
  const { plan } = options
  const staged =
    plan.onError === 'abort'
      ? ((await stagePlainly(session, options)) ?? (await stageByText(session, options)))
      : await stageByText(session, options)
  await session.run(
    'CREATE OR REPLACE TEMP VIEW _typed AS SELECT rowid AS _row, NULL::BIGINT AS _given, * FROM temp._loaded',
  )
  return staged
}

/** Forgets what was staged on this connection. */
export async function dropFile(session: Session): Promise<void> {
  await session.run('DROP VIEW IF EXISTS temp._typed; DROP VIEW IF EXISTS temp._texts')
  await session.run(
    'DROP TABLE IF EXISTS temp._loaded; DROP TABLE IF EXISTS temp._file; DROP TABLE IF EXISTS temp._sample',
  )
}

/** One pass, or undefined: a text is not of its column's plain form, or the file is not well formed. */
async function stagePlainly(session: Session, options: StageOptions): Promise<Staged | undefined> {
  const { source, dialectFor } = options
  try {
    const names = sampledNames(options)
    if (names.length > 0)
      await session.run(
        `CREATE OR REPLACE TEMP TABLE _sample AS SELECT * FROM ${readTexts(source)} LIMIT ${SAMPLE_ROWS}`,
      )
    const sampled = await profile(session, 'temp._sample', names)
    const { columns, scales } = decide(options, sampled, 'file')
    const dialect = dialectFor(scales)
    const asStored = new Set(columns.flatMap(({ column, as }) => (as === 'stored' ? [column.name] : [])))
    const from = source.format === 'parquet' ? readParquetTexts(source, source.types, asStored) : readTexts(source)
    await createLoaded(
      session,
      columns.map((column) => named(typedValue(column, dialect), column)),
      from,
    )
    return { columns: columns.map(({ column }) => column), scales, rejected: 0, badCells: [] }
  } catch (error) {
    if (isConversionFailure(error) || isMalformed(error) || String(error).includes(UNREADABLE)) return undefined
    throw error
  }
}

async function stageByText(session: Session, options: StageOptions): Promise<Staged> {
  const { plan, source, stored, dialectFor } = options
  const { onError } = plan
  const badRecords = await stageTexts(session, source, onError)
  const names = sampledNames(options)
  const sampled = await profile(session, `(SELECT * FROM temp._texts LIMIT ${SAMPLE_ROWS})`, names)
  const decided = decide(options, await profile(session, 'temp._texts', names, sampled), 'texts')
  const widened = await neededScales(session, {
    columns: decided.columns.flatMap(({ column, as }) => (as === 'declared' ? [column] : [])),
    scales: decided.scales,
    stored,
  })
  const scales = { ...decided.scales, ...widened }
  const dialect = dialectFor(scales)
  const bad = await findBadCells(session, decided.columns, dialect)
  if (onError === 'abort' && bad.rows > 0) throw badFile(await placed(source, [], bad.cells), bad.rows)
  const badRow = isBadRow(decided.columns, dialect)
  const keep = bad.rows > 0 && badRow !== undefined ? `temp._texts WHERE NOT (${badRow})` : 'temp._texts'
  await createLoaded(
    session,
    decided.columns.map((column) => named(typedOrNull(column, dialect), column)),
    keep,
  )
  const rejected = bad.rows + badRecords.count
  const columns = decided.columns.map(({ column }) => column)
  if (rejected === 0 && !plan.rejects) return { columns, scales, rejected, badCells: [] }
  const left = { source, columns: decided.columns, dialect, rejects: plan.rejects }
  await placeRejected(session, left)
  const badCells = await describeRejected(session, left, bad.cells)
  const { path, hasRoom } = options.rejectedFile
  const isWritten = await hasRoom(await rejectedBytes(session, left))
  const written = isWritten && { rejectedBytes: await writeRejected(session, left, path) }
  return { columns, scales, rejected, badCells, ...written }
}

/** The file as texts: the view `_texts` with `_row`. Answers the records that are none, which `abort` does not let pass. */
async function stageTexts(session: Session, source: TypedSource, onError: LoadPlan['onError']): Promise<BadRecords> {
  try {
    if (source.format === 'delimited' && onError === 'skip') return await stageGood(session, source)
    await createTexts(session, readTexts(source))
    return { count: 0, first: [] }
  } catch (error) {
    if (source.format !== 'delimited' || !isMalformed(error)) throw error
    const records = await findBadRecords(session, source)
    if (records.count === 0) throw error
    throw badFile(await placed(source, records.first, []), records.count)
  }
}

async function createTexts(session: Session, from: string): Promise<void> {
  await session.run(`CREATE OR REPLACE TEMP TABLE _file AS SELECT * FROM ${from}`)
  await session.run('CREATE OR REPLACE TEMP VIEW _texts AS SELECT rowid AS _row, * FROM temp._file')
}

/** The same of what is a record: read by one thread where several have passed over a part. */
async function stageGood(session: Session, source: Extract<TypedSource, { format: 'delimited' }>): Promise<BadRecords> {
  let good = 0
  let bad = 0
  for (const more of ['', ', parallel = false']) {
    await createTexts(session, readTexts(source, rejecting(0) + more))
    const records = await noteBadRecords(session)
    const [count] = (await session.row('SELECT count(*) FROM temp._file')) ?? []
    good = Number(count)
    bad = records.count
    if ((more === '' && bad === 0) || (await isComplete(session, source, { good, bad }))) return records
    await dropRejects(session)
  }
  const row = good + bad
  const { byRow } = await locate(pathOf(source.file), source, { records: [], rows: [row] })
  throw badFile([{ row, ...byRow.get(row), sentence: SWALLOWING }], 1)
}

const SWALLOWING = 'a quoted value does not end: the rows behind it can not be told from it'

/** Columns that texts decide something about: their type, or how many digits they need. */
function sampledNames({ plan, stored }: StageOptions): string[] {
  return staged(plan).flatMap(({ name, type }) =>
    plan.inferred.has(name) || (!stored && type.type.name === 'numeric' && !type.modifier && !type.array) ? [name] : [],
  )
}

function staged(plan: LoadPlan): Column[] {
  const inFile = new Set(plan.source.columns)
  return plan.columns.filter(({ name }) => inFile.has(name))
}

/** How each column of the file is read, and with how many digits after the point. */
function decide(
  { plan, source, scales, dialectFor }: StageOptions,
  found: ReadonlyMap<string, Profile>,
  from: 'file' | 'texts',
): { columns: FileColumn[]; scales: Record<string, number> } {
  const decided: Record<string, number> = { ...scales }
  const types = source.format === 'parquet' && from === 'file' ? source.types : undefined
  const columns = staged(plan).map((column): FileColumn => {
    const shown = found.get(column.name)
    if (plan.inferred.has(column.name)) {
      const inferred = inferredColumn(column.name, shown)
      if (shown && inferred.scale !== undefined) decided[column.name] = from === 'file' ? roomy(shown) : inferred.scale
      return { column: inferred.column, as: shown?.filled === 0 ? 'empty' : 'inferred' }
    }
    if (shown && from === 'file') decided[column.name] = roomy(shown)
    const dialect = dialectFor(decided)
    const isStored =
      types?.get(column.name) === dialect.storage(dialect.stored(column)) && column.type.type.family !== 'json'
    return { column, as: isStored ? 'stored' : 'declared' }
  })
  return { columns, scales: decided }
}

async function createLoaded(session: Session, columns: readonly string[], from: string): Promise<void> {
  const cells = columns.length > 0 ? columns.join(', ') : 'NULL::BOOLEAN AS _nothing'
  await session.run(`CREATE OR REPLACE TEMP TABLE _loaded AS SELECT ${cells} FROM ${from}`)
}

/** A sample of measurements shows seldom the longest fraction: a few digits more spare a second reading. */
function roomy({ scale, whole }: Profile): number {
  return scale > MONEY_SCALE ? Math.max(scale, Math.min(scale + SPARE_DIGITS, FAST_SCALE, 38 - whole)) : scale
}

function named(value: string, { column }: FileColumn): string {
  return `${value} AS ${quoteIdentifier(column.name)}`
}

function isMalformed(error: unknown): boolean {
  return /CSV Error on Line|state machine reached an invalid state|Maximum line size|Malformed JSON/.test(
    String((error as Error).message),
  )
}

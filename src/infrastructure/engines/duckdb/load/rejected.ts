import { stat } from 'node:fs/promises'
import type { BadCell, LoadFile } from '../../engine.ts'
import { DESCRIBED, shorten } from '../../files/bad-file.ts'
import { quoteIdentifier, quoteLiteral } from '../../sql/quote.ts'
import type { Session } from '../client.ts'
import type { Dialect } from '../dialect.ts'
import { isBadRow } from './bad-cells.ts'
import { extentsOf, READ_CHARACTERS } from './bad-records.ts'
import { locateAll } from './locate.ts'
import type { TypedSource } from './source.ts'
import { pathOf, readJson } from './source.ts'
import type { FileColumn } from './typed.ts'
import { cellComplaintSql } from './typed.ts'

/** A load that has left rows out, as it stands in the temporary tables of a connection. */
export interface Rejecting {
  source: TypedSource
  columns: readonly FileColumn[]
  dialect: Dialect
  /** Records that whoever wrote the source has left out already. */
  rejects: LoadFile | undefined
}

/**
 * Finds where in the file all rows are that were left out: the temporary table `_places` says it of rows of `_texts`
 * (`_good`) and of `_bad_records` (`_offset`).
 */
export async function placeRejected(session: Session, { source, columns, dialect, rejects }: Rejecting): Promise<void> {
  const bad = isBadRow(columns, dialect) ?? 'FALSE'
  await session.run(`CREATE OR REPLACE TEMP TABLE _bad_rows AS SELECT _row AS _good FROM temp._texts WHERE ${bad}`)
  if (source.format === 'delimited') return placeInFile(session, source)
  await session.run(`CREATE OR REPLACE TEMP TABLE _bad_records AS ${rejects ? readRejects(rejects) : NO_RECORDS}`)
  // The n-th row that is there stands behind those before it that are not.
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _places AS
     SELECT _good, NULL::BIGINT AS _offset, _good + coalesce(_before, 0) AS _at, NULL::BIGINT AS _line
     FROM temp._bad_rows ASOF LEFT JOIN (
       SELECT _given - _offset AS _from, max(_offset) + 1 AS _before FROM temp._bad_records GROUP BY _from
     ) ON _good >= _from
     UNION ALL SELECT NULL, _offset, _given, NULL FROM temp._bad_records`,
  )
}

const NO_RECORDS =
  'SELECT NULL::BIGINT AS _offset, NULL::BIGINT AS _given, NULL::VARCHAR AS _error, NULL::VARCHAR AS _record LIMIT 0'

function readRejects(file: LoadFile): string {
  const rows = readJson(file, [
    ['row', 'BIGINT'],
    ['error', 'VARCHAR'],
    ['record', 'VARCHAR'],
  ])
  return `SELECT row_number() OVER (ORDER BY row) - 1 AS _offset, row AS _given, error AS _error, record AS _record FROM ${rows}`
}

async function placeInFile(session: Session, source: Extract<TypedSource, { format: 'delimited' }>): Promise<void> {
  await session.run('CREATE OR REPLACE TEMP TABLE _places (_good BIGINT, _offset BIGINT, _at BIGINT, _line BIGINT)')
  const [count] =
    (await session.row('SELECT (SELECT count(*) FROM temp._bad_rows) + (SELECT count(*) FROM temp._bad_records)')) ?? []
  let left = Number(count)
  const wanted = {
    records: extentsOf(session),
    rows: async (from: number, before: number) => {
      const rows = await session.rows(`SELECT _good FROM temp._bad_rows WHERE _good >= ${from} AND _good < ${before}`)
      return rows.map(([row]) => Number(row))
    },
  }
  const appender = await session.connection.createAppender('_places', 'main', 'temp')
  try {
    for await (const { byRow, byOffset } of locateAll(pathOf(source.file), source, wanted)) {
      for (const [found, isRow] of [
        [byRow, true],
        [byOffset, false],
      ] as const) {
        for (const [number, { row, line }] of found) {
          if (isRow) appender.appendBigInt(BigInt(number))
          appender.appendNull()
          if (!isRow) appender.appendBigInt(BigInt(number))
          appender.appendBigInt(BigInt(row))
          appender.appendBigInt(BigInt(line))
          appender.endRow()
        }
      }
      appender.flushSync()
      left -= byRow.length + byOffset.length
      if (left <= 0) break
    }
  } finally {
    appender.closeSync()
  }
}

/** The first of the rows that were left out, placed: the given bad cells, and the records that are none. */
export async function describeRejected(
  session: Session,
  { source }: Rejecting,
  cells: readonly BadCell[],
): Promise<BadCell[]> {
  const line = (text: unknown) => (text === null ? {} : { line: Number(text) })
  const rows = [...new Set(cells.map(({ row }) => row))].join(', ')
  const places = rows ? await session.rows(`SELECT _good, _at, _line FROM temp._places WHERE _good IN (${rows})`) : []
  const byRow = new Map(places.map(([good, at, text]) => [Number(good), { row: Number(at), ...line(text) }]))
  const ofCells = cells.map((cell) => ({ ...cell, ...byRow.get(cell.row) }))
  // Who left the others out has described them.
  if (source.format !== 'delimited') return ofCells
  const records = await session.rows(
    `SELECT _at, _line, left(_record, ${READ_CHARACTERS}), _error FROM temp._bad_records JOIN temp._places USING (_offset) ORDER BY _at LIMIT ${DESCRIBED}`,
  )
  const ofRecords = records.map(([at, text, value, sentence]) => ({
    row: Number(at),
    ...line(text),
    value: shorten(String(value)),
    sentence: String(sentence),
  }))
  return [...ofRecords, ...ofCells].sort((a, b) => a.row - b.row).slice(0, DESCRIBED)
}

/** Bytes of a row beside its texts, about. */
const ROW_BYTES = 100

/** About how many bytes the file of all rows that were left out will have. */
export async function rejectedBytes(session: Session, { source }: Rejecting): Promise<number> {
  const texts = source.columns.map((name) => `coalesce(strlen(${quoteIdentifier(name)}), 0)`)
  const [bytes] =
    (await session.row(
      `SELECT coalesce((SELECT sum(${[ROW_BYTES, ...texts].join(' + ')}) FROM temp._texts JOIN temp._bad_rows ON _texts._row = _good), 0)
       + coalesce((SELECT sum(${ROW_BYTES} + strlen(_record)) FROM temp._bad_records), 0)`,
    )) ?? []
  return Number(bytes)
}

/**
 * Writes all rows that were left out into a csv file: where they are, what is wrong, and their texts as they were.
 *
 * @returns Its bytes.
 */
export async function writeRejected(
  session: Session,
  { source, columns, dialect }: Rejecting,
  path: string,
): Promise<number> {
  const complaints = columns.flatMap((column) => cellComplaintSql(column, dialect) ?? [])
  const line = source.format === 'delimited' ? '_line, ' : ''
  const names = source.columns.map(quoteIdentifier)
  const cells = [
    complaints.length > 0 ? `coalesce(${complaints.join(', ')}) AS _error` : 'NULL AS _error',
    'NULL AS _record',
    ...names,
  ]
  const record = ['_error', '_record', ...names.map(() => 'NULL')]
  await session.run(
    `COPY (
       SELECT _at AS _row, ${line}${cells.join(', ')} FROM temp._texts JOIN temp._places ON _texts._row = _good
       UNION ALL
       SELECT _at, ${line}${record.join(', ')} FROM temp._bad_records JOIN temp._places USING (_offset)
       ORDER BY _row
     ) TO ${quoteLiteral(path)} (FORMAT csv, HEADER true, NULLSTR '')`,
  )
  return (await stat(path)).size
}

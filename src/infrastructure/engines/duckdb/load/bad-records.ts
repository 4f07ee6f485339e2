import { DESCRIBED } from '../../files/bad-file.ts'
import type { Session } from '../client.ts'
import type { Extent } from './locate.ts'
import { locateAll } from './locate.ts'
import type { TypedSource } from './source.ts'
import { pathOf, readTexts } from './source.ts'

/** Characters of a record that are looked at to describe it. */
export const READ_CHARACTERS = 1000

/** A record that is none: where in the file it begins, and its text or the beginning of it. */
export interface BadRecord extends Extent {
  value: string
  sentence: string
}

/** How many they are, and the first of them. */
export interface BadRecords {
  count: number
  first: BadRecord[]
}

const extracted = (pattern: string) => `regexp_extract(message, '${pattern}', 1)`
const columnsSentence = (found: string) =>
  `concat('the row has ', ${found}, ' cells, the header ', ${extracted('Columns: (\\d+)')})`

/** Of such a record DuckDB knows only the beginning. */
const OVERLONG = 'LINE SIZE OVER MAXIMUM'

/** SQL of what is wrong with a record, by DuckDB's name for it. */
const SENTENCES: Readonly<Record<string, string>> = {
  'MISSING COLUMNS': columnsSentence(extracted('Found: (\\d+)')),
  'TOO MANY COLUMNS': columnsSentence('most'),
  'UNQUOTED VALUE': "'a quoted value does not end, or goes on behind its closing quote'",
  [OVERLONG]: "'the line is longer than 2 MB'",
  'INVALID ENCODING': "'the text is not UTF-8: say which with encoding=, such as encoding=latin1'",
}

const SENTENCE = `CASE type ${Object.entries(SENTENCES)
  .map(([type, sentence]) => `WHEN '${type}' THEN ${sentence}`)
  .join(' ')} ELSE split_part(message, chr(10), 1) END`

/** Notes the records that DuckDB has rejected on this connection, each once, in the temporary table `_bad_records`. */
export async function noteBadRecords(session: Session): Promise<BadRecords> {
  // DuckDB counts bytes from 1, and empty lines to the record behind them.
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _bad_records AS
     SELECT position - 1 + length(text) - length(ltrim(text, chr(10))) AS _offset, trim(text, chr(10) || chr(13)) AS _record, ${SENTENCE} AS _error,
       CASE type WHEN '${OVERLONG}' THEN 0 ELSE strlen(trim(text, chr(10) || chr(13))) END AS _bytes
     FROM (
       SELECT line_byte_position AS position, coalesce(any_value(csv_line), '') AS text,
         arg_min(error_type::VARCHAR, coalesce(column_idx, 0)) AS type, arg_min(error_message, coalesce(column_idx, 0)) AS message,
         max(TRY_CAST(regexp_extract(error_message, 'Found: (\\d+)', 1) AS BIGINT)) AS most
       FROM temp._load_rejects GROUP BY line_byte_position
     ) ORDER BY _offset`,
  )
  const [count] = (await session.row('SELECT count(*) FROM temp._bad_records')) ?? []
  const rows = await session.rows(
    `SELECT _offset, _bytes, left(_record, ${READ_CHARACTERS}), _error FROM temp._bad_records ORDER BY _offset LIMIT ${DESCRIBED}`,
  )
  const first = rows.map(([offset, bytes, value, sentence]) => ({
    offset: Number(offset),
    bytes: Number(bytes),
    value: String(value),
    sentence: String(sentence),
  }))
  return { count: Number(count), first }
}

/** What `read_csv` needs to leave bad records out and note them. */
export function rejecting(limit: number): string {
  return `, store_rejects = true, rejects_table = '_load_rejects', rejects_scan = '_load_scans', rejects_limit = ${limit}`
}

/** The records of `_bad_records` that begin between two positions. */
export function extentsOf(session: Session): (from: number, before: number) => Promise<Extent[]> {
  return async (from, before) => {
    const rows = await session.rows(
      `SELECT _offset, _bytes FROM temp._bad_records WHERE _offset >= ${from} AND _offset < ${before}`,
    )
    return rows.map(([offset, bytes]) => ({ offset: Number(offset), bytes: Number(bytes) }))
  }
}

/**
 * Whether DuckDB has read or rejected each record of a file: where many are bad, or a quote does not end, it can pass
 * over the rest of what one of its threads reads, and says nothing.
 *
 * @param good - How many it has read.
 */
export async function isComplete(
  session: Session,
  source: Extract<TypedSource, { format: 'delimited' }>,
  { good, bad }: { good: number; bad: number },
): Promise<boolean> {
  let seenGood = 0
  let seenBad = 0
  const wanted = { records: extentsOf(session), rows: async () => [] }
  for await (const found of locateAll(pathOf(source.file), source, wanted)) {
    seenGood = found.good
    seenBad += found.byOffset.length
  }
  return seenGood === good && seenBad === bad
}

/** Reads a file only for the records that are none. */
export async function findBadRecords(session: Session, source: TypedSource): Promise<BadRecords> {
  await session.run(`SELECT max(hash(t)) FROM ${readTexts(source, rejecting(DESCRIBED))} t`)
  return noteBadRecords(session)
}

/** Forgets bad records, and where they and bad cells are. */
export async function dropRejects(session: Session): Promise<void> {
  for (const name of ['_load_rejects', '_load_scans', '_bad_records', '_bad_rows', '_places'])
    await session.run(`DROP TABLE IF EXISTS temp.${name}`)
}

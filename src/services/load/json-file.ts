import { ValidationError } from '../../core/errors.ts'
import { JsonSyntaxError } from '../../core/json-scanner.ts'
import type { Column } from '../../core/table-schema.ts'
import type { BadCell } from '../../infrastructure/engines/engine.ts'
import { encodeRecords } from '../records/index.ts'
import type { ByteStream } from './bytes.ts'
import type { Batch } from './json-batches.ts'
import { jsonBatches } from './json-batches.ts'
import { JsonProfile } from './json-profile.ts'
import type { RejectedRecord, RejectedRecords } from './rejected-records.ts'

const DESCRIBED = 100

/** What was found on the way through a JSON file. */
export interface JsonFindings {
  /** Names of the columns that records carry. */
  columns: Set<string>
  rejected: number
  badCells: BadCell[]
  warnings: Set<string>
}

interface EncodeOptions {
  onError: 'abort' | 'skip'
  /** Refuse records that differ in their keys: what one leaves out could be null or unchanged. */
  sameKeys: boolean
  /** Takes what `skip` leaves out. */
  rejected: RejectedRecords
}

/** The columns that hold what is in a JSON file. */
export async function profileJson(body: ByteStream, format: 'ndjson' | 'json'): Promise<Column[]> {
  const profile = new JsonProfile()
  for await (const batch of jsonBatches(body, format)) atRow(batch.firstRow, () => profile.add(batch.bytes))
  return profile.columns()
}

/** A JSON file as engines take it. Findings are complete when the stream has ended. */
export function encodeJson(
  body: ByteStream,
  format: 'ndjson' | 'json',
  columns: readonly Column[],
  options: EncodeOptions,
): { stream: ByteStream; findings: JsonFindings } {
  const findings: JsonFindings = { columns: new Set(), rejected: 0, badCells: [], warnings: new Set() }
  const batches = jsonBatches(body, format)
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await batches.next()
          if (done) return controller.close()
          const left: RejectedRecord[] = []
          const chunks = encodeBatch(value, columns, options, findings, left)
          await options.rejected.add(left)
          for (const chunk of chunks) if (chunk.length > 0) controller.enqueue(chunk)
          if (chunks.some(({ length }) => length > 0)) return
        }
      },
      cancel: async () => void (await batches.return(undefined)),
    },
    { highWaterMark: 0 },
  )
  return { stream, findings }
}

function encodeBatch(
  batch: Batch,
  columns: readonly Column[],
  options: EncodeOptions,
  findings: JsonFindings,
  left: RejectedRecord[],
): readonly Uint8Array[] {
  try {
    const encoded = atRow(batch.firstRow, () =>
      encodeRecords(batch.bytes, columns, { unknownKey: 'row', ignore: ['_id'] }),
    )
    const before = findings.columns.size
    for (const name of encoded.columns) findings.columns.add(name)
    for (const warning of encoded.warnings) findings.warnings.add(warning)
    const differ =
      encoded.shapes.length > 1 ||
      (before > 0 && (before !== findings.columns.size || before !== encoded.columns.length))
    if (options.sameKeys && differ) {
      throw new ValidationError({ records: ['with method=upsert all records of a file must carry the same keys'] })
    }
    return encoded.ndjson
  } catch (error) {
    if (options.onError === 'abort' || !(error instanceof ValidationError) || !('records_row' in error.detail))
      throw error
    const single = splitBatch(batch)
    if (single.length > 1) return single.flatMap((one) => encodeBatch(one, columns, options, findings, left))
    left.push(noteBad(findings, error, batch))
    return []
  }
}

/** The records of a batch, each by itself. */
function splitBatch({ bytes, firstRow }: Batch): Batch[] {
  const records: Batch[] = []
  let depth = 0
  let quoted = false
  let start = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (quoted) {
      if (byte === 0x5c) at += 1
      else if (byte === 0x22) quoted = false
    } else if (byte === 0x22) quoted = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth === 2) start = at
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1
      if (depth !== 1) continue
      const one = new Uint8Array(at - start + 3)
      one.set(bytes.subarray(start, at + 1), 1)
      one[0] = 0x5b
      one[one.length - 1] = 0x5d
      records.push({ bytes: one, firstRow: firstRow + records.length })
    }
  }
  return records
}

/** What is wrong with the only record of a batch. */
function noteBad(findings: JsonFindings, { detail, message }: ValidationError, { bytes }: Batch): RejectedRecord {
  const { records, records_row: row, records_column: column } = detail
  const sentence = Array.isArray(records) ? String(records[0]) : message
  const cell = { row: Number(row), ...(typeof column === 'string' && { column }), sentence }
  findings.rejected += 1
  if (findings.badCells.length < DESCRIBED) findings.badCells.push(cell)
  const record = new TextDecoder().decode(bytes.subarray(1, -1)).trim()
  return { row: cell.row, error: sentence, record }
}

/** Errors of a batch count its rows from 0: they are moved to the file's. */
function atRow<T>(firstRow: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof JsonSyntaxError) {
      const sentence = `the JSON can't be read near row ${firstRow}: ${error.message}`
      throw new ValidationError({ records: [sentence], records_row: firstRow }, { cause: error })
    }
    if (firstRow === 0 || !(error instanceof ValidationError) || typeof error.detail.records_row !== 'number')
      throw error
    throw moved(error, firstRow)
  }
}

function moved({ detail, message }: ValidationError, by: number): ValidationError {
  const row = Number(detail.records_row)
  const shift = (text: string) =>
    text.replace(
      /\brow ("?)(\d+)\1/,
      (_, quote: string, number: string) => `row ${quote}${Number(number) + by}${quote}`,
    )
  const records = Array.isArray(detail.records)
    ? detail.records.map((sentence) => shift(String(sentence)))
    : detail.records
  return new ValidationError({ ...detail, records, records_row: row + by }, { message: shift(message) })
}

import { describe } from 'vitest'
import { engineSuite } from '../../suites/engine/index.ts'
import { isOnGoogle, openEngine, reasonWithoutPlace } from './open.ts'

const reason = reasonWithoutPlace()

const DIGITS = "the emulator's BIGNUMERIC has 20 digits before the point and 18 behind it; Google's has 38 and 38"
const TOGETHER = 'BIGNUMERIC holds 38 digits on either side of the point, so the digits are not given up for each other'

/** What BigQuery does otherwise than the other engines. */
const differences = {
  'dumps > formats > parquet': 'lists are kept as JSON texts, and are such in Parquet, too',
  'values > a numeric column without a modifier > refuses what it could hold only by giving up stored digits, and what stood stays':
    TOGETHER,
  'values > a numeric column without a modifier > refuses values that no column could hold together': TOGETHER,
  'values > jsonb > comes out as the contract says':
    'JSON columns keep the value, not the blanks of its text, as in PostgreSQL',
}

/** What the emulator does otherwise than BigQuery. */
const emulator = {
  'concurrency > columns that change beside an open download keep what was updated since it began': DIGITS,
  'filters > of numeric: 7 cases': DIGITS,
  'values > numeric(38,0) > comes out as the contract says': DIGITS,
  'values > numeric(38,0) > is stored again from what came out': DIGITS,
  'values > numeric(38,30) > comes out as the contract says': DIGITS,
  'values > numeric(38,30) > is stored again from what came out': DIGITS,
  'values > text > comes out as the contract says':
    'the emulator keeps its data in DuckLake, which changes texts such as {SNAPSHOT_ID}',
  'values > text > is stored again from what came out':
    'the emulator keeps its data in DuckLake, which changes texts such as {SNAPSHOT_ID}',
}

describe.skipIf(reason !== undefined)(`bigquery${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  engineSuite('bigquery', openEngine, {
    gaps: { ...differences, ...(!isOnGoogle && emulator) },
    // The emulator takes a tenth of a second and more for each statement.
    ...(process.env.FULL === undefined && { only: ['tables', 'upserts', 'deletes', 'searches'] as const }),
  })
})

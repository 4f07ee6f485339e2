import type { Gaps } from '../../suites/contract/describe.ts'
import { isOnGoogle } from './open.ts'

const DIGITS = "the emulator's BIGNUMERIC has 20 digits before the point and 18 behind it; Google's has 38 and 38"
const TOGETHER = 'BIGNUMERIC holds 38 digits on either side of the point, so the digits are not given up for each other'
const TEXTS = 'the emulator keeps its data in DuckLake, which changes texts such as {SNAPSHOT_ID}'
const ONE_INTEGER = 'the integers of a result are INT64, whatever they came from'
const AS_TEXT = 'kept as a JSON text, and the result of a statement does not say which column a text came from'

const here = (differences: Gaps, emulator: Gaps): Gaps => ({ ...differences, ...(!isOnGoogle && emulator) })

/** Cases of the engine suite: what BigQuery does otherwise than the other engines, and the emulator otherwise than BigQuery. */
export const engineGaps: Gaps = here(
  {
    'dumps > formats > parquet': 'lists are kept as JSON texts, and are such in Parquet, too',
    'values > a numeric column without a modifier > refuses what it could hold only by giving up stored digits, and what stood stays':
      TOGETHER,
    'values > a numeric column without a modifier > refuses values that no column could hold together': TOGETHER,
    'values > jsonb > comes out as the contract says':
      'JSON columns keep the value, not the blanks of its text, as in PostgreSQL',
  },
  {
    'concurrency > columns that change beside an open download keep what was updated since it began': DIGITS,
    'filters > of numeric: 7 cases': DIGITS,
    'values > numeric(38,0) > comes out as the contract says': DIGITS,
    'values > numeric(38,0) > is stored again from what came out': DIGITS,
    'values > numeric(38,30) > comes out as the contract says': DIGITS,
    'values > numeric(38,30) > is stored again from what came out': DIGITS,
    'values > text > comes out as the contract says': TEXTS,
    'values > text > is stored again from what came out': TEXTS,
    'values > the text "{SNAPSHOT_ID} {DATA_PATH}" is stored exactly, or refused with row and column': TEXTS,
  },
)

/** Cases of the contract. */
export const contractGaps: Gaps = here(
  {
    '§2.1 time limit: 409':
      'generate_series takes constants up to 1000 there: what would never end is refused before it starts',
    '§4.2 names that differ in case alone':
      'BigQuery does not tell the names of columns apart by case: refused with a sentence',
    '§4.5 timestamp takes "January 8, 1999"': 'only dates in digits are read, so that every engine reads the same',
    '§4.6 numeric(10,2) 10.5, in SQL': 'BigQuery does not keep zeros behind the last digit: 10.5',
    '§4.6 json {"a": [1]}, in SQL': AS_TEXT,
    '§4.6 text[] ["one","two"], in SQL': AS_TEXT,
    '§4.6 int[] [1,null], in SQL': AS_TEXT,
    '§8.6 VALUES': 'GoogleSQL has none: refused with what to write instead',
    '§8.6 types': ONE_INTEGER,
    '§8.6 other parameters are not put on a key of the result': ONE_INTEGER,
    '§8.6 whole numbers divide to whole numbers':
      '7/2 is 3.5 in GoogleSQL, and the text of a statement does not say which operands are whole: DIV(7, 2)',
    '§7.2 an alias like the name of a file, in SQL': 'a dot in a name parts project, dataset and table: refused',
  },
  {
    '§4.5 numeric takes 123456789012345678901234567890': DIGITS,
    '§4.5 numeric: no column holds 38 digits before and one after the point': TOGETHER,
  },
)

import type { Gaps } from '../../suites/contract/describe.ts'

/** Cases that don't hold where DuckDB reads names and dates. */
export const gaps: Gaps = {
  '§4.2 names that differ in case alone':
    'DuckDB does not tell the names of columns apart by case: refused with a sentence',
  '§4.5 timestamp takes "January 8, 1999"': 'only dates in digits are read, so that every engine reads the same',
  '§7.2 an alias like the name of a file, in SQL':
    'names that DuckDB might take for files are refused before they are looked up',
}

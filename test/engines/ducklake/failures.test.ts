import { expect, test } from 'vitest'
import { isInterrupted, lakeFailures } from '../../../src/infrastructure/engines/ducklake/failures.ts'

const PATH = 'host=db.example.org password=secret'

/** What DuckDB says, and what comes of it: the first words of a 503, or that it is about the call and goes on as it is. */
const cases: [message: string, outcome: string, lost?: boolean][] = [
  // A connection that breaks while the answer is read: the words of a query of the caller's own that went wrong.
  [
    'Invalid Input Error: Attempting to fetch from an unsuccessful query result\nError: IO Error: Failed to fetch',
    "The lake's catalog",
  ],
  ['Invalid Input Error: Attempting to fetch from an unsuccessful query result\nError: ', "The lake's catalog"],
  [
    'Invalid Input Error: Attempting to fetch from an unsuccessful or closed streaming query result',
    "The lake's catalog",
  ],
  ['Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result', "The lake's catalog"],
  ['Attempting to fetch from an unsuccessful query result', "The lake's catalog"],
  [`Failed to prepare COPY "COPY (SELECT 1 FROM x.y) TO STDOUT": ${PATH}`, "The lake's catalog"],
  [`Invalid Error: Failed to get data file list from DuckLake: ${PATH}`, "The lake's catalog"],
  [`Invalid Input Error: Failed to load DuckLake - could not find schema`, "The lake's catalog"],
  [`Binder Error: Failed to execute query "SELECT 1": server closed the connection unexpectedly`, "The lake's catalog"],
  [`Catalog Error: Failed to fetch header for COPY "x"`, "The lake's catalog"],
  ['IO Error: Unable to connect to Postgres at "x": Connection refused', "The lake's catalog"],
  [
    'FATAL Error: Failed: database has been invalidated because of a previous fatal error.',
    'The lake was closed',
    true,
  ],
  ['INTERNAL Error: Attempted to access index 0 within vector of size 0', 'The lake was closed', true],
  ['TransactionContext Error: Failed to commit: Transaction conflict - attempting to insert', 'Other writes'],
  ['TransactionContext Error: Current transaction is aborted (please ROLLBACK)', "The lake's"],
  ['IO Error: Could not establish connection error for HTTP HEAD to s3', "The lake's"],
  ['HTTP Error: HTTP GET error (HTTP 503)', "The lake's data files"],
  ["Conversion Error: Could not convert string 'Failed' to INT32", 'as it is'],
  ['Binder Error: Referenced column "x" not found', 'as it is'],
  ['Out of Memory Error: failed to allocate data of size 32.0 MiB', 'as it is'],
  ['INTERRUPT Error: Interrupted!', 'as it is'],
  ['Invalid Input Error: Failed to cast value: Could not convert', 'as it is'],
]

test.each(cases)('%s', (message, outcome, isLost = false) => {
  const lines: string[] = []
  let lost = false
  const failed = lakeFailures({ begin: (...line) => void lines.push(JSON.stringify(line)), end() {} })
  const error = new Error(message)
  const answer = failed(error, () => {
    lost = true
  }) as Error
  expect(lost).toBe(isLost)
  if (outcome === 'as it is') return expect(answer).toBe(error)
  expect(answer).toMatchObject({ status: 503, message: expect.stringContaining(outcome) })
  expect(isInterrupted(answer)).toBe(true)
  expect(lines.join()).not.toContain('secret')
})

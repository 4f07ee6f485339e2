import { afterAll, beforeAll, describe } from 'vitest'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import type { CallName, FaultName } from './failures.ts'
import { calls, dumpFails, failsWhole, faults } from './failures.ts'
import { openFailing } from './open.ts'

/** Every call, failed at each of its requests in every way. Takes an hour. */
describe.skipIf(reasonWithoutBigquery() !== undefined)('a failing Google', () => {
  let opened: Awaited<ReturnType<typeof openFailing>>
  beforeAll(async () => {
    opened = await openFailing()
  }, 120_000)
  afterAll(() => opened?.close())

  for (const kind of Object.keys(faults) as FaultName[]) {
    describe(kind, () => {
      for (const name of Object.keys(calls) as CallName[]) failsWhole(() => opened, name, kind)
      dumpFails(() => opened, kind)
    })
  }
})

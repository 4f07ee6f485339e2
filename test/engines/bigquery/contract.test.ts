import { afterAll, beforeAll, describe } from 'vitest'
import { type BigqueryServices, reasonWithoutBigquery, startBigquery } from '../../services/bigquery.ts'
import { describeContract } from '../../suites/contract/describe.ts'
import { openInProcess } from '../../suites/contract/open.ts'
import type { Fetch } from '../../suites/contract/run.ts'
import { dropTables, settingsFor } from './open.ts'

const CASE_ID = /res-\d+-\d+/

describe.skipIf(reasonWithoutBigquery() !== undefined)('the contract on bigquery', () => {
  let services: BigqueryServices
  beforeAll(async () => {
    services = await startBigquery()
  }, 120_000)
  const { open, close } = openInProcess(() => settingsFor(services))
  afterAll(async () => {
    await close()
    await services?.close()
  })

  /** The table of the case before is dropped when the next begins: the emulator slows down with every live one. */
  let last: string | undefined
  const forgetting =
    (fetch: Fetch): Fetch =>
    async (request) => {
      const id = CASE_ID.exec(decodeURIComponent(request.url) + (await request.clone().text()))?.[0]
      if (id !== undefined && id !== last) {
        if (last !== undefined) await dropTables(services, [last])
        last = id
      }
      return fetch(request)
    }

  describeContract({
    open: async (settings) => forgetting(await open(settings)),
    gaps: {},
    smoke: process.env.FULL === undefined,
  })
})

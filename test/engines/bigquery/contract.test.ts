import { afterAll, beforeAll, describe } from 'vitest'
import { describeContract } from '../../suites/contract/describe.ts'
import { openInProcess } from '../../suites/contract/open.ts'
import type { Fetch } from '../../suites/contract/run.ts'
import { contractGaps } from './gaps.ts'
import type { Place } from './open.ts'
import { openPlace, reasonWithoutPlace } from './open.ts'

const CASE_ID = /res-\d+-\d+/

describe.skipIf(reasonWithoutPlace() !== undefined)('the contract on bigquery', () => {
  let place: Place
  beforeAll(async () => {
    place = await openPlace()
  }, 120_000)
  const { open, close } = openInProcess(() => place.settings)
  afterAll(async () => {
    await close()
    await place?.close()
  })

  /** The table of the case before is dropped when the next begins: the emulator slows down with every live one. */
  let last: string | undefined
  const forgetting =
    (fetch: Fetch): Fetch =>
    async (request) => {
      const id = CASE_ID.exec(decodeURIComponent(request.url) + (await request.clone().text()))?.[0]
      if (id !== undefined && id !== last) {
        if (last !== undefined) await place.drop([last])
        last = id
      }
      return fetch(request)
    }

  describeContract({
    open: async (settings) => forgetting(await open(settings)),
    gaps: contractGaps,
    smoke: process.env.FULL === undefined,
  })
})

import { afterAll, describe, vi } from 'vitest'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import type { CallName, FaultName } from './failures.ts'
import { calls, dumpFails, failsWhole, faults } from './failures.ts'
import { lendPlaces } from './open.ts'

/** Tests that run at once, each with an emulator of its own: most of their time is waiting for what will not come. */
const AT_ONCE = 4
vi.setConfig({ maxConcurrency: AT_ONCE })

/** Every call, failed at each of its requests in every way. */
describe.skipIf(reasonWithoutBigquery() !== undefined).concurrent('a failing Google', () => {
  const { withPlace, close } = lendPlaces(AT_ONCE)
  afterAll(close)

  for (const kind of Object.keys(faults) as FaultName[]) {
    for (const name of Object.keys(calls) as CallName[]) failsWhole(withPlace, name, kind)
    dumpFails(withPlace, kind)
  }
})

import { describe } from 'vitest'
import { engineSuite } from '../../suites/engine/index.ts'
import { engineGaps } from './gaps.ts'
import { openEngine, reasonWithoutPlace } from './open.ts'

const reason = reasonWithoutPlace()

describe.skipIf(reason !== undefined)(`bigquery${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  engineSuite('bigquery', openEngine, {
    gaps: engineGaps,
    // The emulator takes a tenth of a second and more for each statement.
    ...(process.env.FULL === undefined && { only: ['tables', 'upserts', 'deletes', 'searches'] as const }),
  })
})

import { describe } from 'vitest'
import { reasonWithoutBigquery } from '../../services/bigquery.ts'
import { engineSuite } from '../../suites/engine/index.ts'
import { openBigquery } from './open.ts'

const reason = reasonWithoutBigquery()

describe.skipIf(reason !== undefined)(`bigquery${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  engineSuite('bigquery', openBigquery)
})

import { describe, test, vi } from 'vitest'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import { engineSuite } from '../../suites/engine/index.ts'
import { openWithPostgres } from './open.ts'

// A change of definition takes some tenths of a second, and the suite makes hundreds.
vi.setConfig({ testTimeout: 120_000 })

const reason = reasonWithoutPostgresLake()
if (reason === undefined) engineSuite('ducklake', openWithPostgres)
else describe('the ducklake engine', () => test.skip(reason))

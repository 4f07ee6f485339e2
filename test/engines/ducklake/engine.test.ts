import { describe, test } from 'vitest'
import { reasonWithoutPostgres } from '../../services/postgres.ts'
import { engineSuite } from '../../suites/engine/index.ts'
import { openWithPostgres } from './open.ts'

const reason = reasonWithoutPostgres()
if (reason === undefined) engineSuite('ducklake', openWithPostgres)
else describe('the ducklake engine', () => test.skip(reason))

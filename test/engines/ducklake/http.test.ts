import { afterAll, beforeAll, describe, vi } from 'vitest'
import { describeBrokenAnswer } from '../../runtimes/broken-answer.ts'
import { hosts, type RunningHost, start } from '../../runtimes/hosts.ts'
import { describeHttp } from '../../runtimes/http-suite.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import { makeLake, type TestLake } from './open.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('a server on a lake in PostgreSQL', () => {
  let postgres: PostgresServer
  let lake: TestLake
  let running: RunningHost
  beforeAll(async () => {
    postgres = await startPostgres()
    lake = await makeLake(() => postgres.createDatabase())
    running = await start(hosts.Node as (typeof hosts)[string], { ...lake.env, DUMP_CACHE_MB: '0' })
  })
  afterAll(async () => {
    await running?.close()
    await lake?.close()
    await postgres?.close()
  })
  describeHttp(() => running.base)
  describeBrokenAnswer(
    () => running.base,
    () => `${lake.folder}/own/process-1`,
  )
})

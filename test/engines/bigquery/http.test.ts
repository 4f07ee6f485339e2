import { afterAll, beforeAll, describe, vi } from 'vitest'
import type { Host, RunningHost } from '../../runtimes/hosts.ts'
import { hosts, start } from '../../runtimes/hosts.ts'
import { describeHttp } from '../../runtimes/http-suite.ts'
import type { Place } from './open.ts'
import { openPlace, reasonWithoutPlace } from './open.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

describe.skipIf(reasonWithoutPlace() !== undefined)('a server on BigQuery', () => {
  let place: Place
  let running: RunningHost
  beforeAll(async () => {
    place = await openPlace()
    running = await start(hosts.Node as Host, { AUTH_TYPE: 'anonymous', ...place.settings })
  })
  afterAll(async () => {
    await running?.close()
    await place?.close()
  })
  describeHttp(() => running.base)
})

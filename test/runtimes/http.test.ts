import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeBrokenAnswer } from './broken-answer.ts'
import { hosts, type RunningHost, reasonWithout, start } from './hosts.ts'
import { describeHttp } from './http-suite.ts'

for (const [name, host] of Object.entries(hosts)) {
  const reason = reasonWithout(host)
  describe.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (${reason})`, () => {
    let folder: string
    let running: RunningHost
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'runtime-'))
      const duckdb = { DUCKDB_PATH: folder, DUCKDB_THREADS: '1', DUCKDB_MEMORY_LIMIT: '512MB' }
      running = await start(host, { AUTH_TYPE: 'anonymous', DUMP_CACHE_MB: '0', ...duckdb })
    })
    afterAll(async () => {
      await running?.close()
      await rm(folder, { recursive: true, force: true })
    })
    describeHttp(() => running.base, undefined, { compresses: host.compresses })
    describeBrokenAnswer(
      () => running.base,
      () => folder,
    )
  })
}

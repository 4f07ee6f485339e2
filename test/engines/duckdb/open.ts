import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../../src/core/config.ts'
import { createLogger } from '../../../src/core/log.ts'
import duckdb from '../../../src/infrastructure/engines/duckdb/index.ts'
import type { Opened } from '../../suites/engine/kit.ts'

/** An engine on a folder of its own; `close` removes it. */
export async function openDuckdb(): Promise<Opened & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'datastore-'))
  const engine = await openIn(path)
  return {
    path,
    engine,
    async close() {
      await engine.close()
      await rm(path, { recursive: true, force: true })
    },
  }
}

/** The engine on a folder that is there. */
export function openIn(path: string, env: Record<string, string> = {}) {
  const { config } = readConfig({ DUCKDB_PATH: path, ...env })
  return duckdb({ config, logger: createLogger(config, () => {}) })
}

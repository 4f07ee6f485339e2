import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../../src/core/config.ts'
import type { LogRecord } from '../../../src/core/log.ts'
import { createLogger } from '../../../src/core/log.ts'
import ducklake from '../../../src/infrastructure/engines/ducklake/index.ts'
import type { PostgresServer } from '../../services/postgres.ts'
import { startPostgres } from '../../services/postgres.ts'
import type { Opened } from '../../suites/engine/kit.ts'

/** A lake on an empty place: settings for any number of processes. */
export interface TestLake {
  folder: string
  env: Record<string, string>
  close(): Promise<void>
}

/** @param catalog - `DUCKLAKE_CATALOG`, made from the lake's folder. */
export async function makeLake(catalog: (folder: string) => string | Promise<string>): Promise<TestLake> {
  const folder = await mkdtemp(join(tmpdir(), 'lake-'))
  return {
    folder,
    env: {
      DATASTORE_ENGINE: 'ducklake',
      AUTH_TYPE: 'anonymous',
      DUCKLAKE_CATALOG: await catalog(folder),
      DUCKLAKE_DATA_PATH: join(folder, 'data'),
      DUCKDB_PATH: join(folder, 'own'),
      DUCKDB_MEMORY_LIMIT: '1GB',
      DUCKLAKE_MAINTENANCE_MINUTES: '0',
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The engine as a process opens it; `log` takes what it logs. */
export function openEngine(env: Record<string, string>, log: LogRecord[] = []) {
  const { config } = readConfig(env)
  return ducklake({ config, logger: createLogger({ logLevel: 'DEBUG' }, (record) => log.push(record)) })
}

/** An engine on a lake of its own in a PostgreSQL server of its own. */
export async function openWithPostgres(): Promise<Opened & { postgres: PostgresServer; lake: TestLake }> {
  const postgres = await startPostgres()
  const lake = await makeLake(() => postgres.createDatabase())
  const engine = await openEngine(lake.env)
  return {
    postgres,
    lake,
    engine,
    // Each change of a definition reads all tables anew, and maintenance goes over them all.
    async discard(ids) {
      for (const id of ids) if (await engine.describe(id)) await engine.delete({ id, what: 'table' })
    },
    async close() {
      await engine.close()
      await lake.close()
      await postgres.close()
    },
  }
}

import { readConfig } from '../../../src/core/config.ts'
import { createLogger } from '../../../src/core/log.ts'
import bigquery from '../../../src/infrastructure/engines/bigquery/index.ts'
import { stateOf, tableOf } from '../../../src/infrastructure/engines/bigquery/names.ts'
import { type BigqueryServices, startBigquery } from '../../services/bigquery.ts'
import type { Opened } from '../../suites/engine/kit.ts'

/** Settings that lead the engine to the emulators. */
export function settingsFor(services: BigqueryServices, env: Record<string, string> = {}): Record<string, string> {
  return {
    DATASTORE_ENGINE: 'bigquery',
    BIGQUERY_PROJECT: services.project,
    BIGQUERY_DATASET: services.dataset,
    BIGQUERY_API_ENDPOINT: services.url,
    STORAGE_API_ENDPOINT: services.gcsUrl,
    BIGQUERY_EXPORT_BUCKET: services.bucket,
    ...env,
  }
}

/** The engine on an emulator that is there. */
export function openOn(services: BigqueryServices, env: Record<string, string> = {}) {
  const { config } = readConfig({ AUTH_TYPE: 'anonymous', ...settingsFor(services, env) })
  return bigquery({ config, logger: createLogger(config, () => {}) })
}

/** An engine on an emulator of its own. */
export async function openBigquery(
  options: Parameters<typeof startBigquery>[0] = {},
): Promise<Opened & { services: BigqueryServices }> {
  const services = await startBigquery(options)
  const engine = await openOn(services)
  return {
    services,
    engine,
    discard: (ids) =>
      dropTables(
        services,
        ids.filter((id) => id.startsWith('table-')),
      ),
    async close() {
      await engine.close()
      await services.close()
    },
  }
}

/** Drops tables behind the engine's back: the emulator slows down with every live one. */
export async function dropTables({ url, project, dataset }: BigqueryServices, ids: readonly string[]): Promise<void> {
  const tables = ids.flatMap((id) => [tableOf(id), stateOf(id)])
  const drop = (table: string) =>
    fetch(`${url}/bigquery/v2/projects/${project}/datasets/${dataset}/tables/${encodeURIComponent(table)}`, {
      method: 'DELETE',
    })
  await Promise.all(tables.map(drop))
}

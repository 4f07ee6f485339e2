import type { Config } from '../../../core/config.ts'
import { ServiceUnavailable } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Engine } from '../engine.ts'

/** An engine without a project or a dataset: it starts, says once what is missing, and answers every call with 503. */
export function unconfigured(config: Config, logger: Logger): Engine {
  const missing = [
    ...(config.bigqueryProject === undefined ? ['BIGQUERY_PROJECT'] : []),
    ...(config.bigqueryDataset === undefined ? ['BIGQUERY_DATASET'] : []),
  ]
  logger.error(`DATASTORE_ENGINE=bigquery needs ${missing.join(' and ')}: no data can be read or written until then`)
  const refuse = () => Promise.reject(new ServiceUnavailable('The storage of this service is not set up yet.'))
  return {
    name: 'bigquery',
    location: 'nowhere yet',
    supports: {},
    describe: refuse,
    size: refuse,
    list: refuse,
    create: refuse,
    upsert: refuse,
    delete: refuse,
    receive: refuse,
    parquetColumns: refuse,
    load: refuse,
    search: refuse,
    dump: refuse,
    inspectSql: refuse,
    runSql: refuse,
    healthcheck: refuse,
    close: async () => {},
  }
}

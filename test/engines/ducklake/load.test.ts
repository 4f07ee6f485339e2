import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from 'vitest'
import { createDatastore } from '../../../src/app.ts'
import { createLogger } from '../../../src/core/log.ts'
import type { LoadTarget } from '../../load/open.ts'
import { asking } from '../../load/open.ts'
import { rejected } from '../../load/rejected.ts'
import { rejectedSuite } from '../../load/rejected-suite.ts'
import { reasonWithoutPostgresLake } from '../../services/extensions.ts'
import { startPostgres } from '../../services/postgres.ts'
import { makeLake } from './open.ts'

async function open(): Promise<LoadTarget> {
  const postgres = await startPostgres()
  const lake = await makeLake(() => postgres.createDatabase())
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const datastore = await createDatastore({ env: lake.env, auth: 'anonymous', logger })
  const folder = join(lake.folder, 'own', 'process-1')
  return {
    ...asking(datastore),
    folder,
    leftovers: () => readdir(join(folder, 'load')),
    async close() {
      await datastore.close()
      await lake.close()
      await postgres.close()
    },
  }
}

describe.skipIf(reasonWithoutPostgresLake() !== undefined)('loads into a lake', () => {
  rejectedSuite(open, rejected)
})

import type { ParsedArgs } from 'citty'
import { createLogger } from '../core/log.ts'
import type { Adoption } from '../infrastructure/engines/engine.ts'
import { loadEngine } from '../infrastructure/engines/registry.ts'
import { Failure } from './failure.ts'
import { told } from './local/run.ts'
import { readSettings, settingsArgs } from './local/settings.ts'

const args = {
  'dry-run': { type: 'boolean', description: 'Only say what would be done.' },
  ...settingsArgs,
} as const

/** `adopt-bigquery`: writes metadata beside the tables that the Python service keeps in the dataset. */
export const adoptBigquery = {
  meta: {
    name: 'ckan-datastore adopt-bigquery',
    description: 'Takes over the tables that the Python service keeps in BIGQUERY_DATASET; their rows stay untouched.',
  },
  args,
  run: (given: ParsedArgs<typeof args>): Promise<void> => told(() => adopt(given)),
}

async function adopt(given: ParsedArgs<typeof args>): Promise<void> {
  const dryRun = given['dry-run'] === true
  const config = readSettings(given)
  if (config.bigqueryProject === undefined || config.bigqueryDataset === undefined)
    throw new Failure('Which tables? Set BIGQUERY_PROJECT and BIGQUERY_DATASET, as for the server.')
  // What is done is told by a line for each table.
  const logger = createLogger({ logLevel: 'CRITICAL' }, () => {})
  const engine = await loadEngine(config.datastoreEngine, { config, logger })
  try {
    if (!engine.adopt) throw new Failure(`The ${engine.name} engine adopts nothing. Leave DATASTORE_ENGINE out.`)
    let [taken, refused] = [0, 0]
    for await (const adoption of engine.adopt({ dryRun })) {
      process.stdout.write(`${line(adoption, dryRun)}\n`)
      if (adoption.refusal === undefined) taken += 1
      else refused += 1
    }
    process.stderr.write(`${taken} ${dryRun ? 'to adopt' : 'adopted'}, ${refused} refused\n`)
    if (refused > 0) throw new Failure('Tables that are refused answer 409 until what is wrong with them is repaired.')
  } finally {
    await engine.close()
  }
}

function line({ id, refusal, count, columns, primaryKey, warnings }: Adoption, dryRun: boolean): string {
  if (refusal !== undefined) return `${id}\trefused\t${refusal}`
  const key = primaryKey.length > 0 ? `, primary key ${primaryKey.join(', ')}` : ''
  const facts = `${count} rows, ${columns.length} columns${key}`
  return [id, dryRun ? 'to adopt' : 'adopted', [facts, ...warnings].join('; ')].join('\t')
}

import type { ParsedArgs } from 'citty'
import { UsageError } from './failure.ts'
import { withTasks } from './local/run.ts'
import { settingsArgs } from './local/settings.ts'

const args = {
  ckan: { type: 'boolean', description: 'Tables whose resource the CKAN of CKAN_URL no longer has.' },
  'dry-run': { type: 'boolean', description: 'Remove nothing; say what would be removed.' },
  force: { type: 'boolean', description: 'Also when CKAN has not a single one of the tables.' },
  json: { type: 'boolean', description: 'One JSON document on stdout.' },
  ...settingsArgs,
} as const

/** `purge --ckan`: removes the tables whose resource is gone from CKAN. */
export const purge = {
  meta: { name: 'ckan-datastore purge', description: 'Removes tables whose resource CKAN no longer has.' },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    if (!given.ckan) throw new UsageError('--ckan is missing: it is CKAN that says which tables are to go.')
    const dryRun = given['dry-run'] === true
    const report = await withTasks(given, (tasks) => tasks.purge({ dryRun, force: given.force }))
    if (given.json) return void process.stdout.write(`${JSON.stringify(report)}\n`)
    for (const id of report.purged) process.stdout.write(`${dryRun ? 'would remove' : 'removed'} ${id}\n`)
    for (const { table, reason } of report.unknown) process.stderr.write(`kept ${table}: ${reason}\n`)
    process.stdout.write(
      `${report.purged.length} of ${report.tables} tables${dryRun ? ' (nothing was removed)' : ''}\n`,
    )
  },
}

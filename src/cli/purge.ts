import type { ParsedArgs } from 'citty'
import { Failure, UsageError } from './failure.ts'
import { withTasks } from './local/run.ts'
import { settingsArgs } from './local/settings.ts'

const args = {
  ckan: { type: 'boolean', description: 'Tables whose resource the CKAN of CKAN_URL no longer has.' },
  token: {
    type: 'string',
    description: "A sysadmin's token of that CKAN: to others it may not show every resource. CKAN_TOKEN.",
    valueHint: 'TOKEN',
  },
  anonymous: { type: 'boolean', description: 'Ask without a token: for a CKAN that hides no resource.' },
  'dry-run': { type: 'boolean', description: 'Remove nothing; say what would be removed.' },
  force: { type: 'boolean', description: 'Also when CKAN has not a single one of the tables.' },
  json: { type: 'boolean', description: 'One JSON document on stdout.' },
  ...settingsArgs,
} as const

const NO_TOKEN = "Without a sysadmin's token (--token or CKAN_TOKEN) a CKAN may hide resources as if they were gone."

/** `purge --ckan`: removes the tables whose resource is gone from CKAN. */
export const purge = {
  meta: { name: 'ckan-datastore purge', description: 'Removes tables whose resource CKAN no longer has.' },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    if (!given.ckan) throw new UsageError('--ckan is missing: it is CKAN that says which tables are to go.')
    const dryRun = given['dry-run'] === true
    const token = given.anonymous ? undefined : given.token || process.env.CKAN_TOKEN || undefined
    if (token === undefined && !given.anonymous) {
      if (!dryRun) throw new UsageError(`${NO_TOKEN} Nothing was removed. --anonymous asks all the same.`)
      process.stderr.write(`${NO_TOKEN}\n`)
    }
    const report = await withTasks(given, (tasks) => tasks.purge({ dryRun, force: given.force, token }))
    if (report.tables > 0 && report.unknown.length === report.tables) {
      const sentence = `CKAN said of none of the ${report.tables} tables whether it has their resource: ${report.unknown[0]?.reason}`
      throw new Failure(sentence, { detail: report })
    }
    // A sysadmin is denied nothing; to others a denial is an answer.
    const failed = report.unknown.filter(({ denied }) => !denied || token !== undefined).length
    const failure = new Failure(
      `${failed} of ${report.tables} tables stay: CKAN did not say whether it has them, or they could not be removed.`,
      { detail: report },
    )
    if (given.json && failed > 0) throw failure
    if (given.json) return void process.stdout.write(`${JSON.stringify(report)}\n`)
    for (const id of report.purged) process.stdout.write(`${dryRun ? 'would remove' : 'removed'} ${id}\n`)
    for (const { table, reason } of report.unknown) process.stderr.write(`kept ${table}: ${reason}\n`)
    process.stdout.write(
      `${report.purged.length} of ${report.tables} tables${dryRun ? ' (nothing was removed)' : ''}\n`,
    )
    if (failed > 0) throw failure
  },
}

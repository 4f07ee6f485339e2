import type { ParsedArgs } from 'citty'
import { withTasks } from './local/run.ts'
import { settingsArgs } from './local/settings.ts'

const args = {
  forget: {
    type: 'boolean',
    description: 'Give up every older revision now, and delete for good what only they hold. Running downloads break.',
  },
  json: { type: 'boolean', description: 'One JSON document on stdout.' },
  ...settingsArgs,
} as const

/** `maintain`: merges small files, gives up old revisions and deletes what nobody needs any more. */
export const maintain = {
  meta: {
    name: 'ckan-datastore maintain',
    description: 'Merges small files, gives up old revisions and deletes what nobody needs any more.',
  },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const report = await withTasks(given, (tasks) => tasks.maintain({ forget: given.forget === true }))
    if (given.json) return void process.stdout.write(`${JSON.stringify(report)}\n`)
    for (const { name, milliseconds } of report.steps) process.stdout.write(`${name}: ${milliseconds} ms\n`)
  },
}

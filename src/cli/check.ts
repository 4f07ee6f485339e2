import type { ParsedArgs } from 'citty'
import { Failure } from './failure.ts'
import { withTasks } from './local/run.ts'
import { settingsArgs } from './local/settings.ts'

const args = {
  ...settingsArgs,
  json: { type: 'boolean', description: 'One JSON document on stdout.' },
} as const

/** `check`: reads all data, and compares it with the metadata. Exit code 1 when something is wrong. */
export const check = {
  meta: { name: 'ckan-datastore check', description: 'Reads all data and compares it with the metadata.' },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const report = await withTasks(given, (tasks) => tasks.check())
    const { tables, problems } = report
    if (given.json) process.stdout.write(`${JSON.stringify(report)}\n`)
    if (problems.length > 0) {
      const lines = problems.map(({ table, sentence }) => `${table}: ${sentence}`)
      throw new Failure([...lines, `${problems.length} problems in ${tables} tables`].join('\n'))
    }
    if (!given.json) process.stdout.write(`${tables} tables are in order\n`)
  },
}

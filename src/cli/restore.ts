import type { ParsedArgs } from 'citty'
import { localParts } from '../infrastructure/engines/registry.ts'
import { Failure, UsageError } from './failure.ts'
import { told } from './local/run.ts'
import { readSettings, settingsArgs } from './local/settings.ts'

const args = {
  file: { type: 'positional', description: 'A file that backup has written.', required: false },
  ...settingsArgs,
} as const

/** `restore`: puts a backup where a server will look for its data. */
export const restore = {
  meta: {
    name: 'ckan-datastore restore',
    description: 'Puts a backup in the place of data that is not there yet. Never overwrites.',
  },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const { file } = given
    if (!file) throw new UsageError('The file is missing: which backup is to be restored?')
    await told(async () => {
      const config = readSettings(given)
      const parts = await localParts(config)
      if (!parts.restore) throw new Failure(`The ${config.datastoreEngine} engine has no restore of its own.`)
      const { tables } = await parts.restore(config, file)
      process.stdout.write(`${tables} tables restored\n`)
    })
  },
}

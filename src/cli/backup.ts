import { link, open, rm } from 'node:fs/promises'
import type { ParsedArgs } from 'citty'
import type { BackupFile } from '../infrastructure/engines/engine.ts'
import { Failure, UsageError } from './failure.ts'
import { withTasks } from './local/run.ts'
import { settingsArgs } from './local/settings.ts'
import { megabytes } from './progress.ts'

const args = {
  file: { type: 'positional', description: 'Where the backup goes. A file that is there stays.', required: false },
  ...settingsArgs,
} as const

/** `backup`: all data of one moment as one file, while the server goes on. */
export const backup = {
  meta: { name: 'ckan-datastore backup', description: 'Writes all data of this moment into one file.' },
  args,
  async run(given: ParsedArgs<typeof args>): Promise<void> {
    const { file } = given
    if (!file) throw new UsageError('The file is missing: where is the backup to go?')
    const part = `${file}.part`
    try {
      const bytes = await withTasks(given, async (tasks) => write(await tasks.backup(), part))
      // Unlike a renaming it fails where there is a file already.
      await link(part, file).catch((cause: NodeJS.ErrnoException) => {
        throw cause.code === 'EEXIST' ? new Failure(`There is a file ${file} already: it stays.`, { cause }) : cause
      })
      process.stdout.write(`${megabytes(bytes)} MB into ${file}\n`)
    } finally {
      await rm(part, { force: true })
    }
  },
}

/** Writes it through to the disk. Answers the number of bytes. */
async function write({ stream, length }: BackupFile, path: string): Promise<number> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new Failure(`The file ${path} can't be made (${cause.code}).`, { cause })
  })
  try {
    let bytes = 0
    for await (const chunk of stream) {
      await file.writeFile(chunk)
      bytes += chunk.length
    }
    if (bytes !== length) throw new Failure(`The backup broke off after ${bytes} of ${length} bytes: there is none.`)
    await file.sync()
    return bytes
  } finally {
    await file.close()
  }
}

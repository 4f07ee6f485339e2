import { constants } from 'node:fs'
import { access, copyFile, link, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { ConfigurationError } from '../../../core/errors.ts'
import type { CheckReport } from '../engine.ts'
import { quoteLiteral } from '../sql/quote.ts'
import { checkStore } from './check.ts'
import { Session } from './client.ts'
import { DATA_FILE } from './data-file.ts'
import { makeFolder } from './folder.ts'
import { prepareMetadata } from './metadata-format.ts'

/**
 * Puts a backup where a datastore's data belongs, after it was read whole and found in order. What is there already is
 * never overwritten.
 *
 * @throws ConfigurationError when there is data, or the file is no sound backup: then nothing was changed.
 */
export async function restoreFile(folder: string, backup: string): Promise<CheckReport> {
  const path = resolve(folder)
  const [target, part] = [join(path, DATA_FILE), join(path, `${DATA_FILE}.restoring`)]
  if (await exists(target)) {
    throw new ConfigurationError([`There is data in ${path} already: restore into an empty folder (DUCKDB_PATH).`])
  }
  if (!(await exists(backup))) throw new ConfigurationError([`There is no file ${backup}.`])
  await makeFolder(path)
  try {
    await copyFile(backup, part, constants.COPYFILE_FICLONE)
    const report = await checkFile(part, backup)
    // Fails where somebody has made the file meanwhile, which `rename` would not.
    await link(part, target)
    return report
  } finally {
    for (const left of [part, `${part}.wal`]) await rm(left, { force: true })
  }
}

async function checkFile(path: string, backup: string): Promise<CheckReport> {
  const refusal = (reason: string) => new ConfigurationError([`${backup} is no backup of a datastore: ${reason}`])
  const instance = await DuckDBInstance.create(':memory:')
  try {
    const connection = await instance.connect()
    const session = new Session(connection)
    // By the name that it will have: a file's catalog is called as the file is.
    await session.run(`ATTACH ${quoteLiteral(path)} AS datastore`).catch((error: Error) => {
      throw refusal(error.message.split('\n')[0] as string)
    })
    await session.run('USE datastore')
    const isBackup = await session.row("SELECT 1 FROM duckdb_tables() WHERE table_name = '_datastore_format'")
    if (!isBackup) throw refusal('it has no metadata.')
    await prepareMetadata(session)
    const report = await checkStore(session)
    if (report.problems.length > 0) {
      const [{ table, sentence }] = report.problems as [CheckReport['problems'][number]]
      throw refusal(`${report.problems.length} problems, the first: table ${JSON.stringify(table)}: ${sentence}.`)
    }
    await session.run('CHECKPOINT datastore')
    await session.run('USE memory')
    await session.run('DETACH datastore')
    connection.closeSync()
    return report
  } finally {
    instance.closeSync()
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { ConfigurationError } from '../../../core/errors.ts'
import { Client } from './client.ts'
import { startFailure } from './failures.ts'
import { emptyFolder, foldersIn, makeFolder } from './folder.ts'
import { lockDown } from './lock-down.ts'

/** The file of a data folder that holds the tables. */
export const DATA_FILE = 'datastore.duckdb'

export interface DataFileOptions {
  /** A folder: `datastore.duckdb` with `tmp/`, `load/` and `export/` beside it. */
  path: string
  memoryLimit?: string
  threads?: number
}

/** 64 KiB: a table of 20 rows takes 90 KB instead of 280, and large tables cost the same (traps T25). */
export const BLOCK_SIZE = 65536

/** Data folders that this process has open: DuckDB's own lock keeps only other processes out (traps T6). */
const openFolders = new Set<string>()

/** Opens the one instance of this process on a file, sets everything that can only be set now, and locks it (traps T4, T6). */
export async function openDataFile(options: DataFileOptions): Promise<Client> {
  const path = resolve(options.path)
  const folders = foldersIn(path)
  let claimed: string | undefined
  const release = () => void (claimed !== undefined && openFolders.delete(claimed))
  try {
    for (const folder of Object.values(folders)) await makeFolder(folder)
    claimed = await claim(path)
    const open = async () => {
      const instance = await DuckDBInstance.create(join(path, DATA_FILE), {
        default_block_size: String(BLOCK_SIZE),
      })
      for (const folder of Object.values(folders)) await emptyFolder(folder)
      await lockDown(instance, { ...options, tmp: folders.tmp, directories: Object.values(folders) })
      return instance
    }
    return await Client.open({ folders, open, flush: (connection) => connection.run('CHECKPOINT'), closed: release })
  } catch (error) {
    release()
    throw error instanceof ConfigurationError ? error : startFailure(error, path)
  }
}

async function claim(path: string): Promise<string> {
  const real = await realpath(path)
  if (openFolders.has(real)) {
    throw new ConfigurationError([
      `This process has the data in ${path} open already: one DuckDB file serves one datastore.`,
    ])
  }
  openFolders.add(real)
  return real
}

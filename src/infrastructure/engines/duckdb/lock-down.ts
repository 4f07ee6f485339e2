import type { DuckDBInstance } from '@duckdb/node-api'
import { quoteLiteral } from '../sql/quote.ts'

export interface LockDownOptions {
  /** Where it spills to. */
  tmp: string
  /** The only places for files that statements may touch from now on. */
  directories: readonly string[]
  memoryLimit?: string
  threads?: number
}

/** Sets what can only be set now, and locks an instance: extensions are loaded and catalogs attached (traps T4). */
export async function lockDown(instance: DuckDBInstance, options: LockDownOptions): Promise<void> {
  const connection = await instance.connect()
  const settings: [string, string][] = [
    ['TimeZone', "'UTC'"],
    // `7 / 2` is 3, as in PostgreSQL.
    ['integer_division', 'true'],
    ['temp_directory', quoteLiteral(options.tmp)],
    ['preserve_insertion_order', 'true'],
    ['autoinstall_known_extensions', 'false'],
    ['autoload_known_extensions', 'false'],
    ['allow_community_extensions', 'false'],
    ...(options.memoryLimit ? [['memory_limit', quoteLiteral(options.memoryLimit)] as [string, string]] : []),
    ...(options.threads ? [['threads', String(options.threads)] as [string, string]] : []),
    ['allowed_directories', `[${options.directories.map(quoteLiteral).join(', ')}]`],
    ['enable_external_access', 'false'],
    // Downloads lower it for a moment (`trimPages`).
    ['allowed_configs', "['memory_limit']"],
    ['lock_configuration', 'true'],
  ]
  for (const [name, value] of settings) await connection.run(`SET GLOBAL ${name} = ${value}`)
  connection.closeSync()
}

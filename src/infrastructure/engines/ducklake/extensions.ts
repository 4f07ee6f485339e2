import type { DuckDBConnection } from '@duckdb/node-api'
import { ConfigurationError } from '../../../core/errors.ts'
import { quoteLiteral } from '../sql/quote.ts'

/**
 * Loads extensions of DuckDB, from the folder where they are, or from DuckDB's own repository, which fills that folder.
 * They fit one version of DuckDB only, and DuckDB checks their signature.
 *
 * @throws ConfigurationError when one can't be had.
 */
export async function loadExtensions(
  connection: DuckDBConnection,
  names: readonly string[],
  folder: string | undefined,
): Promise<void> {
  if (folder !== undefined) await connection.run(`SET GLOBAL extension_directory = ${quoteLiteral(folder)}`)
  for (const name of names) {
    try {
      await connection.run(`INSTALL ${name}`)
      await connection.run(`LOAD ${name}`)
    } catch (error) {
      throw await unavailable(connection, name, error)
    }
  }
}

async function unavailable(connection: DuckDBConnection, name: string, error: unknown): Promise<ConfigurationError> {
  const [[version, folder] = []] = (
    await connection.runAndReadAll("SELECT version(), current_setting('extension_directory')")
  ).getRows()
  const place = folder ? ` in ${folder}` : ''
  const reason = /built (?:specifically )?for/.test(String(error))
    ? `is of another version${place}`
    : `is not there${place} and can't be downloaded`
  return new ConfigurationError([
    `DuckDB's extension ${name} for ${version} ${reason}: run \`npm run extensions\`, or set DUCKDB_EXTENSION_DIRECTORY to a folder that holds it.`,
  ])
}

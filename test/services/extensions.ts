import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { extensionFolder } from '../../src/build/extensions.ts'
import { reasonWithoutPostgres } from './postgres.ts'

/** Why tests of a lake can't run here; undefined when they can, or when they have to. */
export function reasonWithoutLake(): string | undefined {
  if (process.env.REQUIRE_SERVICES === '1' || existsSync(join(extensionFolder(), 'v1.5.5'))) return undefined
  return "DuckDB's extensions are not there: npm run extensions"
}

/** The same of a lake whose catalog is in PostgreSQL. */
export function reasonWithoutPostgresLake(): string | undefined {
  return reasonWithoutLake() ?? reasonWithoutPostgres()
}

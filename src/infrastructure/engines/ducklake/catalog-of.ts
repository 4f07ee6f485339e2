import { ConfigurationError } from '../../../core/errors.ts'
import type { Catalog } from './catalog.ts'
import { duckdbCatalog, sqliteCatalog } from './file-catalogs.ts'
import { postgresCatalog } from './postgres-catalog.ts'

const kinds: Readonly<Record<string, (address: string, schema: string) => Catalog>> = {
  postgres: postgresCatalog,
  postgresql: postgresCatalog,
  sqlite: sqliteCatalog,
  duckdb: duckdbCatalog,
}

/**
 * @param address - As `DUCKLAKE_CATALOG` says it.
 * @throws ConfigurationError when it is none.
 */
export function catalogOf(address: string, schema: string): Catalog {
  const kind = kinds[address.slice(0, address.indexOf(':'))] as (typeof kinds)[string]
  try {
    return kind(address, schema)
  } catch (error) {
    if (error instanceof ConfigurationError) throw error
    throw new ConfigurationError([
      'DUCKLAKE_CATALOG can not be read as an address: it has one host and port, and characters such as # / @ % in a name or a ' +
        'password are written as %23 %2F %40 %25.',
    ])
  }
}

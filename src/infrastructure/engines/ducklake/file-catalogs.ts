import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Session } from '../duckdb/client.ts'
import { makeFolder } from '../duckdb/folder.ts'
import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts'
import type { Catalog } from './catalog.ts'
import { INLINED_ROWS, METADATA } from './catalog.ts'
import { FileLock, ProcessLock } from './file-lock.ts'
import { currentSnapshot } from './stand.ts'

/** A catalog in a SQLite file, for processes of one machine. */
export function sqliteCatalog(address: string): Catalog {
  const file = fileOf(address)
  return {
    ...ofFile(`sqlite:${file}`, file),
    extensions: ['ducklake', 'sqlite'],
    shared: true,
    isolated: false,
    // A read fails that is under way when a table's first rows come into the catalog.
    inlinedRows: 0,
    prepare: [],
    path: `sqlite:${file}`,
    // Readers and the writer of one host don't wait for each other then.
    options: ["META_JOURNAL_MODE 'WAL'", 'META_BUSY_TIMEOUT 30000'],
    openLock: async () => {
      await makeFolder(dirname(file))
      return new FileLock(`${file}.lock`)
    },
    ask: (query) => asSqlite(query(quoteIdentifier)),
    inlined: asSqlite("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ducklake_inlined_%'"),
  }
}

/** A catalog in a DuckDB file, for one process. */
export function duckdbCatalog(address: string): Catalog {
  const file = fileOf(address)
  return {
    ...ofFile(`duckdb:${file}`, file),
    extensions: ['ducklake'],
    shared: false,
    isolated: true,
    inlinedRows: INLINED_ROWS,
    prepare: [],
    path: file,
    options: [],
    openLock: async () => {
      await makeFolder(dirname(file))
      return new ProcessLock()
    },
    ask: (query) => query((table) => `${METADATA}.main.${quoteIdentifier(table)}`),
  }
}

/** What is the same for a catalog in a file, whose size that file tells. */
const ofFile = (location: string, file: string) => ({
  location,
  stand: async (session: Session) => ({ snapshot: await currentSnapshot(session) }),
  identity: async () => location,
  size: async () => (await stat(file)).size,
})

function fileOf(address: string): string {
  return resolve(address.slice(address.indexOf(':') + 1))
}

function asSqlite(sql: string): string {
  return `FROM sqlite_query('${METADATA}', ${quoteLiteral(sql)})`
}

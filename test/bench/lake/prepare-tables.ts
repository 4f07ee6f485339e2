import { DuckDBInstance } from '@duckdb/node-api'
import { readConfig } from '../../../src/core/config.ts'
import { Session } from '../../../src/infrastructure/engines/duckdb/client.ts'
import { insertTable, readById } from '../../../src/infrastructure/engines/duckdb/metadata.ts'
import { tableName } from '../../../src/infrastructure/engines/duckdb/store.ts'
import { catalogOf } from '../../../src/infrastructure/engines/ducklake/catalog-of.ts'
import { loadExtensions } from '../../../src/infrastructure/engines/ducklake/extensions.ts'
import { noteRevisions } from '../../../src/infrastructure/engines/ducklake/history.ts'
import { currentSnapshot } from '../../../src/infrastructure/engines/ducklake/stand.ts'
import { quoteLiteral } from '../../../src/infrastructure/engines/sql/quote.ts'

/**
 * Makes tables like one that is there, each with its rows, its metadata and its revision, in one commit: alone they would take an
 * hour. The catalog is then as if they had been made one after the other, but for the snapshots between.
 */
export async function prepareTables(env: Record<string, string>, like: string, ids: readonly string[]): Promise<void> {
  const { config } = readConfig(env)
  const catalog = catalogOf(config.ducklakeCatalog as string, config.ducklakeMetadataSchema)
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await loadExtensions(connection, catalog.extensions, config.duckdbExtensionDirectory)
  for (const sql of catalog.prepare) await connection.run(sql)
  await connection.run(
    `ATTACH ${quoteLiteral(`ducklake:${catalog.path}`)} AS datastore (${catalog.options.join(', ')})`,
  )
  const session = new Session(connection)
  await session.transaction(async () => {
    const snapshot = (await currentSnapshot(session)) + 1
    const table = await readById(session, like)
    if (!table) throw new Error(`there is no table ${like}`)
    for (const id of ids) {
      await session.run(`CREATE TABLE ${tableName(id)} AS FROM ${tableName(like)}`)
      await insertTable(session, { ...table, id })
    }
    const revisions = ids.map((id) => ({ id, revision: table.revision, committedAt: table.updatedAt }))
    await noteRevisions(session, { revisions, snapshot, writeId: 'prepared' })
  })
  connection.closeSync()
  instance.closeSync()
}

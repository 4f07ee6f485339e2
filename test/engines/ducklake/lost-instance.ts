/** Reads what ends a DuckDB instance, and says line by line what comes of that and of the calls after it. */
import { DuckDBInstance } from '@duckdb/node-api'
import type { Engine, Table } from '../../../src/infrastructure/engines/engine.ts'
import { Kit } from '../../suites/engine/kit.ts'
import { openEngine } from './open.ts'

const env = process.env as Record<string, string>
const engine = await openEngine(env)
const kit = new Kit(() => engine)
const id = 'beside the lost'
await kit.create(id, { k: 'int' }, { records: [{ k: 1 }] })

// A list of JSON texts in the catalog can't be read: it ends the instance. Nothing of ours makes one.
const other = await DuckDBInstance.create(':memory:')
const connection = await other.connect()
const { username, password, port, pathname } = new URL(env.DUCKLAKE_CATALOG as string)
const secret = decodeURIComponent(password).replaceAll("'", "''")
for (const sql of [
  'LOAD ducklake',
  'LOAD postgres',
  `CREATE SECRET s (TYPE postgres, HOST '127.0.0.1', PORT ${port}, DATABASE '${pathname.slice(1)}', USER '${username}', PASSWORD '${secret}')`,
  `ATTACH 'ducklake:postgres:' AS datastore (META_SECRET 's', METADATA_SCHEMA 'ducklake')`,
  'CREATE TABLE datastore.main.poison (j JSON[])',
  `INSERT INTO datastore.main.poison VALUES (['{"a": 1}'])`,
])
  await connection.run(sql)
connection.closeSync()
other.closeSync()

const resolved = new Map([['poison', { id: 'poison' } as Table]])
const plan = { sql: 'SELECT * FROM poison', tables: ['poison'], functions: [], resolved, rowsMax: 10, format: 'lists' }
await engine.runSql(plan as Parameters<Engine['runSql']>[0]).then(
  () => console.log('it was read'),
  (error) => console.log(`${error.status} ${error.message}`),
)
console.log(JSON.stringify(await kit.values(id, 'k')))
await kit.upsert(id, [{ k: 2 }], { method: 'insert' })
console.log(JSON.stringify(await kit.values(id, 'k')))
await engine.close()

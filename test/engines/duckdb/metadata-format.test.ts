import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDatastore } from '../../../src/app.ts'
import { VERSION } from '../../../src/core/_version.ts'
import { createLogger, type LogRecord } from '../../../src/core/log.ts'
import { Session } from '../../../src/infrastructure/engines/duckdb/client.ts'
import { prepareMetadata } from '../../../src/infrastructure/engines/duckdb/metadata-format.ts'
import { restoreFile } from '../../../src/infrastructure/engines/duckdb/restore.ts'
import { toRequest } from '../../fixtures/datastore.ts'
import { root } from '../../suites/source-tree.ts'
import { openIn } from './open.ts'

const DATA = join(root, 'test/fixtures/data')
const fixtures = (await readdir(DATA)).filter((name) => name.endsWith('.gz'))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'format-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function unpack(fixture: string, name: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, gunzipSync(await readFile(join(DATA, fixture))))
  return path
}

/** Works on the data in the folder with today's service; answers what it logged about formats. */
async function serve(work?: (ask: (action: string, params: object) => Promise<unknown>) => Promise<void>) {
  const records: LogRecord[] = []
  const logger = createLogger({ logLevel: 'INFO' }, (record) => records.push(record))
  const datastore = await createDatastore({ env: { DUCKDB_PATH: folder }, auth: 'anonymous', logger })
  try {
    await work?.(async (action, params) => {
      const request = toRequest(`POST /api/3/action/datastore_${action} ${JSON.stringify(params)}`)
      const { result, error } = await (await datastore.fetch(request)).json()
      return result ?? error
    })
  } finally {
    await datastore.close()
  }
  return records.map(({ rawMessage }) => rawMessage).filter((line) => line.includes('format'))
}

/** What the file itself says, without a service. */
async function inFile<T>(work: (session: Session) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:')
  try {
    const session = new Session(await instance.connect())
    await session.run(`ATTACH '${join(folder, 'datastore.duckdb')}' AS datastore`)
    return await work(session)
  } finally {
    instance.closeSync()
  }
}
const formats = () => inFile((session) => session.rows('SELECT * FROM datastore._datastore_format ORDER BY version'))

describe.each(fixtures)('%s', (fixture) => {
  test('is read, written to and sound', async () => {
    await unpack(fixture, 'datastore.duckdb')
    await serve(async (ask) => {
      expect(await ask('search', { resource_id: 'forest', sort: '_id' })).toMatchObject({
        total: 2,
        records: [
          { _id: 1, name: 'oak', height: 12.5, seen: '2020-01-31T10:20:30.123456', extra: { a: [1, null] } },
          { _id: 2, name: 'elm', height: 3.25, seen: null, extra: null },
        ],
      })
      expect(await ask('info', { id: 'trees' })).toMatchObject({
        meta: { aliases: ['forest'], count: 2 },
        schema: { primaryKey: ['name'] },
        fields: [{ id: 'name', info: { label: 'Näme', notes: 'what it is called' } }, {}, {}, {}],
      })
      expect(await ask('search', { resource_id: 'words', q: 'word 7' })).toMatchObject({
        total: 1,
        schema: { title: 'Words', missingValues: [''], fields: [{}, { constraints: { required: true } }, {}] },
      })
      expect(await ask('upsert', { resource_id: 'words', method: 'insert', records: [{}] })).toMatchObject({
        __type: 'Validation Error',
      })
      const records = [{ name: 'elm', height: '0.123456789' }, { name: 'fir' }]
      await ask('upsert', { resource_id: 'trees', method: 'upsert', records })
      expect(await ask('search', { resource_id: 'trees', sort: '_id', fields: '_id,name,height' })).toMatchObject({
        records: [{ _id: 1 }, { _id: 2, name: 'elm', height: 0.123456789 }, { _id: 4, name: 'fir' }],
      })
      const sql = 'SELECT count(*) AS n, sum(height) AS h FROM trees'
      expect(await ask('search_sql', { sql })).toMatchObject({ records: [{ n: 3, h: 12.623456789 }] })
    })
    const engine = await openIn(folder)
    expect(await engine.check?.()).toEqual({ tables: 2, problems: [] })
    await engine.close()
  })

  test('is brought to the format of today once, which the log says in one line', async () => {
    await unpack(fixture, 'datastore.duckdb')
    expect(await serve()).toEqual([
      'The metadata was brought from format 1 to format 2. Older versions of this service do not read it any more.',
    ])
    expect(await serve()).toEqual([])
    expect(await formats()).toEqual([
      [1, null],
      [2, VERSION],
    ])
  })

  test('is a backup that can be restored', async () => {
    const backup = await unpack(fixture, 'all.backup')
    expect(await restoreFile(folder, backup)).toEqual({ tables: 2, problems: [] })
    expect(await serve()).toEqual([])
  })
})

describe('a file', () => {
  test('that is new has the format of today, and needs no line in the log', async () => {
    expect(await serve()).toEqual([])
    expect(await formats()).toEqual([[2, VERSION]])
  })

  test('of a newer format is refused, with the version to update to, and stays as it is', async () => {
    await serve()
    const step = async () => {}
    await inFile((session) => prepareMetadata(session, [step, step, step]))
    const newer =
      `The data was written by a newer version of this service (ckan-datastore ${VERSION}, metadata format 3, ` +
      'this one reads 2): update it.'
    await expect(serve()).rejects.toThrow(newer)
    expect(await formats()).toEqual([
      [2, VERSION],
      [3, VERSION],
    ])
  })

  test('whose migration fails half-way is as it was', async () => {
    await unpack('format-1.duckdb.gz', 'datastore.duckdb')
    const steps = [
      async () => {},
      (session: Session) => session.run('CREATE TABLE datastore.main._half_done (n INTEGER)'),
      (session: Session) => session.run('INSERT INTO datastore.main._nowhere VALUES (1)'),
    ]
    await expect(inFile((session) => prepareMetadata(session, steps))).rejects.toThrow(/_nowhere/)
    expect(await formats()).toEqual([[1]])
    const tables = await inFile((session) => session.rows("FROM duckdb_tables() WHERE table_name = '_half_done'"))
    expect(tables).toEqual([])
    expect(await serve()).toHaveLength(1)
  })
})

// biome-ignore-all format: one case a line
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createDatastore, type Datastore } from '../../../src/app.ts'
import { NotAuthorized, ServiceUnavailable } from '../../../src/core/errors.ts'
import { openDataFile } from '../../../src/infrastructure/engines/duckdb/data-file.ts'
import { fileStorage } from '../../../src/infrastructure/engines/duckdb/file-storage.ts'
import { dumpSql } from '../../../src/infrastructure/engines/duckdb/sql-export.ts'
import { spyingProvider, toRequest } from '../../fixtures/datastore.ts'
import { expectError } from '../../fixtures/envelope.ts'

const ROWS = 40_000

let path: string
let datastore: Datastore
const { provider, questions } = spyingProvider(({ resourceId, permission }) => {
  if (resourceId === 'closed' && permission === 'read') throw new NotAuthorized('no')
  return {}
})

const open = async (env: Record<string, string> = {}) => {
  datastore = await createDatastore({ env: { DUCKDB_PATH: path, LOG_LEVEL: 'CRITICAL', QUERY_TIMEOUT_SECONDS: '5', ...env }, auth: provider })
}
const ask = (line: string, init: RequestInit = {}) => datastore.fetch(toRequest(line, { ...init, headers: { Authorization: 'x', ...init.headers } }))
const queryOf = (params: Record<string, string>) => `/datastore/dump/query?${new URLSearchParams(params)}`
const download = (sql: string, more: Record<string, string> = {}) => ask(`GET ${queryOf({ sql, ...more })}`)
const textOf = async (sql: string, format = 'csv') => {
  const response = await download(sql, { format })
  const text = await response.text()
  expect([response.status, text.slice(0, 300)]).toEqual([200, expect.anything()])
  return text
}
const search = async (sql: string, more: object = {}) => {
  const response = await ask(`POST /api/3/action/datastore_search_sql ${JSON.stringify({ sql, ...more })}`)
  return (await response.json()).result
}
const exported = () => readdir(join(path, 'export'))

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'sql-download-'))
  await open()
  const create = async (params: object) => {
    const response = await ask(`POST /api/3/action/datastore_create ${JSON.stringify(params)}`)
    expect([response.status, await response.json()]).toMatchObject([200, {}])
  }
  const fields = [['species', 'text'], ['height', 'numeric'], ['seen', 'timestamp'], ['tags', 'text[]'], ['owner', 'json']].map(([id, type]) => ({ id, type }))
  await create({ resource_id: 'trees', aliases: 'forest', fields, records: [
    { species: 'oak, "old"', height: '12345678901234567.25', seen: '2024-05-01T10:30:00.000001', tags: ['a', 'b'], owner: { n: 1 } },
    { species: null, height: null, seen: null, tags: null, owner: null },
    { species: 'a\tb\nc', height: '1.5', seen: '2024-05-01T00:00:00', tags: [], owner: [] },
  ] })
  await create({ resource_id: 'many', records: Array.from({ length: ROWS }, (_, n) => ({ n, v: `row ${n}` })) })
  await create({ resource_id: 'closed', records: [{ secret: 1 }] })
}, 60_000)
afterAll(async () => {
  await datastore.close()
  await rm(path, { recursive: true, force: true })
})

describe('formats', () => {
  const sql = 'SELECT species, height, seen, tags, owner FROM trees ORDER BY _id'
  const files: [string, string, string][] = [
    ['csv', 'text/csv; charset=utf-8', 'species,height,seen,tags,owner\r\n"oak, ""old""",12345678901234567.25,2024-05-01T10:30:00.000001,"[""a"",""b""]","{""n"":1}"\n,,,null,null\n"a\tb\nc",1.5,2024-05-01T00:00:00,[],[]\n'],
    ['tsv', 'text/tab-separated-values; charset=utf-8', 'species\theight\tseen\ttags\towner\r\n"oak, ""old"""\t12345678901234567.25\t2024-05-01T10:30:00.000001\t"[""a"",""b""]"\t"{""n"":1}"\n\t\t\tnull\tnull\n"a\tb\nc"\t1.5\t2024-05-01T00:00:00\t[]\t[]\n'],
    ['ndjson', 'application/x-ndjson; charset=utf-8', '{"species":"oak, \\"old\\"","height":12345678901234567.25,"seen":"2024-05-01T10:30:00.000001","tags":["a","b"],"owner":{"n":1}}\n{"species":null,"height":null,"seen":null,"tags":null,"owner":null}\n{"species":"a\\tb\\nc","height":1.5,"seen":"2024-05-01T00:00:00","tags":[],"owner":[]}\n'],
    ['json', 'application/json; charset=utf-8', '{\n  "fields": [{"id":"species","type":"text"},{"id":"height","type":"numeric"},{"id":"seen","type":"timestamp"},{"id":"tags","type":"_text"},{"id":"owner","type":"json"}],\n  "records": [\n    ["oak, \\"old\\"",12345678901234567.25,"2024-05-01T10:30:00.000001",["a","b"],{"n":1}],\n    [null,null,null,null,null],\n    ["a\\tb\\nc",1.5,"2024-05-01T00:00:00",[],[]]\n]}\n'],
  ]
  test.each(files)('%s', async (format, type, text) => {
    const response = await download(sql, { format })
    expect(await response.text()).toBe(text)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': type,
      'content-disposition': `attachment; filename="query.${format}"`,
      'content-length': String(Buffer.byteLength(text)),
      'cache-control': 'private, no-cache',
    })
  })

  test('gzip', async () => {
    const response = await download(sql, { format: 'gzip' })
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="query.csv.gz"')
    expect(gunzipSync(await response.arrayBuffer()).toString()).toBe(files[0]?.[2])
  })

  test('parquet, columns of one name and of none among it', async () => {
    const response = await download('SELECT 1 AS a, 2 AS a, count(*), sum(n) AS s FROM many', { format: 'parquet' })
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="query.parquet"')
    const file = join(path, 'downloaded.parquet')
    await writeFile(file, new Uint8Array(await response.arrayBuffer()))
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    const rows = (await connection.runAndReadAll(`FROM read_parquet('${file}')`)).getRowsJson()
    connection.closeSync()
    instance.closeSync()
    expect(rows.map((row) => row.map(Number))).toEqual([[1, 2, ROWS, (ROWS * (ROWS - 1)) / 2]])
  })

  test('bom, and a name that must be quoted', async () => {
    const response = await download(`SELECT 1 AS "a, b", '"x",'`, { bom: 'true' })
    expect(Buffer.from(await response.arrayBuffer()).toString()).toBe('\ufeff"a, b","\'""x"",\'"\r\n1,"""x"","\n')
  })

  test('no rows', async () => {
    const nothing = 'SELECT species FROM trees WHERE _id < 0'
    expect(await textOf(nothing)).toBe('species\r\n')
    expect(await textOf(nothing, 'ndjson')).toBe('')
    expect(JSON.parse(await textOf(nothing, 'json'))).toMatchObject({ records: [] })
  })

  test('the same values as a search', async () => {
    const { records } = await search('SELECT * FROM forest ORDER BY _id', { records_format: 'csv' })
    expect((await textOf('SELECT * FROM forest ORDER BY _id')).replace(/^.*\r\n/, '')).toBe(records)
  })
})

describe('records_format of datastore_search_sql', () => {
  const sql = 'SELECT species, height FROM trees WHERE _id < 3 ORDER BY _id'
  const formats: [string, unknown][] = [
    ['objects', [{ species: 'oak, "old"', height: 12345678901234568 }, { species: null, height: null }]],
    ['lists', [['oak, "old"', 12345678901234568], [null, null]]],
    ['csv', '"oak, ""old""",12345678901234567.25\n,\n'],
    ['tsv', '"oak, ""old"""\t12345678901234567.25\n\t\n'],
  ]
  test.each(formats)('%s', async (records_format, records) => {
    expect(await search(sql, { records_format })).toMatchObject({ records, records_format })
  })

  test('an empty one is none, another is refused, links keep it', async () => {
    expect(await search(sql, { records_format: '' })).toMatchObject({ records: formats[0]?.[1] })
    expect(await search('SELECT n FROM many WHERE n < 0', { records_format: 'csv' })).toMatchObject({ records: '' })
    const refused = await ask(`POST /api/3/action/datastore_search_sql ${JSON.stringify({ sql, records_format: 'xml' })}`)
    await expectError(refused, 409, 'Validation Error', { records_format: [expect.stringMatching(/^Value must be one of/)] })
    const { _links } = await search(`${sql} LIMIT 1`, { records_format: 'lists' })
    expect(_links.next).toMatch(/OFFSET\+1&records_format=lists$/)
  })
})

describe('rows', () => {
  test('all of them, in order, however many a search may return', async () => {
    const lines = (await textOf('SELECT n FROM many ORDER BY n DESC')).split(/\r?\n/)
    expect(lines).toEqual(['n', ...Array.from({ length: ROWS }, (_, at) => String(ROWS - 1 - at)), ''])
  })

  test('LIMIT and OFFSET, each by itself', async () => {
    expect(await textOf('SELECT n FROM many ORDER BY n LIMIT 2')).toBe('n\r\n0\n1\n')
    expect(await textOf(`SELECT n FROM many ORDER BY n OFFSET ${ROWS - 1}`)).toBe(`n\r\n${ROWS - 1}\n`)
  })

  test('up to SQL_DOWNLOAD_ROWS_MAX; more are refused before the first', async () => {
    await datastore.close()
    await open({ SQL_DOWNLOAD_ROWS_MAX: '10' })
    expect((await textOf('SELECT n FROM many LIMIT 10')).split('\n')).toHaveLength(12)
    await expectError(await download('SELECT n FROM many LIMIT 11'), 413, 'Payload Too Large')
    expect(await exported()).toEqual([])
    await datastore.close()
    await open()
  })
})

describe('what is refused', () => {
  const mistakes: [string, number, string][] = [
    ['SELECT * FROM closed', 403, 'Authorization Error'],
    ['SELECT * FROM trees, closed WHERE false', 403, 'Authorization Error'],
    ['SELECT * FROM nothing', 404, 'Not Found Error'],
    ['SELECT * FROM _table_metadata', 403, 'Authorization Error'],
    ["SELECT * FROM read_csv('/etc/passwd')", 403, 'Authorization Error'],
    ['SELECT 1; SELECT 2', 409, 'Validation Error'],
    ['DELETE FROM trees', 409, 'Validation Error'],
    ["SELECT 1) TO '/tmp/x'; --", 409, 'Validation Error'],
    ["COPY trees TO '/tmp/x'", 409, 'Validation Error'],
    ['SELECT nothing FROM trees', 409, 'Validation Error'],
    ["SELECT cast(v AS int) FROM many", 409, 'Validation Error'],
    ['SELECT count(*) FROM many a, many b, many c WHERE a.n + b.n = c.n + 1', 409, 'Validation Error'],
  ]
  test.each(mistakes)('%s: %i', async (sql, status, type) => {
    await expectError(await download(sql), status, type)
    expect(await exported()).toEqual([])
  }, 20_000)

  const parameters: [Record<string, string>, string][] = [[{}, 'sql'], [{ sql: '' }, 'sql'], [{ sql: 'SELECT 1', format: 'xml' }, 'format']]
  test.each(parameters)('%j', async (params, name) => {
    await expectError(await ask(`GET ${queryOf(params)}`), 409, 'Validation Error', { [name]: [expect.any(String)] })
  })

  test('SQL_SEARCH_ENABLED=false: there is no such file', async () => {
    await datastore.close()
    await open({ SQL_SEARCH_ENABLED: 'false' })
    await expectError(await download('SELECT 1'), 404, 'Not Found Error')
    await datastore.close()
    await open()
  })
})

describe('HEAD', () => {
  test('asks for the same permissions and runs nothing', async () => {
    const before = questions.length
    const { status, headers } = await ask(`HEAD ${queryOf({ sql: 'SELECT cast(v AS int) FROM many', format: 'tsv' })}`)
    expect([status, headers.get('content-disposition')]).toEqual([200, 'attachment; filename="query.tsv"'])
    expect(questions.slice(before)).toMatchObject([{ permission: 'read', resourceId: 'many' }])
    expect((await ask(`HEAD ${queryOf({ sql: 'SELECT * FROM closed' })}`)).status).toBe(403)
  })
})

describe('what is left behind', () => {
  test('nothing, after a download that was read and one that was not', async () => {
    await textOf('SELECT * FROM many')
    const reader = (await download('SELECT a.v FROM many a, many b LIMIT 200000')).body?.getReader()
    await reader?.read()
    expect(await exported()).toHaveLength(1)
    await reader?.cancel()
    await vi.waitFor(async () => expect(await exported()).toEqual([]))
  })

  test('nothing, when the client hangs up while the statement runs', async () => {
    const hangUp = new AbortController()
    const answer = ask(`GET ${queryOf({ sql: 'SELECT a.n FROM many a, many b, many c WHERE a.n + b.n = c.n + 1' })}`, { signal: hangUp.signal })
    setTimeout(() => hangUp.abort(), 200)
    expect((await answer).status).toBe(499)
    expect(await exported()).toEqual([])
  })

  test('nothing, when the disk gets full under way', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'full-disk-'))
    const client = await openDataFile({ path: folder })
    let looks = 0
    const checkHeadroom = async () => {
      looks += 1
      if (looks > 1) throw new ServiceUnavailable('full')
    }
    const plan = { sql: 'SELECT a.range FROM range(10000000) a, range(10000000) b', tables: [], functions: [], resolved: new Map(), format: 'csv' } as const
    await expect(dumpSql({ client, storage: fileStorage }, plan, checkHeadroom)).rejects.toThrow('full')
    expect([looks, await readdir(join(folder, 'export'))]).toEqual([2, []])
    await client.close()
    await rm(folder, { recursive: true, force: true })
  })
})
